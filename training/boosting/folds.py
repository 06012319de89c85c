"""Folds of rows to learn from: one customer never on both sides, both classes on every side."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from training.rows.mixed_table import BadRows

Floats = NDArray[np.float64]


def grouped_folds(y: Floats, groups: ArrayLike, folds: int, seed: int) -> NDArray[np.intp]:
    """The fold of each row, below `folds`; rows of one group share it, every fold has 0 and 1.

    Fewer folds where fewer groups hold a class. Raises BadInput when only one group holds one, or
    a group is missing.

    >>> fold = grouped_folds(np.array([0.0, 1, 0, 1, 0, 1]), list("aabbcc"), folds=5, seed=0)
    >>> (fold[::2] == fold[1::2]).all(), np.unique(fold).tolist()
    (np.True_, [0, 1, 2])
    """
    codes = pd.factorize(np.asarray(groups))[0]
    if len(codes) != len(y):
        raise ValueError(f"{len(codes)} groups for {len(y)} rows")
    if (none := codes < 0).any():
        raise BadRows(
            f"{none.sum()} rows have no group (first: row {none.argmax()}); give each row the "
            "customer it is of, or groups to none"
        )
    lost, rows = np.bincount(codes, y), np.bincount(codes)
    number = min(folds, _fewest(lost, rows))
    # Dealt in a circle. Groups of one class, then of both, then of the other: those that hold a
    # class lie side by side, so each fold is dealt one of them, however they are drawn.
    kind = np.where(lost == 0, 0, np.where(lost == rows, 2, 1))
    draw = np.random.default_rng(seed).random(len(rows))
    dealt = np.empty(len(rows), dtype=np.intp)
    dealt[np.lexsort((draw, -rows, kind))] = np.arange(len(rows)) % number
    return dealt[codes]


def _fewest(lost: NDArray[Any], rows: NDArray[Any]) -> int:
    fewest = int(min((lost > 0).sum(), (lost < rows).sum()))
    if fewest < 2:
        raise BadRows(
            f"one class of the label has only {fewest} customer; calibration needs 2 or more of "
            "each; choose other cut-offs or another [label], or deliver more customers"
        )
    return fewest
