"""The customers of a cut-off by segment: how each is served, who is borderline, who will move."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from training.segmentation import BORDERLINE
from training.segments.champion import SegmentTrees
from training.segments.migration import migration
from training.segments.moves import MAIN, moves


class Segmented(NamedTuple):
    """One row per customer; the migration of each cell since the month before; both lists."""

    customers: pd.DataFrame
    migration: pd.DataFrame
    upgrades: pd.DataFrame
    downgrades: pd.DataFrame


def segmented(trees: SegmentTrees, before: pd.DataFrame | None, now: pd.DataFrame) -> Segmented:
    """Segments by the rule, probabilities by the trees; both frames have `value_held`.

    `before` is the month before `now`, or None where the data do not go back so far. A customer is
    `borderline` when the trees find no segment likelier than all others together.
    """
    rule, names = trees.scheme.rule(), np.asarray(trees.scheme.names, dtype=object)
    segments, tiers = rule.assign(now), rule.tiers(now)
    matrix = trees.manifest.encode(now)
    shares = np.asarray(trees.booster.predict(matrix))
    policies = pd.DataFrame(list(trees.scheme.policies)).iloc[segments].reset_index(drop=True)
    keys = now[["customer_id", "as_of", "cell_id"]].reset_index(drop=True)
    found = keys.assign(
        segment=names[segments],
        segment_probability=shares[np.arange(len(now)), segments],
        borderline=shares.max(axis=1) < BORDERLINE,
        value_tier=tiers + 1,
    )
    found = pd.concat([found, policies], axis=1)
    if trees.following is not None:
        following = np.asarray(trees.following.predict(matrix))
        likely = moves(rule, following, tiers)
        found = found.assign(up_probability=likely.up, down_probability=likely.down)
    return Segmented(
        found,
        _since(before, found, trees),
        _listed(found, "up_probability", tiers < len(rule.value_edges)),
        _listed(found, "down_probability", tiers > 0),
    )


def _since(before: pd.DataFrame | None, found: pd.DataFrame, trees: SegmentTrees) -> pd.DataFrame:
    if before is None:
        return pd.DataFrame(columns=["cell_id", "before", "after", "customers", "share"])
    names = np.asarray(trees.scheme.names, dtype=object)
    then = before.assign(segment=names[trees.scheme.rule().assign(before)])
    return migration(then, found, by_cell=True)


def _listed(
    found: pd.DataFrame, probability: str, can: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
) -> pd.DataFrame:
    """The likeliest to move among those who can, the likeliest first."""
    columns: Sequence[str] = ["customer_id", "cell_id", "segment", probability]
    if probability not in found.columns:
        return pd.DataFrame(columns=list(columns))
    most = round(MAIN * int(can.sum()))
    ranked = found[can].sort_values(probability, ascending=False, kind="stable")
    return ranked[list(columns)].head(most).reset_index(drop=True)
