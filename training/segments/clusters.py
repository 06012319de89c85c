"""Behaviour clusters: k-means of customers' ranks, and how stable a number of clusters is."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
QUANTILES = 101  # points of each feature's distribution that the rule keeps
UNKNOWN_RANK = 0.5  # a missing value sits in the middle: it pulls towards no cluster
BOOTSTRAPS = 10
STABILITY_ROWS = 4000  # at most: more move an adjusted Rand index by a hundredth


def rank_quantiles(frame: pd.DataFrame, names: Sequence[str]) -> Floats:
    """The distribution of each feature by which customers are ranked, features x QUANTILES."""
    return np.stack([_quantiles(frame[name].to_numpy(np.float64)) for name in names])


def ranks_of(frame: pd.DataFrame, names: Sequence[str], quantiles: Floats) -> Floats:
    """Ranks (0 to 1) of each feature among the customers that `quantiles` are of."""
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


def centres_of(ranks: Floats, count: int, seed: int) -> Floats:
    """Centres of `count` clusters (fewer where rows are alike), clusters x features."""
    count = min(count, len(np.unique(ranks, axis=0)))
    centres = KMeans(count, n_init=4, random_state=seed).fit(ranks).cluster_centers_
    # an order of their own, so that the same clusters get the same numbers
    return np.asarray(centres[np.lexsort(centres.T[::-1].round(6))], dtype=np.float64)


def nearest(ranks: Floats, centres: Floats) -> Ints:
    """The cluster whose centre is nearest to each row."""
    return np.asarray(((ranks[:, None, :] - centres[None]) ** 2).sum(axis=2).argmin(axis=1))


def stability(ranks: Floats, count: int, seed: int) -> float:
    """Mean adjusted Rand index between `count` clusters and those of customers drawn again.

    1: the same clusters every time; 0: no more alike than chance.
    """
    random = np.random.default_rng(seed + count)
    rows = ranks[random.permutation(len(ranks))[:STABILITY_ROWS]]
    whole = nearest(rows, centres_of(rows, count, seed))
    scores = []
    for _ in range(BOOTSTRAPS):
        again = rows[random.integers(0, len(rows), len(rows))]
        scores.append(adjusted_rand_score(whole, nearest(rows, centres_of(again, count, seed))))
    return float(np.mean(scores))


def _quantiles(values: Floats) -> Floats:
    known = values[np.isfinite(values)]
    return np.quantile(known if len(known) else np.zeros(1), np.linspace(0, 1, QUANTILES))
