"""Panes merged into the windows of every cut-off on arrays, where one process holds them.

The results are those of the queries `transactions.windows` and `gaps.gaps_of_panes`, at a small
part of their price for many cut-offs: no row is joined with every cut-off that sees it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.feature import WINDOWS
from features.measures import PARTS, History, Kind, Partial
from features.pane_arrays import Array, Folded, Gaps, Latest, PaneRows, Spread, microseconds, whole
from features.panes import Panes

FOLDS: dict[Kind, np.ufunc] = {
    "count": np.add,
    "total": np.add,
    "largest": np.maximum,
    "smallest": np.minimum,
}


class Column(NamedTuple):
    """Values of cut-offs x customers, and where there is one."""

    values: Array
    known: Array

    def of(self, present: Array) -> pa.Array:
        """The values of those who are present; null where there is none."""
        return pa.array(self.values[present], mask=~self.known[present])


def merged_windows(parts: pa.Table, panes: Panes, history: History) -> pa.Table:
    """One row per customer and cut-off with a row in 365 days: measures, and the latest row.

    `parts` are rows of `transactions.partials`, in any order.
    """
    rows = PaneRows.of(parts, panes)
    present = rows.any(np.ones(len(parts), bool))[-1]
    found = {"last": _latest(rows, present)}
    found["own_posted_at"] = _folded(rows, "own_posted_at", "largest")[-1].of(present)
    for measure in history.partials.values():
        asked = [days for name, days in history.windows if name == measure.name]
        windows = _measured(rows, measure)
        for days in asked:
            found[f"{measure.name}_{days}d"] = windows[WINDOWS.index(days)].of(present)
    return pa.table(_keys(rows, present) | found)


def merged_gaps(parts: pa.Table, panes: Panes) -> pa.Table:
    """One row per customer and cut-off with a row in 365 days: mean and deviation of gaps.

    `parts` are rows of `gaps.gap_partials`, in any order.
    """
    rows = PaneRows.of(parts, panes)
    present = rows.any(np.ones(len(parts), bool))[-1]
    gaps = rows.seen(_gaps(rows))[0].swapaxes(0, 1)
    found = {"gap_mean": Column(gaps[1], gaps[0] > 0), "gap_std": _deviation(gaps)}
    return pa.table(_keys(rows, present) | {name: one.of(present) for name, one in found.items()})


def _keys(rows: PaneRows, present: Array) -> dict[str, pa.Array]:
    cutoff, customer = (pa.array(at) for at in np.nonzero(present))
    days = pa.array(rows.panes.cutoffs, pa.date32())
    return {"customer_id": rows.customers.take(customer), "as_of": days.take(cutoff)}


def _latest(rows: PaneRows, present: Array) -> pa.Array:
    last = whole(rows.table["last"])
    posted = microseconds(pc.struct_field(last, "posted_at")).to_numpy()
    ids = pc.struct_field(last, "transaction_id")
    row = rows.seen(Latest(posted, ids, rows.shape))[0]
    return last.take(pa.array(row[present]))


def _measured(rows: PaneRows, measure: Partial) -> list[Column]:
    if measure.kind != "spread":
        return _folded(rows, measure.name, measure.kind)
    windows = rows.seen(Spread(_parts(rows, measure.parts), rows.shape))
    return [_deviation(one.swapaxes(0, 1)) for one in windows]


def _folded(rows: PaneRows, name: str, kind: Kind) -> list[Column]:
    column = rows.column(name)
    empty = _empty(kind, column.type)
    grid = Folded(column.fill_null(empty).to_numpy(), FOLDS[kind], empty, rows.shape)
    known = rows.any(column.is_valid().to_numpy(zero_copy_only=False))
    return [Column(*pair) for pair in zip(rows.seen(grid), known, strict=True)]


def _empty(kind: Kind, of: pa.DataType) -> float:
    """What changes no sum, no largest and no smallest value."""
    if FOLDS[kind] is np.add:
        return 0
    if pa.types.is_floating(of):
        return -np.inf if kind == "largest" else np.inf
    limits = np.iinfo(of.to_pandas_dtype())
    return limits.min if kind == "largest" else limits.max


def _gaps(rows: PaneRows) -> Gaps:
    across, came_from = rows.column("gap_across"), rows.column("gap_from")
    n = across.is_valid().to_numpy(zero_copy_only=False).astype(float)
    mean = across.fill_null(0.0).to_numpy()
    edges = microseconds(pa.array([rows.panes.instant(day) for day in rows.panes.edges]))
    start = np.searchsorted(edges.to_numpy(), came_from.fill_null(0).to_numpy(), "right") - 1
    inside = _parts(rows, [f"gap_{part}" for part in PARTS])
    return Gaps(inside, np.stack([n, mean, np.zeros(len(n))]), start, rows.shape)


def _parts(rows: PaneRows, names: Sequence[str]) -> Array:
    return np.stack([rows.column(name).fill_null(0.0).to_numpy() for name in names])


def _deviation(spread: Array) -> Column:
    n, _, m2 = spread
    return Column(np.sqrt(m2 / np.maximum(n - 1, 1)), n > 1)
