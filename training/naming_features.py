"""Features that the configuration names, looked up before any work."""

from domain.cell_rates import CELL_LEAVING_RATE
from domain.errors import BadInput
from domain.near import near
from features.registry import FEATURES
from training.settings import RetentionSettings


def require_known_features(settings: RetentionSettings) -> None:
    """BadInput for a name of [retention] that is no feature, or none that it can be used for.

    >>> require_known_features(RetentionSettings(monotone_constraints={"recencyy_days": 1}))
    Traceback (most recent call last):
    domain.errors.BadInput: retention.monotone_constraints names 'recencyy_days', which is no ...
    """
    for name in settings.protected:
        if name not in FEATURES:
            raise BadInput(f"retention.protected names {name!r}, which is no feature{_hint(name)}")
    for name in settings.monotone_constraints:
        if wrong := _unbound(name, settings):
            raise BadInput(f"retention.monotone_constraints names {name!r}, which is {wrong}")


def _unbound(name: str, settings: RetentionSettings) -> str:
    """Why the risk can be bound to rise or fall with no such column; empty: it can."""
    if name == CELL_LEAVING_RATE:
        return "" if settings.cell_rates else "learned from with retention.cell_rates = true only"
    if name not in FEATURES:
        return f"no feature{_hint(name)}"
    if name in settings.protected:
        return "protected: the model never learns from it"
    return "" if FEATURES[name].kind == "number" else "words, not a number"


def _hint(name: str) -> str:
    found = near(name, FEATURES)
    return f"; near it: {', '.join(found)}" if found else "; docs/features.md lists them"
