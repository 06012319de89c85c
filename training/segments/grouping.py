"""Which (tier, life stage, cluster) make one segment, so that none is too small to act on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def segments_of(counts: Ints, centres: Floats, least: int) -> Ints:
    """Segment of each (tier, stage, cluster), numbered in order; `counts` are their customers.

    Within a tier a stage with under `least` customers joins the smaller stage next to it; then a
    cluster of a stage joins the nearest one that has enough, and where none has, all are one.

    >>> counts = np.array([[[90, 2], [50, 40]], [[5, 0], [5, 5]]])
    >>> segments_of(counts, np.array([[0.0], [1.0]]), least=20).tolist()
    [[[0, 0], [1, 2]], [[3, 3], [3, 3]]]
    """
    found, number = np.empty(counts.shape, dtype=np.int64), 0
    for tier, inside in enumerate(counts):
        for stages in stage_groups(inside.sum(axis=1).tolist(), least):
            leads = _leads(inside[stages].sum(axis=0), centres, least)
            kept, place = np.unique(leads, return_inverse=True)
            found[tier, stages] = number + place
            number += len(kept)
    return found


def stage_groups(customers: Sequence[int], least: int) -> list[list[int]]:
    """Neighbouring stages joined, the smallest first, until each group has `least` customers.

    >>> stage_groups([50, 3, 20, 40], least=20)
    [[0], [1, 2], [3]]
    """
    groups, sizes = [[at] for at in range(len(customers))], list(customers)
    while len(groups) > 1 and min(sizes) < least:
        small = sizes.index(min(sizes))
        beside = [at for at in (small - 1, small + 1) if 0 <= at < len(groups)]
        other = min(beside, key=lambda at: sizes[at])
        first, second = sorted((small, other))
        groups[first : second + 1] = [groups[first] + groups[second]]
        sizes[first : second + 1] = [sizes[first] + sizes[second]]
    return groups


def _leads(customers: Ints, centres: Floats, least: int) -> Ints:
    """The cluster that each cluster belongs to."""
    enough = np.flatnonzero(customers >= least)
    if len(enough) < 2:
        return np.zeros(len(customers), dtype=np.int64)
    away = ((centres[:, None, :] - centres[enough][None]) ** 2).sum(axis=2)
    return np.asarray(enough[away.argmin(axis=1)])
