"""The checks before a segmentation becomes champion, from the sealed cards of both versions.

Segments are their own target: each model foretells its own rule, so the rows may differ, and
intervals that do not even touch refuse.
"""

from collections.abc import Mapping
from math import isfinite

from domain.bundle import ModelCard
from training.evaluation.metrics import Estimate
from training.promotion.verdict import Check, unmeasured

JUDGED = ("assign_accuracy", "next_accuracy")  # the higher the better
BOUND = "intervals touch, or better"


def segment_checks(
    champion: ModelCard | None, challenger: ModelCard, why_not: str = ""
) -> list[Check]:
    """Agreement of the trees with the rule, and the forecast of the next segment."""
    return [_not_worse(metric, champion, challenger, why_not) for metric in JUDGED]


def _not_worse(
    metric: str, champion: ModelCard | None, challenger: ModelCard, why_not: str
) -> Check:
    name = metric.replace("_", " ")
    if champion is None:
        return unmeasured(name, why_not, BOUND)
    theirs, ours = _read(champion.metrics, metric), _read(challenger.metrics, metric)
    if not all(map(isfinite, (*theirs, *ours))):
        return unmeasured(name, "a card has no figure with an interval; train again", BOUND)
    passed = ours.high >= theirs.low
    why = f"{_words(ours)} against {_words(theirs)}"
    return Check(name, theirs.value, ours.value, ours, BOUND, passed, why)


def _read(metrics: Mapping[str, float], metric: str) -> Estimate:
    return Estimate(*(metrics.get(f"{metric}{end}", float("nan")) for end in ("", "_low", "_high")))


def _words(one: Estimate) -> str:
    return f"{one.value:.4g} ({one.low:.4g} to {one.high:.4g})"
