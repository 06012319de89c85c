"""The gate before `champion`: what must be true of a challenger, and the words when it is not."""

import hashlib
import json
from collections.abc import Mapping
from math import isfinite
from types import MappingProxyType
from typing import NamedTuple

# metric -> does a higher value mean a better model
JUDGED: Mapping[str, Mapping[str, bool]] = {
    "retention": {"log_loss": False, "average_precision": True},
    "segmentation": {"assign_accuracy": True, "next_accuracy": True},
}
VERSUS = "versus_champion_"


class Evidence(NamedTuple):
    """What is known of one version: metrics hold NAME, NAME_low and NAME_high."""

    version: str
    judged_on: str  # cut-offs and label, in words
    metrics: Mapping[str, float]
    compared_with: str | None = None  # version of the champion judged on the same rows
    data_hashes: Mapping[str, str] = MappingProxyType({})  # table -> SHA-256

    @property
    def rows(self) -> str:
        """What it was judged on, data included, in words; equal words mean the same rows."""
        told = json.dumps(dict(sorted(self.data_hashes.items()))).encode()
        return f"{self.judged_on} of data {hashlib.sha256(told).hexdigest()[:12]}"


def refusal(name: str, champion: Evidence, challenger: Evidence) -> str | None:
    """Why the challenger may not replace the champion, or None.

    Best is a comparison on the same rows: an interval of the paired difference that lies on
    the wrong side of zero refuses. Without one, both must have been judged on the same cut-offs,
    label and data, and intervals that do not even touch refuse. Segments are their own target
    (each model predicts its own rule), so there the rows may differ. A figure that is missing
    refuses: what was not measured was not shown to be as good.

    >>> old, new = Evidence("1", "2026-01-01", {}), Evidence("2", "2026-02-01", {})
    >>> print(refusal("retention", old, new))
    version 2 was judged on 2026-02-01 of data 44136fa355b3 and champion 1 on 2026-01-01 of ...
    """
    if challenger.compared_with == champion.version:
        return _unmeasured(name, challenger, VERSUS) or _worse_paired(name, champion, challenger)
    if name == "retention" and champion.rows != challenger.rows:
        return (
            f"version {challenger.version} was judged on {challenger.rows} and champion "
            f"{champion.version} on {champion.rows}: their figures do not compare; train "
            "again (training compares with the champion of the day), or force with a reason"
        )
    return (
        _unmeasured(name, challenger)
        or _unmeasured(name, champion)
        or _worse_apart(name, champion, challenger)
    )


def _unmeasured(name: str, evidence: Evidence, prefix: str = "") -> str | None:
    for metric in JUDGED[name]:
        if not all(map(isfinite, _read(evidence, prefix + metric))):
            return (
                f"version {evidence.version} has no figure with an interval for "
                f"{_words(prefix + metric)}: the gate cannot compare; train again, or force "
                "with a reason"
            )
    return None


def _worse_paired(name: str, champion: Evidence, challenger: Evidence) -> str | None:
    for metric, higher_is_better in JUDGED[name].items():
        value, low, high = _read(challenger, VERSUS + metric)
        if (high < 0) if higher_is_better else (low > 0):
            return (
                f"version {challenger.version} is worse than champion {champion.version} on the "
                f"same rows: {_words(metric)} differs by {value:+.4g} (95 % interval {low:+.4g} "
                f"to {high:+.4g}); keep the champion, or force with a reason"
            )
    return None


def _worse_apart(name: str, champion: Evidence, challenger: Evidence) -> str | None:
    for metric, higher_is_better in JUDGED[name].items():
        ours, theirs = _read(challenger, metric), _read(champion, metric)
        if (ours[2] < theirs[1]) if higher_is_better else (ours[1] > theirs[2]):
            return (
                f"version {challenger.version} is worse than champion {champion.version}: "
                f"{_words(metric)} {ours[0]:.4g} (95 % interval {ours[1]:.4g} to {ours[2]:.4g}) "
                f"against {theirs[0]:.4g} ({theirs[1]:.4g} to {theirs[2]:.4g}); keep the "
                "champion, or force with a reason"
            )
    return None


def _read(evidence: Evidence, metric: str) -> tuple[float, float, float]:
    unknown = float("nan")
    metrics = evidence.metrics
    return (
        metrics.get(metric, unknown),
        metrics.get(f"{metric}_low", unknown),
        metrics.get(f"{metric}_high", unknown),
    )


def _words(metric: str) -> str:
    return metric.replace("_", " ")
