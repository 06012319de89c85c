"""Who looks at a model before it becomes champion: somebody who did not train it."""

from domain.errors import BadInput
from training.promotion.verdict import Check
from training.settings import UNKNOWN


def validator_check(validator: str, trained_by: str, required: bool) -> Check:
    """The check that a validator is not the trainer; BadInput when it is, or is missing.

    >>> validator_check("", "ann", required=False).reason
    'not asked for'
    >>> validator_check("Ann ", "ann", required=True)
    Traceback (most recent call last):
    domain.errors.BadInput: --validator Ann is who trained this version; ...
    """
    name = validator.strip()
    if not name and required:
        raise BadInput(
            "[promotion] independent_validator asks for --validator NAME, who looked at this "
            f"version and is not who trained it ({trained_by or UNKNOWN})"
        )
    if name and name.casefold() == trained_by.strip().casefold():
        raise BadInput(
            f"--validator {name} is who trained this version; name somebody else who looked at it"
        )
    known = trained_by not in ("", UNKNOWN)
    why = f"{name} looked at what {trained_by if known else 'nobody knows who'} trained"
    passed = known or not name
    return Check(
        "validator", None, None, None, "not the trainer", passed, why if name else "not asked for"
    )
