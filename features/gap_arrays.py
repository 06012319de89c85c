"""Days between transactions, from rows to panes on arrays: what `gaps.gap_partials` queries.

Rows sorted by customer and time lie side by side, so that a gap is a difference of neighbours; a
query would sort them once more.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from features.dialect import MICROSECONDS_A_DAY
from features.pane_arrays import Array, microseconds, whole

GAP_ROW = ("customer_id", "pane", "seen", "posted_at")
GAPS = ("gap_n", "gap_mean", "gap_m2", "gap_across", "gap_from", "overtaken")
SLICE = 100_000  # rows whose arrays stay in the cache


def pane_gaps(rows: pa.Table) -> pa.Table:
    """One row per customer, pane and `seen`: gaps inside, and the one from the pane before.

    `rows` are those of the year (`GAP_ROW`) in any order, customers as numbers; sorted by
    customer and time is fastest.

    >>> days = pa.array([86_400 * day for day in (0, 1, 3)], pa.timestamp("s"))
    >>> zero = pa.array([0, 0, 0], pa.int16())
    >>> found = pane_gaps(pa.table([zero, zero, zero, days], names=list(GAP_ROW)))
    >>> found.select(["gap_n", "gap_mean", "gap_m2"]).to_pylist()
    [{'gap_n': 2.0, 'gap_mean': 1.5, 'gap_m2': 0.5}]
    """
    if not len(rows):
        return pa.table({name: pa.nulls(0) for name in GAP_ROW[:3] + GAPS})
    customer, pane, seen = (rows[name].to_numpy() for name in GAP_ROW[:3])
    columns = _by_time(customer, pane, seen, microseconds(whole(rows["posted_at"])).to_numpy())
    cuts = np.unique(np.searchsorted(columns[0], columns[0][::SLICE]))[1:]
    slices = zip(*(np.split(one, cuts) for one in columns), strict=True)
    found = [
        np.concatenate(of_all) for of_all in zip(*(_panes(*one) for one in slices), strict=True)
    ]
    n, across, gap_from = found[3], found[6], found[7]
    return pa.table(
        [
            *found[:4],
            *(pa.array(one, mask=n == 0) for one in found[4:6]),
            pa.array(across, mask=np.isnan(across)),
            pa.array(gap_from, mask=np.isnan(across)).cast(pa.timestamp("us")),
            found[8],
        ],
        names=GAP_ROW[:3] + GAPS,
    )


def _by_time(customer: Array, pane: Array, seen: Array, posted: Array) -> list[Array]:
    """The columns, their rows by customer and time."""
    moved, later = np.diff(customer), np.diff(posted)
    if ((moved > 0) | ((moved == 0) & (later >= 0))).all():
        return [customer, pane, seen, posted]
    order = np.lexsort((posted, customer))
    return [one[order] for one in (customer, pane, seen, posted)]


def _panes(customer: Array, pane: Array, seen: Array, posted: Array) -> list[Array]:
    """Columns of the panes of some customers: their keys, then `GAPS`, NaN for no gap across."""
    begins = _changes(customer)
    outside = begins | _changes(pane)
    gap = np.diff(posted, prepend=posted[0])
    overtaken = ~begins & (np.diff(seen, prepend=seen[0]) < 0)
    order, starts = _groups(customer, pane, seen)
    keys = [one[order][starts] for one in (customer, pane, seen)]
    outside, across = outside[order], (outside & ~begins)[order]
    found = _merged(gap[order], outside, across, posted[order], starts)
    return [*keys, *found, np.logical_or.reduceat(overtaken[order], starts)]


def _groups(customer: Array, pane: Array, seen: Array) -> tuple[Any, Array]:
    """The order of customers, panes and `seen`, and where in it a group begins."""
    key = (customer.astype("int64") * (int(pane.max()) + 1) + pane) * (int(seen.max()) + 1) + seen
    order: Any = slice(None)
    if (np.diff(key) < 0).any():
        order = np.argsort(key, kind="stable")
    return order, np.flatnonzero(_changes(key[order]))


def _merged(gap: Array, outside: Array, across: Array, posted: Array, starts: Array) -> list[Array]:
    """Gaps inside of every group as a spread, the one across and when it began.

    The first row of a pane alone has its gap outside: at most one row of a group.
    """
    sizes = np.diff(starts, append=len(gap))
    n = sizes - np.add.reduceat(outside, starts, dtype="int64")
    days = gap / MICROSECONDS_A_DAY
    days[outside] = 0.0
    mean = np.add.reduceat(days, starts) / np.maximum(n, 1)
    around = days - np.repeat(mean, sizes)
    around[outside] = 0.0
    squares = np.add.reduceat(around * around, starts)
    row = np.flatnonzero(across)
    group = np.searchsorted(starts, row, "right") - 1
    jump, began = np.full(len(starts), np.nan), np.zeros(len(starts), "int64")
    jump[group], began[group] = gap[row] / MICROSECONDS_A_DAY, posted[row] - gap[row]
    return [n.astype("float64"), mean, squares, jump, began]


def _changes(values: Array) -> Array:
    """Whether each value is another than the one before it; the first one is."""
    return np.append(True, values[1:] != values[:-1])
