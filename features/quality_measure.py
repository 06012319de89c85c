"""How good the clean tables are: each dimension by column and cell, with 95 % intervals.

Everything is counted by the engine, one pass a table and one over the balances; only counts
come back. The door's own counts say how valid and complete the delivery was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import ibis
import pandas as pd

from domain.cutoffs import cutoff_instant, local_day
from domain.intervals import wilson
from domain.tables import CONTRACTS
from features.dialect import days_between
from features.engine import Tables
from features.history import data_days
from features.quality import QualityReport, TableQuality
from features.quality_rows import EVERYONE, balance_rows, customer_rows, people, rows_of
from features.quality_rules import BALANCES, Dimension, Rule, record_is_right, rules

BALANCE_ROWS = 20_000_000  # beyond, the balances of a share of the customers are judged
RECENT_DAYS = 28  # before the end of the data, in which every day should have rows
TIMES = {"transactions": "posted_at", "service_events": "occurred_at"}
MEASURE_COLUMNS = (
    "table",
    "column",
    "rule",
    "cell_id",
    "dimension",
    "checked",
    "good",
    "share",
    "low",
    "high",
    "gates",
)


class Measure(NamedTuple):
    """One share: of `checked` rows (or values) `good` are right, with its 95 % interval."""

    table: str
    column: str
    rule: str
    cell_id: str
    dimension: Dimension
    checked: int
    good: int
    share: float
    low: float
    high: float
    gates: bool


class Freshness(NamedTuple):
    """The last row of a table, and how many days it lies behind the last day of all data."""

    table: str
    last: date
    days_behind: int


@dataclass(frozen=True)
class Measured:
    """One row of `rows` (MEASURE_COLUMNS) per table, column, rule, cell and dimension."""

    rows: pd.DataFrame
    freshness: tuple[Freshness, ...]
    notes: tuple[str, ...] = ()

    @property
    def bank(self) -> tuple[Measure, ...]:
        """The measures of everybody, by column."""
        whole = self.rows[(self.rows.cell_id == EVERYONE) & (self.rows.dimension != "accuracy")]
        return _measures(whole)

    @property
    def accuracy(self) -> Measure:
        """Customers whose record is valid, consistent and no repeat, of all delivered."""
        return _measures(self._accuracies(EVERYONE, same=True))[0]

    @property
    def cells(self) -> tuple[Measure, ...]:
        """The accuracy of every cell, the lowest first; of accepted rows."""
        rows = self._accuracies(EVERYONE, same=False)
        return _measures(rows.sort_values(["share", "cell_id"], kind="stable"))

    def _accuracies(self, cell: str, same: bool) -> pd.DataFrame:
        chosen = (self.rows.cell_id == cell) == same
        return self.rows[(self.rows.dimension == "accuracy") & chosen]


def measure(
    tables: Tables,
    late_days: float,
    cells: pd.DataFrame | None = None,
    door: QualityReport | None = None,
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
    >>> measure(tables_of(frames), late_days=3).accuracy[5:8]
    (2, 1, 0.5)
    """
    everyone = people(tables, cells)
    counted = [
        found
        for name in CONTRACTS
        for found in _table(tables, name, everyone, late_days, cells is not None)
    ]
    one_in = -(-_count(tables.transactions) // BALANCE_ROWS)
    counted += _counted(balance_rows(tables, everyone, max(one_in, 1)), (BALANCES,))
    counted += _recent(tables)
    counted = _with_door(counted, door) if door is not None else counted
    shares = [_share(*found) for found in counted if found[-2]]
    rows = pd.DataFrame(shares, columns=list(MEASURE_COLUMNS))
    return Measured(rows, _freshness(tables), tuple(_notes(cells, one_in, door)))


class Counted(NamedTuple):
    """A rule's rows in one cell."""

    rule: Rule
    cell_id: str
    checked: int
    good: int


def _table(
    tables: Tables, name: str, everyone: Any, late_days: float, with_cells: bool
) -> list[Counted]:
    if name == "customers":
        rows = customer_rows(everyone, with_cells)
        return _counted(rows, (*rules(name, late_days), RECORD))
    return _counted(rows_of(tables, name, everyone), rules(name, late_days))


RECORD = Rule(
    "customers",
    "",
    "accuracy",
    "record is valid, consistent and no repeat",
    lambda rows: rows.customer_id.notnull(),
    record_is_right,
)


def _counted(rows: Any, judged: Sequence[Rule]) -> list[Counted]:
    """Rows known and good by each rule, in every cell and altogether: one pass."""
    sums = {}
    for at, rule in enumerate(judged):
        known = rule.known(rows).fill_null(False)
        good = known & rule.good(rows).fill_null(False)
        sums[f"known_{at}"], sums[f"good_{at}"] = known.ifelse(1, 0).sum(), good.ifelse(1, 0).sum()
    found = rows.group_by("cell_id").aggregate(**sums).execute().set_index("cell_id")
    whole = found.sum().rename(EVERYONE).to_frame().T
    found = pd.concat([whole, found.drop(index=EVERYONE, errors="ignore").sort_index()])
    return [
        Counted(rule, str(cell), int(known), int(good))
        for at, rule in enumerate(judged)
        for cell, known, good in found[[f"known_{at}", f"good_{at}"]].itertuples(name=None)
    ]


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
            rule = Rule(name, time, "timeliness", _RECENT, _nothing, _nothing, gates=False)
            yield Counted(rule, EVERYONE, RECENT_DAYS, int(day.nunique().execute()))


_RECENT = f"days with rows, of the last {RECENT_DAYS}"


def _nothing(rows: Any) -> Any:
    raise NotImplementedError("counted by days, not by rows")


def _with_door(counted: list[Counted], door: QualityReport) -> list[Counted]:
    """Figures of the bank as delivered: what was refused counts as wrong."""
    replaced = [_as_delivered(found, door.table(found.rule.table)) for found in counted]
    return [*replaced, *(line for table in door.tables for line in _door(table))]


def _as_delivered(found: Counted, table: TableQuality) -> Counted:
    rule = found.rule
    if found.cell_id != EVERYONE:
        return found
    if rule.dimension == "accuracy":
        return found._replace(checked=found.checked + table.rejected)
    if rule.dimension == "completeness":
        column = next(one for one in table.columns if one.column == rule.column)
        return found._replace(checked=table.delivered, good=table.delivered - column.missing)
    return found


def _door(table: TableQuality) -> Iterator[Counted]:
    for column in table.columns:
        rule = Rule(
            table.table, column.column, "validity", "inside the contract", _nothing, _nothing
        )
        given = table.delivered - column.missing
        bad = column.not_parsable + column.out_of_range
        yield Counted(rule, EVERYONE, given, given - min(bad, given))
    repeats = table.duplicates + table.conflicts
    key = " + ".join(CONTRACTS[table.table].key)
    # a delivery that repeats another whole is harmless: told, and no reason to stop
    rule = Rule(table.table, key, "uniqueness", "delivered once", _nothing, _nothing, gates=False)
    yield Counted(rule, EVERYONE, table.accepted + repeats, table.accepted)


def _share(rule: Rule, cell: str, checked: int, good: int) -> Measure:
    where = (rule.table, rule.column, rule.words, cell, rule.dimension)
    return Measure(*where, checked, good, good / checked, *wilson(good, checked), rule.gates)


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


def _measures(rows: pd.DataFrame) -> tuple[Measure, ...]:
    return tuple(Measure(*values) for values in rows.itertuples(index=False, name=None))
