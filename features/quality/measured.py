"""What was measured of the tables: shares with intervals, by column, rule and cell."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import pandas as pd

from domain.intervals import wilson
from features.quality.report import WHOLE
from features.quality.rows import EVERYONE
from features.quality.rules import Dimension, Rule

MEASURE_COLUMNS = (
    "table",
    "column",
    "rule",
    "cell_id",
    "source",
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
    source: str  # a delivery, or 'all'; the share of a cell is of all sources, and the other way
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
    """One row of `rows` (MEASURE_COLUMNS) per table, column, rule, dimension, cell or source."""

    rows: pd.DataFrame
    freshness: tuple[Freshness, ...]
    notes: tuple[str, ...] = ()

    @property
    def bank(self) -> tuple[Measure, ...]:
        """The measures of everybody, by column."""
        return _measures(self._whole[self._whole.dimension != "accuracy"])

    @property
    def accuracy(self) -> Measure:
        """Customers whose record is valid, consistent and no repeat, of all delivered."""
        return _measures(self._whole[self._whole.dimension == "accuracy"])[0]

    @property
    def cells(self) -> tuple[Measure, ...]:
        """The accuracy of every cell, the lowest first; of accepted rows."""
        rows = self.rows[(self.rows.dimension == "accuracy") & (self.rows.cell_id != EVERYONE)]
        return _measures(rows.sort_values(["share", "cell_id"], kind="stable"))

    @property
    def sources(self) -> tuple[Measure, ...]:
        """The measures of every delivery, accuracy included."""
        return _measures(self.rows[self.rows.source != WHOLE])

    @property
    def _whole(self) -> pd.DataFrame:
        return self.rows[(self.rows.cell_id == EVERYONE) & (self.rows.source == WHOLE)]


class Counted(NamedTuple):
    """The rows (or values) of a rule: how many could be judged, how many of those are right.

    They are of one cell, of one source, or of the bank.
    """

    rule: Rule
    cell_id: str
    source: str
    checked: int
    good: int


def shares(counted: list[Counted]) -> pd.DataFrame:
    """Counts as measures (MEASURE_COLUMNS); where nothing could be judged there is no share."""
    rows = [_share(*found) for found in counted if found.checked]
    return pd.DataFrame(rows, columns=list(MEASURE_COLUMNS))


def _share(rule: Rule, cell: str, source: str, checked: int, good: int) -> Measure:
    where = (rule.table, rule.column, rule.words, cell, source, rule.dimension)
    return Measure(*where, checked, good, good / checked, *wilson(good, checked), rule.gates)


def _measures(rows: pd.DataFrame) -> tuple[Measure, ...]:
    return tuple(Measure(*values) for values in rows.itertuples(index=False, name=None))
