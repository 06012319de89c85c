"""How each segment is served: contact mode, cadence, manager; and the bank's own name for it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from domain.errors import BadInput
from training.segments.naming import BETWEEN
from training.settings import PolicySettings


class Policy(NamedTuple):
    """How a segment is served."""

    contact: str
    cadence_days: int
    manager: str


# of the lowest tier, those between, the highest
USUAL = (
    Policy("app and message", 180, "none"),
    Policy("phone", 90, "shared"),
    Policy("in person", 30, "own"),
)


class Served(NamedTuple):
    """The shown name and the policy of each segment; what the configuration names in vain."""

    names: tuple[str, ...]
    policies: tuple[Policy, ...]
    notes: tuple[str, ...]


def served(
    generated: Sequence[str], tiers: Sequence[int], given: Mapping[str, PolicySettings]
) -> Served:
    """Names and policies by [segmentation.policies]; the tier decides what it leaves open.

    A key is the generated name, or parts of it: "high value" holds for every segment of that tier.
    The more parts a key has, the later it decides. Raises BadInput when two segments would have
    one name.

    >>> given = {"high value": PolicySettings(cadence_days=14),
    ...          "high value · frequent": PolicySettings(name="Gold")}
    >>> found = served(["low value", "high value · frequent"], [0, 1], given)
    >>> found.names, found.policies[1]
    (('low value', 'Gold'), Policy(contact='in person', cadence_days=14, manager='own'))
    """
    names, policies = [], []
    for name, tier in zip(generated, tiers, strict=True):
        mine = [given[key] for key in sorted(given, key=_size) if _parts(key) <= _parts(name)]
        exact = given.get(name)
        names.append((exact.name if exact else None) or name)
        policies.append(_merged(USUAL[_rank(tier, max(tiers))], mine))
    _require_unique(names)
    return Served(tuple(names), tuple(policies), tuple(_in_vain(generated, given)))


def _parts(name: str) -> set[str]:
    return {part.strip() for part in name.split(BETWEEN.strip())}


def _size(key: str) -> tuple[int, str]:
    return len(_parts(key)), key


def _rank(tier: int, highest: int) -> int:
    return 0 if tier == 0 else 2 if tier == highest else 1


def _merged(policy: Policy, given: Sequence[PolicySettings]) -> Policy:
    for one in given:
        told = one.model_dump(include=set(Policy._fields), exclude_none=True)
        policy = policy._replace(**told)
    return policy


def _require_unique(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(
            f"segmentation.policies gives two segments the name {twice[0]!r}; give each its own"
        )


def _in_vain(generated: Sequence[str], given: Mapping[str, PolicySettings]) -> list[str]:
    """Keys that hold for no segment, and names given to parts of a name."""
    notes = []
    for key, one in given.items():
        if not any(_parts(key) <= _parts(name) for name in generated):
            notes.append(
                f"segmentation.policies names {key!r}, and no segment is called that; the segments "
                f"are {'; '.join(generated)}"
            )
        elif one.name and key not in generated:
            notes.append(
                f"segmentation.policies renames {key!r}, which is part of a name: give the whole "
                "generated name"
            )
    return notes
