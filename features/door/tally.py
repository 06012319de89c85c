"""Counting at the door, batch by batch, into the quality report."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pandas as pd

from domain.tables import CONTRACTS
from features.door.convert import Fault, Problem
from features.door.words import Defect, Seen, sentence
from features.quality import ColumnQuality, Example, QualityReport, TableQuality
from features.readers.batch import Batch
from features.settings import SourceSettings, TableSource

SHOWN_CHARACTERS = 60
SHOWN_DEFECTS = 8  # of one table, where the report says why it stops


class Tally:
    """What was seen so far of every table."""

    def __init__(self) -> None:
        self.delivered: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.cells: Counter[tuple[str, str, str]] = Counter()
        self.defects: dict[Defect, Seen] = {}
        self.odd: dict[tuple[str, str], Example] = {}

    def batch(self, batch: Batch, typed: pd.DataFrame, faults: list[Fault], rejected: int) -> None:
        """Count a batch: its rows, its empty cells and its faults."""
        self.delivered[batch.table] += len(typed)
        self.rejected[batch.table] += rejected
        for fault in faults:
            first = fault.rows[0]
            given = batch.frame[fault.column][first] if fault.column in batch.frame else ""
            self.fault(
                Defect(batch.table, batch.file, *fault[:3]),
                len(fault.rows),
                batch.first_row + int(first),
                given,
            )
        empty = typed.isna().sum()
        for name, count in empty.items():
            self.cells[batch.table, str(name), "missing"] += int(count)
        for fault in faults:
            if fault.problem == "not_parsable":  # unreadable, not empty
                self.cells[batch.table, fault.column, "missing"] -= len(fault.rows)
        if batch.table == "customers":
            self._zero_coordinates(batch, typed)

    def fault(self, defect: Defect, count: int, row: int, value: Any) -> None:
        """Count a defect; its first place is kept."""
        before = self.defects.get(defect)
        text = "" if pd.isna(value) else str(value)[:SHOWN_CHARACTERS]
        seen = before._replace(cells=before.cells + count) if before else Seen(count, row, text)
        self.defects[defect] = seen
        if defect.problem != "missing":
            self.cells[defect.table, defect.column, defect.problem] += count

    def _zero_coordinates(self, batch: Batch, typed: pd.DataFrame) -> None:
        at_zero = typed.index[((typed["latitude"] == 0) & (typed["longitude"] == 0)).to_numpy(bool)]
        for name in ("latitude", "longitude"):
            self.cells[batch.table, name, "suspicious"] += len(at_zero)
            if len(at_zero):
                row = batch.first_row + int(at_zero[0])
                self.odd.setdefault(
                    (batch.table, name), Example(file=batch.file, row=row, value="0")
                )

    def report(self, settings: SourceSettings, stopped: list[str]) -> QualityReport:
        """The report; `stopped` says why the reader could not go on, if it could not."""
        tables = tuple(self._table(name) for name in CONTRACTS)
        said = {
            defect: sentence(defect, seen, getattr(settings, defect.table) or TableSource())
            for defect, seen in self.defects.items()
        }
        broken = stopped or [line for one in tables for line in _broken(one, settings, said)]
        return QualityReport(
            tables=tables, findings=tuple(said.values()), broken=tuple(dict.fromkeys(broken))
        )

    def _table(self, name: str) -> TableQuality:
        delivered, accepted = self.delivered[name], self.accepted[name]
        rejected = self.rejected[name]
        return TableQuality(
            table=name,
            delivered=delivered,
            accepted=accepted,
            rejected=rejected,
            duplicates=max(delivered - accepted - rejected, 0),
            unknown=self._of(name, "unknown"),
            conflicts=self._of(name, "conflict"),
            columns=tuple(self._column(name, column) for column in CONTRACTS[name].names),
        )

    def _of(self, table: str, problem: Problem) -> int:
        return sum(
            seen.cells
            for defect, seen in self.defects.items()
            if defect.table == table and defect.problem == problem
        )

    def _column(self, table: str, column: str) -> ColumnQuality:
        names = ("missing", "not_parsable", "out_of_range", "suspicious")
        counts = {name: self.cells[table, column, name] for name in names}
        return ColumnQuality(column=column, example=self._first(table, column), **counts)

    def _first(self, table: str, column: str) -> Example | None:
        for defect, seen in self.defects.items():
            if (defect.table, defect.column) == (table, column):
                return Example(file=defect.file, row=seen.row, value=seen.value)
        return self.odd.get((table, column))


def _broken(table: TableQuality, settings: SourceSettings, said: dict[Defect, str]) -> list[str]:
    def of(fits: Callable[[Defect], bool]) -> list[str]:
        lines = [text for one, text in said.items() if one.table == table.table and fits(one)]
        more = len(lines) - SHOWN_DEFECTS
        rest = [f"{table.table}: {more} more findings of this kind"] if more > 0 else []
        return lines[:SHOWN_DEFECTS] + rest

    messages = of(lambda one: one.problem == "conflict")
    share = table.rejected / table.delivered if table.delivered else 0.0
    if share > settings.rejected_share_max:
        messages.append(
            f"{table.rejected} of {table.delivered} rows of {table.table} were rejected "
            f"({share:.2%}), more than sources.rejected_share_max = "
            f"{settings.rejected_share_max:g} allows; see quarantine/{table.table}.csv"
        )
        messages += of(lambda one: one.problem != "conflict")
    if CONTRACTS[table.table].required and not table.accepted:
        left = "no row that can be used" if table.delivered else "no rows"
        messages.append(f"table {table.table!r} has {left}; deliver at least one")
    return messages
