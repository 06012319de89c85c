"""Who goes up or down a value tier next quarter: lists, and how many on them really do."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.intervals import wilson
from training.segments.rule import SegmentRule

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LISTS = (0.01, 0.05, 0.10)  # of the customers who can move that way
MAIN = 0.05
COLUMNS = (
    *("direction", "share", "customers", "moved", "precision"),
    *("precision_low", "precision_high", "nearest_the_edge", "everyone"),
)


class Moves(NamedTuple):
    """Probability of a higher and of a lower value tier a horizon later."""

    up: Floats
    down: Floats


def moves(rule: SegmentRule, following: Floats, tiers: Ints) -> Moves:
    """From the probabilities of segments a horizon later (rows x segments) and the tiers now."""
    tier_of = np.array([part.tier for part in rule.parts])
    following = following[:, : len(tier_of)]
    above = tier_of[None, :] > tiers[:, None]
    below = tier_of[None, :] < tiers[:, None]
    return Moves((following * above).sum(axis=1), (following * below).sum(axis=1))


def edge_distance(rule: SegmentRule, frame: pd.DataFrame, tiers: Ints) -> Moves:
    """The simplest ranking: how near the value is to the tier above, or to the one below.

    Distances count the customers in between, as a share; the nearer, the higher.
    """
    value = frame[rule.value_feature].fillna(-np.inf).to_numpy(np.float64)
    ordered = np.sort(value)
    place = np.searchsorted(ordered, value) / len(value)
    edges = np.searchsorted(ordered, rule.value_edges) / len(value)
    above, below = np.r_[edges, 1.0][tiers], np.r_[0.0, edges][tiers]
    return Moves(place - above, below - place)


def precision_at(
    ranked: Floats, simple: Floats, moved: NDArray[np.bool_], direction: str
) -> pd.DataFrame:
    """One row per length of list: who moved of those at the top, by the model and the simple rule.

    `everyone` is the share that moved of all: the precision of a list drawn at random.

    >>> chance, moved = np.array([0.9, 0.1] * 50), np.array([True, False] * 50)
    >>> found = precision_at(chance, np.zeros(100), moved, "up")
    >>> found[["share", "customers", "precision", "everyone"]].values.tolist()[0]
    [0.01, 1.0, 1.0, 0.5]
    """
    lengths = LISTS if len(moved) else ()
    rows = [_at(share, ranked, simple, moved, direction) for share in lengths]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _at(
    share: float, ranked: Floats, simple: Floats, moved: NDArray[np.bool_], direction: str
) -> dict[str, object]:
    count = max(1, round(share * len(moved)))
    low, high = wilson(float(_found(ranked, moved, count)), count)
    return {
        "direction": direction,
        "share": share,
        "customers": count,
        "moved": _found(ranked, moved, count),
        "precision": _found(ranked, moved, count) / count,
        "precision_low": low,
        "precision_high": high,
        "nearest_the_edge": _found(simple, moved, count) / count,
        "everyone": float(moved.mean()),
    }


def _found(ranked: Floats, moved: NDArray[np.bool_], count: int) -> int:
    return int(moved[np.argsort(-ranked, kind="stable")[:count]].sum())


def move_table(
    rule: SegmentRule, frame: pd.DataFrame, following: Floats, later: Ints
) -> pd.DataFrame:
    """Precision of both lists; `later` are the tiers that came, -1 for who had left by then."""
    tiers = rule.tiers(frame)
    ours, simple = moves(rule, following, tiers), edge_distance(rule, frame, tiers)
    can_rise, can_fall = tiers < len(rule.value_edges), tiers > 0
    rose, fell = later > tiers, (later < tiers) & (later >= 0)
    tables = [
        precision_at(ours.up[can_rise], simple.up[can_rise], rose[can_rise], "up"),
        precision_at(ours.down[can_fall], simple.down[can_fall], fell[can_fall], "down"),
    ]
    return pd.concat(tables, ignore_index=True)
