"""How well a set of segments tells customers apart by what becomes of them."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FOLDS = 5
Z_95 = 1.959963984540054


class Outcomes(NamedTuple):
    """What became of each row: its value a horizon later, and 1 if lost; NaN: not known."""

    value: Floats
    lost: Floats

    def ranked(self) -> dict[str, Floats]:
        """What segments should tell apart: the rank of the value (0 to 1), and the loss."""
        rank = pd.Series(self.value).rank(pct=True)
        both: dict[str, Floats] = {"value": rank.to_numpy().astype(np.float64), "churn": self.lost}
        return {name: y for name, y in both.items() if len(np.unique(y[np.isfinite(y)])) > 1}


class Gain(NamedTuple):
    """What a dimension adds to the share explained, and its 95 % interval."""

    value: float
    low: float
    high: float


def errors(segments: Ints, y: Floats, seed: int) -> Floats:
    """Squared error of each row against its segment's mean of the other folds, over the variance.

    One minus its mean is the share explained, and more segments alone do not raise it. NaN where
    `y` is.
    """
    known = np.isfinite(y)
    fold = np.random.default_rng(seed).permutation(len(y)) % FOLDS
    found = np.full(len(y), np.nan)
    for at in range(FOLDS):
        learn, test = known & (fold != at), known & (fold == at)
        found[test] = (y - foretold(segments, y, learn))[test] ** 2
    return np.asarray(found / y[known].var())


def foretold(segments: Ints, y: Floats, learn: NDArray[np.bool_]) -> Floats:
    """The mean of `y` in each row's segment, of the rows that `learn` marks and whose `y` is known.

    >>> y = np.array([1.0, 3.0, 9.0, 5.0])
    >>> foretold(np.array([0, 0, 0, 1]), y, np.array([True, True, False, True])).tolist()
    [2.0, 2.0, 2.0, 5.0]
    """
    known = learn & np.isfinite(y)
    return np.asarray(_means(segments[known], y[known], int(segments.max()) + 1)[segments])


def _means(segments: Ints, y: Floats, count: int) -> Floats:
    sums = np.bincount(segments, y, count)
    rows = np.bincount(segments, minlength=count)
    overall = y.mean() if len(y) else 0.0
    return np.where(rows > 0, sums / np.maximum(rows, 1), overall)


def explained(segments: Ints, y: Floats, seed: int) -> float:
    """Share of the variance of `y` that segments explain in customers they were not fitted to.

    >>> y = np.repeat([0.0, 1.0], 50)
    >>> explained(y.astype(int), y, seed=0)
    1.0
    """
    return float(1 - np.nanmean(errors(segments, y, seed)))


def gain(before: Floats, after: Floats) -> Gain:
    """What was gained between two sets of errors of the same rows."""
    change = (before - after)[np.isfinite(before)]
    half = Z_95 * float(change.std()) / np.sqrt(max(len(change), 1))
    value = float(change.mean())
    return Gain(value, value - half, value + half)
