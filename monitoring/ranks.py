"""Values as ranks in their bank's month: levels, rank intervals and rank scores.

A column of one month is cut into at most LEVELS levels at its own order statistics; every
value that many customers share is a level of its own. A level covers the interval of ranks
[P(value < level), P(value <= level)] of the month, so ties are spread over the ranks that
they share (Czado, Gneiting and Held, 2009, "Predictive model assessment for count data").
Ranks are untouched by any rising transformation of the column, season and inflation included.
"""

from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from domain.precision import rounded as rounded

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LEVELS = 128
NARROWEST = 1e-9  # an interval of ranks below this is a point
GRID = (np.arange(50) + 0.5) / 50  # ranks at which distribution functions are compared


class Ranking(NamedTuple):
    """Levels of one month: upper edges (the last is infinite) and their rank intervals."""

    edges: Floats
    lower: Floats
    upper: Floats

    def level(self, values: Floats) -> Ints:
        """Level of each value; missing values get the last level and are for the caller."""
        return np.searchsorted(self.edges, values, side="left")


def ranking(values: Floats, weight: Floats) -> Ranking:
    """The ranking of a month from its values (none missing) and their weights.

    >>> ranking(np.array([0.0, 0.0, 5.0, 7.0]), np.ones(4)).upper.tolist()
    [0.5, 0.75, 1.0, 1.0]
    """
    used = weight > 0
    values, weight = values[used], weight[used]
    if not len(values):
        return Ranking(np.array([np.inf]), np.zeros(1), np.ones(1))
    ordered, total = in_order(values, weight)
    edges = _edges(ordered, total)
    below = np.searchsorted(ordered, edges, side="right")
    upper = np.append(0.0, total / total[-1])[below]
    return Ranking(edges, np.append(0.0, upper[:-1]), upper)


def in_order(values: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Values in rising order, and the weight up to each.

    >>> in_order(np.array([5.0, 1.0]), np.array([1.0, 3.0]))
    (array([1., 5.]), array([3., 4.]))
    """
    if weight.min() == weight.max():  # several times faster than to sort the weights along
        return np.sort(values), weight[0] * np.arange(1, len(values) + 1)
    order = np.argsort(values, kind="stable")
    return values[order], np.cumsum(weight[order])


def _edges(ordered: Floats, total: Floats) -> Floats:
    distinct = ordered[np.append(True, ordered[1:] > ordered[:-1])]
    if len(distinct) > LEVELS:
        share = np.arange(1, LEVELS + 1) / LEVELS * total[-1]
        picks = ordered[np.minimum(np.searchsorted(total, share), len(ordered) - 1)]
        heavy = picks[1:][picks[1:] == picks[:-1]]
        distinct = np.union1d(picks, np.nextafter(heavy, -np.inf))
    return np.union1d(distinct, [np.inf])


def rank_scores(lower: Floats, upper: Floats, degree: int) -> Floats:
    """Mean of the first `degree` normalised Legendre polynomials over each rank interval.

    The first is the mid-rank (the score of Wilcoxon's test), the second tells spread, the
    next ones shape (Neyman's smooth test, 1937). Over a whole month each has mean 0.

    >>> rank_scores(np.array([0.0, 0.5]), np.array([0.5, 1.0]), 1).round(3).tolist()
    [[-0.866], [0.866]]
    """
    polynomials = np.eye(degree + 1)[:, 1:]
    norm = np.sqrt(2.0 * np.arange(1, degree + 1) + 1.0)
    at_point = legendre.legval(lower + upper - 1.0, polynomials).T
    area = legendre.legint(polynomials)
    rise = legendre.legval(2 * upper - 1, area) - legendre.legval(2 * lower - 1, area)
    width = upper - lower
    wide = width > NARROWEST
    mean = rise.T / np.where(wide, 2 * width, 1.0)[:, None]
    scores: Floats = np.where(wide[:, None], mean, at_point) * norm
    return scores


def rank_distribution(lower: Floats, upper: Floats) -> Floats:
    """Distribution function of each rank interval at GRID: levels x grid points."""
    width = np.maximum(upper - lower, NARROWEST)
    share: Floats = np.clip((GRID[None, :] - lower[:, None]) / width[:, None], 0.0, 1.0)
    return share


def transport(before: Ranking, after: Ranking) -> Floats:
    """Where customers of each level of one month are expected in the levels of the next.

    Row i shares level i out over the levels that cover the same ranks of the next month: a
    customer who moves as the bank does keeps the rank. Rows sum to 1.

    >>> rare, rarer = (ranking(np.arange(10.0) > n, np.ones(10)) for n in (6, 7))
    >>> transport(rare, rarer).round(2).tolist()
    [[1.0, 0.0, 0.0], [0.33, 0.67, 0.0], [0.0, 0.0, 1.0]]
    """
    width = before.upper - before.lower
    low = np.maximum(before.lower[:, None], after.lower)
    shared = np.maximum(np.minimum(before.upper[:, None], after.upper) - low, 0.0)
    shared[shared < NARROWEST * width[:, None]] = 0.0
    points = np.flatnonzero(width <= NARROWEST)  # levels without a customer of the bank
    shared[points] = 0.0
    shared[points, np.searchsorted(after.upper[:-1], before.lower[points], side="right")] = 1.0
    moves: Floats = shared / shared.sum(axis=1, keepdims=True)
    return moves
