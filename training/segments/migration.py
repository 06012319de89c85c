"""Who moved from which segment to which: by month, by cell, and over a quarter."""

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

JOINED, LEFT = "joined", "left"  # where who was not there before, or is no more, moves from or to
SMALL_CELLS = "small cells"


def migration(before: pd.DataFrame, after: pd.DataFrame, by_cell: bool = False) -> pd.DataFrame:
    """One row per pair of segments (and cell): `before`, `after`, `customers`, `share` of before.

    Both frames have `customer_id` and `segment`, one row per customer; with `by_cell` also
    `cell_id`, and who moved house counts where they lived before.

    >>> before = pd.DataFrame({"customer_id": ["a", "b", "c"], "segment": ["x", "x", "y"]})
    >>> after = pd.DataFrame({"customer_id": ["a", "b"], "segment": ["x", "y"]})
    >>> migration(before, after)[["before", "after", "customers"]].values.tolist()
    [['x', 'x', 1], ['x', 'y', 1], ['y', 'left', 1]]
    """
    columns = ["customer_id", *(["cell_id"] if by_cell else []), "segment"]
    pairs = before[columns].merge(
        after[columns], "outer", on="customer_id", suffixes=("_before", "_after")
    )
    told = pd.DataFrame(
        {
            "before": pairs["segment_before"].astype(object).fillna(JOINED),
            "after": pairs["segment_after"].astype(object).fillna(LEFT),
        }
    )
    keys = ["before", "after"]
    if by_cell:
        told.insert(0, "cell_id", pairs["cell_id_before"].fillna(pairs["cell_id_after"]))
        keys = ["cell_id", *keys]
    found = told.groupby(keys, sort=True).size().rename("customers").reset_index()
    whole = found.groupby(keys[:-1])["customers"].transform("sum")
    return found.assign(share=found["customers"] / whole)


def month_migration(months: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The migration from each month to the next; frames in order, with `as_of` as well."""
    steps = [
        migration(before, after).assign(as_of=after["as_of"].iloc[0])
        for before, after in pairwise(months)
    ]
    return pd.concat(steps, ignore_index=True)[["as_of", "before", "after", "customers", "share"]]


def cell_migration(before: pd.DataFrame, after: pd.DataFrame, customers_min: int) -> pd.DataFrame:
    """The migration of each cell; those of fewer than `customers_min` customers are told as one."""
    size = before.groupby("cell_id").size()
    small = size[size < customers_min].index
    pooled = [_pooled(frame, small, size) for frame in (before, after)]
    return migration(pooled[0], pooled[1], by_cell=True)


def _pooled(frame: pd.DataFrame, small: pd.Index, known: pd.Series) -> pd.DataFrame:
    """The rows; those of small cells, and of cells where nobody lived before, in one."""
    of_pool = frame["cell_id"].isin(small) | ~frame["cell_id"].isin(known.index)
    return frame.assign(cell_id=frame["cell_id"].where(~of_pool, SMALL_CELLS))


def square(found: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Shares as a matrix, segments before x segments after and those who left; 0 where nobody.

    >>> moved = pd.DataFrame({"before": ["x"], "after": ["y"], "share": [1.0]})
    >>> square(moved, ["x", "y"]).loc["x"].tolist()
    [0.0, 1.0, 0.0]
    """
    wide = found.pivot_table("share", "before", "after", fill_value=0.0)
    return wide.reindex(index=list(names), columns=[*names, LEFT], fill_value=0.0)
