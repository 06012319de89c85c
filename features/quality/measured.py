"""What was measured of the tables: shares with intervals, by column, rule and cell."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import pandas as pd

from domain.intervals import wilson
from features.quality.rows import EVERYONE
from features.quality.rules import Dimension, Rule

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


class Counted(NamedTuple):
    """The rows (or values) of a rule in one cell: how many could be judged, how many are right."""

    rule: Rule
    cell_id: str
    checked: int
    good: int


def shares(counted: list[Counted]) -> pd.DataFrame:
    """Counts as measures (MEASURE_COLUMNS); where nothing could be judged there is no share."""
    rows = [_share(*found) for found in counted if found.checked]
    return pd.DataFrame(rows, columns=list(MEASURE_COLUMNS))


def _share(rule: Rule, cell: str, checked: int, good: int) -> Measure:
    where = (rule.table, rule.column, rule.words, cell, rule.dimension)
    return Measure(*where, checked, good, good / checked, *wilson(good, checked), rule.gates)


def _measures(rows: pd.DataFrame) -> tuple[Measure, ...]:
    return tuple(Measure(*values) for values in rows.itertuples(index=False, name=None))
