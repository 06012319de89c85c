"""How good the clean tables are: each dimension by column, source and cell, with 95 % intervals.

Everything is counted by the engine, one pass a table and one over the balances; only counts
come back. The door's own counts say how valid and complete the delivery was.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import ibis
import pandas as pd

from domain.cutoffs import cutoff_instant, local_day
from domain.tables import CONTRACTS
from features.dialect import days_between
from features.engine import Tables
from features.history import data_days
from features.quality.delivered import RECORD, as_delivered
from features.quality.measured import Counted, Freshness, Measured, shares
from features.quality.report import WHOLE, QualityReport
from features.quality.rows import EVERYONE, balance_rows, customer_rows, people, rows_of
from features.quality.rules import BALANCES, Rule, not_by_row, rules
from features.quality.sources import with_sources
from features.snapshot import quiet

BALANCE_ROWS = 20_000_000  # beyond, the balances of a share of the customers are judged
RECENT_DAYS = 28  # before the end of the data, in which every day should have rows
TIMES = {"transactions": "posted_at", "service_events": "occurred_at"}


def measure(
    tables: Tables,
    late_days: float,
    cells: pd.DataFrame | None = None,
    door: QualityReport | None = None,
    progress: Callable[[str, float], None] = quiet,
) -> Measured:
    """Measure the clean tables; `cells` has `customer_id, cell_id`, `door` is their intake.

    Without cells there are figures of the bank alone. Without the door's report validity is
    left out, and completeness and accuracy are those of accepted rows.

    >>> from features.engine import tables_of
    >>> people = {"customer_id": ["a", "b"], "onboarded_on": ["2020-01-01", "2020-01-01"],
    ...     "birth_date": ["1980-05-05", "2021-05-05"]}
    >>> days = {"transaction_id": ["1"], "customer_id": ["a"], "posted_at": ["2020-02-01"],
    ...     "amount": [5.0]}
    >>> frames = {"customers": pd.DataFrame(people), "transactions": pd.DataFrame(days)}
    >>> measure(tables_of(frames), late_days=3).accuracy[6:9]
    (2, 1, 0.5)
    """
    tables = with_sources(tables)
    everyone = people(tables, cells)
    counted: list[Counted] = []
    for at, name in enumerate(CONTRACTS):
        progress("measuring quality", at / (len(CONTRACTS) + 1))
        counted += _table(tables, name, everyone, late_days, cells is not None)
    progress("measuring quality", len(CONTRACTS) / (len(CONTRACTS) + 1))
    one_in = -(-_count(tables.transactions) // BALANCE_ROWS)
    counted += _counted(balance_rows(tables, everyone, max(one_in, 1)), (BALANCES,))
    counted += _recent(tables)
    if door is not None:
        counted = as_delivered(counted, door)
    found = Measured(shares(counted), _freshness(tables), tuple(_notes(cells, one_in, door)))
    progress("measuring quality", 1.0)
    return found


def _table(
    tables: Tables, name: str, everyone: Any, late_days: float, with_cells: bool
) -> list[Counted]:
    if name == "customers":
        rows = customer_rows(everyone, tables.outlets, with_cells)
        return _counted(rows, (*rules(name, late_days), RECORD))
    return _counted(rows_of(tables, name, everyone), rules(name, late_days))


def _counted(rows: Any, judged: Sequence[Rule]) -> list[Counted]:
    """Rows known and good by each rule, altogether, in every cell and of every source: one pass."""
    found = _sums(rows, judged)
    cells, sources = found[found.source == WHOLE], found[found.source != WHOLE]
    whole = cells.assign(cell_id=EVERYONE).groupby(["cell_id", "source"], as_index=False).sum()
    lines = pd.concat([whole, cells[cells.cell_id != EVERYONE], sources])
    return [
        Counted(rule, cell, source, int(known), int(good))
        for at, rule in enumerate(judged)
        for cell, source, known, good in lines[
            ["cell_id", "source", f"known_{at}", f"good_{at}"]
        ].itertuples(index=False, name=None)
    ]


def _sums(rows: Any, judged: Sequence[Rule]) -> pd.DataFrame:
    """A line per cell (of all sources) and one per source (of everybody), in order.

    A row without a cell is of the cell 'all', one without a source of the cells alone.
    """
    sums = {}
    for at, rule in enumerate(judged):
        known = rule.known(rows).fill_null(False)
        good = known & rule.good(rows).fill_null(False)
        sums[f"known_{at}"], sums[f"good_{at}"] = known.ifelse(1, 0).sum(), good.ifelse(1, 0).sum()
    parts = rows.group_by("cell_id", "source").aggregate(**sums)
    totals = {name: parts[name].sum().cast("int64") for name in sums}
    cells = parts.group_by("cell_id").aggregate(**totals).mutate(source=ibis.literal(WHOLE))
    known = parts.filter(parts.source != WHOLE)
    sources = known.group_by("source").aggregate(**totals).mutate(cell_id=ibis.literal(EVERYONE))
    names = ["cell_id", "source", *sums]
    both: pd.DataFrame = cells.select(names).union(sources.select(names)).execute()
    return both.sort_values(["source", "cell_id"], kind="stable")


def _recent(tables: Tables) -> Iterator[Counted]:
    """Of the last days of the data, those on which a table has a row; for the bank alone."""
    _, last = data_days(tables)
    for name, time in TIMES.items():
        table = getattr(tables, name)
        since = cutoff_instant(last - timedelta(days=RECENT_DAYS - 1), tables.timezone)
        until = cutoff_instant(last + timedelta(days=1), tables.timezone)
        recent = table.filter((table[time] >= since) & (table[time] < until))
        day = days_between(recent[time], ibis.literal(since, "timestamp(6)")).floor()
        if _count(table):
            rule = Rule(name, time, "timeliness", _RECENT, not_by_row, not_by_row, gates=False)
            yield Counted(rule, EVERYONE, WHOLE, RECENT_DAYS, int(day.nunique().execute()))


_RECENT = f"days with rows, of the last {RECENT_DAYS}"


def _freshness(tables: Tables) -> tuple[Freshness, ...]:
    found = {}
    for name, time in TIMES.items():
        last = getattr(tables, name)[time].max().to_pyarrow().as_py()
        if last is not None:
            found[name] = local_day(last, tables.timezone)
    end = max(found.values())
    return tuple(Freshness(name, day, (end - day).days) for name, day in found.items())


def _notes(cells: pd.DataFrame | None, one_in: int, door: QualityReport | None) -> Iterator[str]:
    if cells is None:
        yield "no grid yet: the figures are the bank's alone; `gridkeep partition` makes cells"
    if one_in > 1:
        yield f"balances were compared for one customer in {one_in}"
    if door is None:
        yield "the door's counts are of another delivery: validity is left out"


def _count(table: Any) -> int:
    return int(table.count().execute())
