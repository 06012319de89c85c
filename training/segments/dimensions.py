"""Which dimensions make segments: what repeats in resamples and tells the future apart."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from training.segments.clusters import centres_of, nearest, rank_quantiles, ranks_of, stability
from training.segments.naming import Known, matched
from training.segments.rule import SegmentRule, counted, floor_of, with_segments
from training.segments.separation import Gain, Outcomes, errors, gain
from training.segments.stages import stages_known
from training.settings import SegmentationSettings

Floats = NDArray[np.float64]
STABLE = 0.8  # adjusted Rand index from which a number of clusters is found again
SILHOUETTE_ROWS = 2000
ONE = 1  # cluster: behaviour is no dimension


@dataclass(frozen=True)
class Fitted:
    """The rule, and the tables by which its dimensions were chosen."""

    rule: SegmentRule
    stability: pd.DataFrame  # one row per number of clusters
    dimensions: pd.DataFrame = field(default_factory=pd.DataFrame)  # one row per scheme tried
    notes: tuple[str, ...] = ()


def fit_rule(
    frame: pd.DataFrame,
    value: str,
    behaviour: Sequence[str],
    settings: SegmentationSettings,
    outcomes: Outcomes | None = None,
    known: Known | None = None,
) -> Fitted:
    """The rule fitted on one row per customer.

    With `outcomes` a dimension stays only if it tells more of them than the segments without it;
    `known` clusters of the champion go first among numbers of clusters that are as good.
    """
    # scikit-learn would take every core; two programs that spin on the same ones crawl
    with threadpool_limits(settings.threads):
        return _Search(frame, value, behaviour, settings, outcomes, known).fitted()


class _Search:
    """The schemes that can be made of one population, and the best of them."""

    def __init__(
        self,
        frame: pd.DataFrame,
        value: str,
        behaviour: Sequence[str],
        settings: SegmentationSettings,
        outcomes: Outcomes | None,
        known: Known | None,
    ) -> None:
        self.frame, self.settings, self.known = frame, settings, known
        self.futures = outcomes.ranked() if outcomes else {}
        quantiles = rank_quantiles(frame, behaviour)
        self.ranks = ranks_of(frame, behaviour, quantiles)
        self.alone = SegmentRule(
            value,
            np.zeros(0),
            None,
            tuple(behaviour),
            quantiles,
            np.full((ONE, len(behaviour)), 0.5),
            np.zeros((1, 1, 1), dtype=np.int64),
        )
        self.alone = replace(self.alone, value_edges=_edges(self.alone, frame, settings))
        self.tried: list[dict[str, object]] = []
        self.notes: list[str] = []

    def fitted(self) -> Fitted:
        table, stable = self._stability()
        if not stable:
            self.notes.append(
                f"no number of behaviour clusters from {self.settings.clusters_min} to "
                f"{self.settings.clusters_max} is found again in resamples (adjusted Rand index "
                f"{STABLE} or more): value tier and life stage alone make the segments"
            )
        ages = self._ages()
        count = self._count(ages, stable) if stable else ONE
        table["chosen"] = table["clusters"] == count
        rule = self._scheme(ages, stable[count] if count != ONE else None)
        return Fitted(rule, table, pd.DataFrame(self.tried), tuple(self.notes))

    def _stability(self) -> tuple[pd.DataFrame, dict[int, Floats]]:
        rows, stable = [], {}
        distinct = len(np.unique(self.ranks, axis=0))
        for count in range(self.settings.clusters_min, self.settings.clusters_max + 1):
            if distinct < count:
                break
            index = stability(self.ranks, count, self.settings.seed)
            rows.append((count, index, index < STABLE))
            if index >= STABLE:
                stable[count] = centres_of(self.ranks, count, self.settings.seed)
        return pd.DataFrame(rows, columns=["clusters", "adjusted_rand", "refused"]), stable

    def _ages(self) -> tuple[int, ...] | None:
        """The steps of the life stages, or None where they are no dimension."""
        ages = self.settings.stage_ages
        if not ages or not stages_known(self.frame):
            return None
        if not self.futures:
            return ages
        told = self._gains("tier x stage", self._scheme(ages, None), self._scheme(None, None))
        if any(one.low > 0 for one in told.values()):
            return ages
        self.notes.append("life stages tell nothing of the next quarter beyond value: left out")
        return None

    def _count(self, ages: tuple[int, ...] | None, stable: dict[int, Floats]) -> int:
        """The number of clusters among the stable ones, or one where they tell nothing."""
        if not self.futures:
            return max(stable, key=lambda count: self._silhouette(stable[count]))
        base = self._scheme(ages, None)
        gains = {
            count: self._gains(f"with {count} clusters", self._scheme(ages, centres), base)
            for count, centres in stable.items()
        }
        telling = {k: g for k, g in gains.items() if any(one.low > 0 for one in g.values())}
        if not telling:
            self.notes.append("behaviour clusters tell nothing of the next quarter: left out")
            return ONE
        totals = {count: sum(one.value for one in told.values()) for count, told in telling.items()}
        best = max(totals, key=lambda count: totals[count])
        close = [count for count in totals if totals[count] >= totals[best] - _noise(telling[best])]
        usual = len(self.known.centres) if self.known else 0
        return usual if usual in close else min(close)

    def _silhouette(self, centres: Floats) -> float:
        random = np.random.default_rng(self.settings.seed)
        sample = self.ranks[random.permutation(len(self.ranks))[:SILHOUETTE_ROWS]]
        labels = nearest(sample, centres)
        return float(silhouette_score(sample, labels)) if len(np.unique(labels)) > 1 else -1.0

    def _gains(self, name: str, rule: SegmentRule, base: SegmentRule) -> dict[str, Gain]:
        """What `rule` tells of each outcome beyond `base`."""
        seed, found = self.settings.seed, {}
        row: dict[str, object] = {"scheme": name, "segments": len(rule.parts)}
        for outcome, y in self.futures.items():
            before = errors(base.assign(self.frame), y, seed)
            after = errors(rule.assign(self.frame), y, seed)
            found[outcome] = gain(before, after)
            row[f"{outcome}_explained"] = 1 - float(np.nanmean(after))
            row |= {f"{outcome}_{key}": v for key, v in _told(found[outcome]).items()}
        self.tried.append(row)
        return found

    def _scheme(self, ages: tuple[int, ...] | None, centres: Floats | None) -> SegmentRule:
        rule = replace(self.alone, ages=ages)
        if centres is not None:
            rule = replace(rule, centres=centres)
        least = floor_of(len(self.frame), self.settings.segment_share_min)
        return self._as_before(with_segments(rule, self.frame, least), least)

    def _as_before(self, rule: SegmentRule, least: int) -> SegmentRule:
        """The champion's clusters in their order, and its segments while they are half as large."""
        if self.known is None or self.known.behaviour != rule.behaviour:
            return rule
        pairs = matched(rule.centres, self.known.centres)
        if len(rule.centres) != len(self.known.centres) or len(pairs) < len(rule.centres):
            return rule
        order = sorted(pairs, key=lambda new: pairs[new])
        same = replace(rule, centres=rule.centres[order], lookup=rule.lookup[:, :, order])
        if same.lookup.shape != self.known.lookup.shape or rule.ages != self.known.ages:
            return same
        sizes = np.bincount(
            self.known.lookup.ravel(), counted(same, self.frame).ravel().astype(float)
        )
        return replace(same, lookup=self.known.lookup) if sizes.min() * 2 >= least else same


def _edges(rule: SegmentRule, frame: pd.DataFrame, settings: SegmentationSettings) -> Floats:
    value = rule.value(frame)
    cuts = np.cumsum(settings.tier_shares)[:-1]
    return np.unique(np.nanquantile(value, cuts))


def _told(one: Gain) -> dict[str, float]:
    return {"gain": one.value, "gain_low": one.low, "gain_high": one.high}


def _noise(gains: dict[str, Gain]) -> float:
    """One standard error of the sum."""
    return float(np.sqrt(sum(((one.high - one.low) / 2 / 1.96) ** 2 for one in gains.values())))
