"""The segment rule: value tier x behaviour cluster, as numbers fitted on one cut-off."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from training.settings import SegmentationSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
QUANTILES = 101  # points of each feature's distribution that the rule keeps
UNKNOWN_RANK = 0.5  # a missing value sits in the middle: it pulls towards no cluster
STABLE = 0.8  # adjusted Rand index between halves from which a number of clusters is stable
HALVES = 4
SILHOUETTE_ROWS = 2000


@dataclass(frozen=True)
class SegmentRule:
    """Assigns a segment index from the value and the ranks of behaviour features.

    `segments[i]` is the (tier, cluster) of segment i, in order; a pair that is not there goes
    to the nearest cluster of its tier that is.
    """

    value_feature: str
    value_edges: Floats
    behaviour: tuple[str, ...]
    quantiles: Floats  # behaviour features x QUANTILES
    centres: Floats  # clusters x behaviour features, in ranks
    segments: tuple[tuple[int, int], ...]

    def tiers(self, frame: pd.DataFrame) -> Ints:
        """Value tier of each row, 0 lowest; an unknown value is the lowest."""
        value = frame[self.value_feature].to_numpy(np.float64)
        tier = np.searchsorted(self.value_edges, value, side="right")
        return np.where(np.isnan(value), 0, tier).astype(np.int64)

    def ranks(self, frame: pd.DataFrame) -> Floats:
        """Ranks (0 to 1) of behaviour features in the population the rule was fitted on."""
        return _ranks(frame, self.behaviour, self.quantiles)

    def assign(self, frame: pd.DataFrame) -> Ints:
        """Segment index of each row."""
        ranks, tiers = self.ranks(frame), self.tiers(frame)
        distance = ((ranks[:, None, :] - self.centres[None]) ** 2).sum(axis=2)
        index = {pair: at for at, pair in enumerate(self.segments)}
        found = np.empty(len(frame), dtype=np.int64)
        for tier in np.unique(tiers):
            open_here = [cluster for (of, cluster) in self.segments if of == tier]
            rows = tiers == tier
            nearest = np.asarray(open_here)[distance[rows][:, open_here].argmin(axis=1)]
            found[rows] = [index[(int(tier), int(cluster))] for cluster in nearest]
        return found


def fit_rule(
    frame: pd.DataFrame, value: str, behaviour: Sequence[str], settings: SegmentationSettings
) -> SegmentRule:
    """The rule fitted on one row per customer."""
    # scikit-learn would take every core; two programs that spin on the same ones crawl
    with threadpool_limits(settings.threads):
        return _fit(frame, value, behaviour, settings)


def _fit(
    frame: pd.DataFrame, value: str, behaviour: Sequence[str], settings: SegmentationSettings
) -> SegmentRule:
    cuts = np.cumsum(settings.tier_shares)[:-1]
    edges = np.unique(np.nanquantile(frame[value].to_numpy(np.float64), cuts))
    quantiles = np.stack([_quantiles(frame[name].to_numpy(np.float64)) for name in behaviour])
    ranks = _ranks(frame, behaviour, quantiles)
    centres = _centres(ranks, choose_clusters(ranks, settings), settings.seed)
    every = tuple((tier, c) for tier in range(len(edges) + 1) for c in range(len(centres)))
    rule = SegmentRule(value, edges, tuple(behaviour), quantiles, centres, every)
    return _without_small(rule, frame, settings.segment_share_min)


def choose_clusters(ranks: Floats, settings: SegmentationSettings) -> int:
    """Number of clusters: the best silhouette among those that halves of the customers repeat."""
    random = np.random.default_rng(settings.seed)
    sample = ranks[random.permutation(len(ranks))[:SILHOUETTE_ROWS]]
    judged = []
    for count in range(settings.clusters_min, settings.clusters_max + 1):
        if len(np.unique(sample, axis=0)) < count:
            break
        labels = _nearest(sample, _centres(ranks, count, settings.seed))
        if len(np.unique(labels)) < 2:
            continue
        stability = _stability(ranks, sample, labels, count, settings.seed)
        judged.append((stability >= STABLE, silhouette_score(sample, labels), count))
    return max(judged)[2] if judged else 1


def _stability(ranks: Floats, sample: Floats, labels: Ints, count: int, seed: int) -> float:
    random = np.random.default_rng(seed + count)
    scores = []
    for _ in range(HALVES):
        half = ranks[random.permutation(len(ranks))[: max(count, len(ranks) // 2)]]
        scores.append(adjusted_rand_score(labels, _nearest(sample, _centres(half, count, seed))))
    return float(np.mean(scores))


def _centres(ranks: Floats, count: int, seed: int) -> Floats:
    count = min(count, len(np.unique(ranks, axis=0)))
    centres = KMeans(count, n_init=4, random_state=seed).fit(ranks).cluster_centers_
    # an order of their own, so that the same clusters get the same numbers
    return np.asarray(centres[np.lexsort(centres.T[::-1].round(6))], dtype=np.float64)


def _nearest(ranks: Floats, centres: Floats) -> Ints:
    return np.asarray(((ranks[:, None, :] - centres[None]) ** 2).sum(axis=2).argmin(axis=1))


def _quantiles(values: Floats) -> Floats:
    known = values[np.isfinite(values)]
    return np.quantile(known if len(known) else np.zeros(1), np.linspace(0, 1, QUANTILES))


def _ranks(frame: pd.DataFrame, names: Sequence[str], quantiles: Floats) -> Floats:
    share = np.linspace(0, 1, QUANTILES)
    found = np.empty((len(frame), len(names)))
    for at, name in enumerate(names):
        values = frame[name].to_numpy(np.float64)
        # the middle of a tie: many customers with zero share one rank
        low = share[np.clip(np.searchsorted(quantiles[at], values, "left"), 0, QUANTILES - 1)]
        high = share[np.clip(np.searchsorted(quantiles[at], values, "right") - 1, 0, QUANTILES - 1)]
        tied = np.isin(values, quantiles[at])
        between = np.interp(values, quantiles[at], share)
        found[:, at] = np.where(tied, (low + high) / 2, between)
        found[np.isnan(values), at] = UNKNOWN_RANK
    return found


def _without_small(rule: SegmentRule, frame: pd.DataFrame, share_min: float) -> SegmentRule:
    counts = np.bincount(rule.assign(frame), minlength=len(rule.segments))
    kept = {
        pair
        for pair, n in zip(rule.segments, counts, strict=True)
        if n >= share_min * len(frame) and n
    }
    for tier in range(len(rule.value_edges) + 1):
        of_tier = [at for at, pair in enumerate(rule.segments) if pair[0] == tier]
        kept.add(rule.segments[max(of_tier, key=lambda at: (counts[at], -at))])
    return SegmentRule(
        rule.value_feature,
        rule.value_edges,
        rule.behaviour,
        rule.quantiles,
        rule.centres,
        tuple(pair for pair in rule.segments if pair in kept),
    )
