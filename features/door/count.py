"""What was seen in one delivery: its rows, its empty cells and its faults, batch by batch."""

from collections import Counter
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from domain.tables import CONTRACTS
from features.controls import Control, ControlSum
from features.door.convert import Fault
from features.door.sought import WordCount, joined, word_counts
from features.door.words import Defect, Seen
from features.quality.report import Example
from features.readers.batch import Batch

SHOWN_CHARACTERS = 60


class Counted(BaseModel):
    """The counts of one delivery of one table, as a later intake takes them over unread."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    file: str
    delivered: int = 0
    rejected: int = 0  # by the contract alone; strangers are judged table by table
    repeats: int = 0  # of rows that were read before, here or in another delivery
    cells: dict[str, dict[str, int]] = {}  # column -> what is wrong -> cells
    defects: tuple[tuple[Defect, Seen], ...] = ()
    odd: dict[str, Example] = {}  # column -> first suspicious cell
    late: bool = False  # holds rows of days to come, which another day may accept
    control: ControlSum = ControlSum()
    words: dict[str, WordCount] = {}  # column -> whether features look for its words
    corrected: tuple[str, ...] = ()  # corrections that found their rows, by file and line


class Count:
    """The counts of one delivery while it is read."""

    def __init__(self, table: str, file: str) -> None:
        self._table, self._file = table, file
        self._delivered = self._rejected = 0
        self._cells: dict[str, Counter[str]] = {}
        self._defects: dict[Defect, Seen] = {}
        self._odd: dict[str, Example] = {}
        self._late = False
        self._words: dict[str, WordCount] = {}
        self.control = Control()  # taken beside these counts
        self.corrected: set[str] = set()

    def batch(
        self, batch: Batch, typed: pd.DataFrame, faults: list[Fault], rejected: int, late: bool
    ) -> None:
        """Count a batch."""
        self._delivered += len(typed)
        self._rejected += rejected
        self._late |= late
        for fault in faults:
            self._fault(batch, fault)
        for name, count in typed.isna().sum().items():
            self._add(str(name), "missing", int(count))
        for fault in faults:
            if fault.problem == "not_parsable":  # unreadable, not empty
                self._add(fault.column, "missing", -len(fault.rows))
        if CONTRACTS[batch.table].placed:
            self._zero_coordinates(batch, typed)

    def accept(self, good: pd.DataFrame) -> None:
        """Count the words of good rows."""
        self._words = joined(self._words, word_counts(good, self._table))

    def done(self) -> Counted:
        """What was counted."""
        return Counted(
            table=self._table,
            file=self._file,
            delivered=self._delivered,
            rejected=self._rejected,
            cells={name: dict(counts) for name, counts in self._cells.items()},
            defects=tuple(self._defects.items()),
            odd=self._odd,
            late=self._late,
            control=self.control.done(),
            words=self._words,
            corrected=tuple(sorted(self.corrected)),
        )

    def _fault(self, batch: Batch, fault: Fault) -> None:
        first, count = fault.rows[0], len(fault.rows)
        given = batch.frame[fault.column][first] if fault.column in batch.frame else ""
        seen = Seen(count, batch.first_row + int(first), shown_value(given))
        defect = Defect(batch.table, batch.file, *fault[:3])
        before = self._defects.get(defect)
        self._defects[defect] = before.followed(count) if before else seen
        if fault.problem != "missing":
            self._add(fault.column, fault.problem, count)

    def _zero_coordinates(self, batch: Batch, typed: pd.DataFrame) -> None:
        at_zero = typed.index[((typed["latitude"] == 0) & (typed["longitude"] == 0)).to_numpy(bool)]
        for name in ("latitude", "longitude"):
            self._add(name, "suspicious", len(at_zero))
            if len(at_zero):
                row = batch.first_row + int(at_zero[0])
                self._odd.setdefault(name, Example(file=batch.file, row=row, value="0"))

    def _add(self, column: str, what: str, count: int) -> None:
        if count:
            self._cells.setdefault(column, Counter())[what] += count


def shown_value(value: Any) -> str:
    """A delivered value as a report shows it.

    >>> shown_value("12,50"), shown_value(None)
    ('12,50', '')
    """
    return "" if pd.isna(value) else str(value)[:SHOWN_CHARACTERS]
