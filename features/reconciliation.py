"""Counts and amounts from the source to the features and the scores, each counted twice.

Every figure here is counted in another way than by the step it controls: from the clean tables
by plain filters, from the files by reading them back.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from domain.cutoffs import cutoff_instant
from domain.layout import Layout
from domain.reconciliation import Line, Reconciliation
from features.engine import Tables
from features.feature import WINDOWS
from features.intake import read_record
from features.quality.report import ControlTotal, QualityReport, TableQuality, read_quality

REFUSED_LATER = (
    "the door's counts are of a later delivery, which was refused: the source is not compared; "
    "`gridkeep check` reads it again"
)


def reconciled(
    tables: Tables,
    layout: Layout,
    cells: pd.DataFrame,
    features: Path,
    as_of: Sequence[date],
    scores: Path | None = None,
) -> Reconciliation:
    """The lines from the source to a feature file, and on to the score file if there is one."""
    door = read_quality(layout)
    lines = list(_source(door, layout, tables)) if door.sound else []
    lines += _cells(tables, cells)
    for day in as_of:
        lines += _snapshot(tables, features, day)
    if scores is not None:
        lines += _scores(tables, features, scores)
    return Reconciliation(tuple(as_of), tuple(lines), tuple(_notes(door)))


def _notes(door: QualityReport) -> Iterator[str]:
    if not door.sound:
        yield REFUSED_LATER
    elif not door.controls:
        yield "the tables were read without control totals: run `gridkeep check` to compare them"


def source_lines(table: TableQuality, control: ControlTotal, accepted: int) -> Iterator[Line]:
    """Rows of one table: as they came, as the door counted them, as they lie on disk.

    >>> table = TableQuality(table="closures", delivered=5, accepted=3, rejected=1, duplicates=1)
    >>> control = ControlTotal(table="closures", delivered=5, rejected=1)
    >>> [line.holds for line in source_lines(table, control, accepted=3)]
    [True, True]
    """
    name = table.table
    yield Line(
        f"{name}: delivered rows",
        control.delivered,
        {
            "in the table": accepted,
            "in quarantine": control.rejected,
            "repeats": table.duplicates,
        },
    )
    counted = table.accepted + table.rejected + table.duplicates
    yield Line(f"{name}: delivered rows as the door counted", table.delivered, {"told": counted})


def amount_line(table: TableQuality, control: ControlTotal, accepted: float) -> Line:
    """Money of one table; that of repeats is what is left, so that with repeats it must hold."""
    parts = {"in the table": accepted, "in quarantine": control.rejected_amount}
    if table.duplicates:
        parts["repeats"] = control.delivered_amount - accepted - control.rejected_amount
    what = f"{table.table}: delivered amounts"
    return Line(what, control.delivered_amount, parts, control.size)


def _source(door: QualityReport, layout: Layout, tables: Tables) -> Iterator[Line]:
    rows = {name: table.rows for name, table in read_record(layout).tables.items()}
    for control in door.controls:
        table = door.table(control.table)
        yield from source_lines(table, control, rows[control.table])
        if control.table == "transactions":
            amount = tables.transactions.amount.sum().to_pyarrow().as_py() or 0.0
            yield amount_line(table, control, amount)


def _cells(tables: Tables, cells: pd.DataFrame) -> Iterator[Line]:
    customers = int(tables.customers.count().execute())
    placed = int(cells["cell_id"].notna().sum())
    yield Line("customers in the table", customers, {"with a cell": placed})


def _snapshot(tables: Tables, file: Path, as_of: date) -> Iterator[Line]:
    rows = tables.connection.read_parquet(str(file))
    rows = rows.filter(rows.as_of == as_of)
    written = _figures(rows, _written(rows))
    gone = tables.closures.filter(tables.closures.closed_on < as_of)
    onboarded = tables.customers.filter(tables.customers.onboarded_on < as_of)
    here = onboarded.anti_join(gone, "customer_id")
    yield Line(
        f"customers in the table at {as_of}",
        int(tables.customers.count().execute()),
        {
            "with features": written["rows"],
            "not onboarded yet": _count(tables.customers) - _count(onboarded),
            "closed before": _count(onboarded.semi_join(gone, "customer_id")),
        },
    )
    yield Line(f"rows at {as_of}", written["rows"], {"customers": written["customers"]})
    visible = _visible(tables, here, as_of)
    table = _figures(visible, _in_table(visible, as_of, tables.timezone))
    for name in (name for name in table if not name.startswith("size")):
        size = 0.0 if name.startswith("transactions") else table["size"]
        yield Line(f"{name} at {as_of}", table[name], {"in the features": written[name]}, size)


def _visible(tables: Tables, here: Any, as_of: date) -> Any:
    rows = tables.transactions.semi_join(here, "customer_id")
    cut = cutoff_instant(as_of, tables.timezone)
    arrived = rows.available_at.isnull() | (rows.available_at <= cut)
    first = cutoff_instant(as_of - timedelta(days=max(WINDOWS)), tables.timezone)
    return rows.filter(arrived & (rows.posted_at < cut) & (rows.posted_at >= first))


def _in_table(rows: Any, as_of: date, timezone: str) -> dict[str, Any]:
    sums = {"size": rows.amount.abs().sum()}
    for window in WINDOWS:
        inside = rows.posted_at >= cutoff_instant(as_of - timedelta(days=window), timezone)
        sums[f"transactions_{window}d"] = rows.count(where=inside)
        sums[f"credit_{window}d"] = rows.amount.sum(where=inside & (rows.amount > 0))
        sums[f"debit_{window}d"] = -rows.amount.sum(where=inside & (rows.amount < 0))
    return sums


def _written(rows: Any) -> dict[str, Any]:
    names = ("transactions", "credit", "debit")
    sums = {
        f"{name}_{window}d": rows[f"{name}_{window}d"].sum() for window in WINDOWS for name in names
    }
    return {"rows": rows.count(), "customers": rows.customer_id.nunique(), **sums}


def _figures(rows: Any, sums: Mapping[str, Any]) -> dict[str, float]:
    found = rows.aggregate(**sums).to_pyarrow().to_pylist()[0]
    return {name: float(value or 0) for name, value in found.items()}


def _scores(tables: Tables, features: Path, scores: Path) -> Iterator[Line]:
    given, scored = (tables.connection.read_parquet(str(file)) for file in (features, scores))
    key = ["customer_id", "as_of"]
    rows = _count(given)
    yield Line("rows with features", rows, {"scored": _count(scored)})
    yield Line(
        "rows with features", rows, {"found among the scores": _count(given.semi_join(scored, key))}
    )
    known = _count(scored.filter(scored.churn_probability.notnull()))
    yield Line("scored rows", _count(scored), {"with a probability": known})


def _count(rows: Any) -> int:
    return int(rows.count().execute())
