"""Adding up what was counted at the door, delivery by delivery, into the quality report."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from domain.tables import CONTRACTS
from features.door.by_source import BySource
from features.door.convert import Problem
from features.door.count import Counted, shown_value
from features.door.findings import told
from features.door.sought import WordCount, joined, notes
from features.door.words import Defect, Seen
from features.quality.report import ColumnQuality, Example, QualityReport, TableQuality
from features.settings import SourceSettings

SHOWN_DEFECTS = 8  # of one table, where the report says why it stops


class Tally:
    """What was seen of every table; deliveries come in the order in which they are read."""

    def __init__(self) -> None:
        self.delivered: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()  # empty until the tables are settled
        self.cells: Counter[tuple[str, str, str]] = Counter()
        self.defects: dict[Defect, Seen] = {}
        self.odd: dict[tuple[str, str], Example] = {}
        self.words: dict[str, dict[str, WordCount]] = {}  # table -> column
        self._by_source = BySource()

    def add(self, counted: Counted) -> None:
        """Add a delivery."""
        table = counted.table
        self._by_source.add(counted)
        self.delivered[table] += counted.delivered
        self.rejected[table] += counted.rejected
        for column, counts in counted.cells.items():
            for what, count in counts.items():
                self.cells[table, column, what] += count
        self.defects |= counted.defects
        self.words[table] = joined(self.words.get(table, {}), counted.words)
        for column, example in counted.odd.items():
            self.odd.setdefault((table, column), example)

    def refuse(self, defect: Defect, row: int, value: Any) -> None:
        """Count a row that its table cannot take, whatever its own cells say."""
        self._by_source.refuse(defect)
        before = self.defects.get(defect)
        self.defects[defect] = before.followed(1) if before else Seen(1, row, shown_value(value))
        self.cells[defect.table, defect.column, defect.problem] += 1
        self.rejected[defect.table] += 1

    def repeat(self, table: str, more: Mapping[str, int]) -> None:
        """Add to the repeats of each file of a table; fewer when now they are refused."""
        self._by_source.repeat(table, more)

    def counts(self) -> list[Counted]:
        """The counts of every delivery, with its repeats."""
        return self._by_source.counts()

    def report(self, settings: SourceSettings, stopped: list[str]) -> QualityReport:
        """The report; `stopped` says why the reader could not go on, if it could not."""
        tables = tuple(self._table(name) for name in CONTRACTS)
        said = told(self.defects, settings)
        mapped = settings.reader == "tables"  # the other readers have words of their own
        broken = stopped or [line for one in tables for line in _broken(one, settings, said)]
        return QualityReport(
            tables=tables,
            sources=self._by_source.report(settled=bool(self.accepted)),
            findings=(*dict.fromkeys(said.values()), *(notes(self.words) if mapped else ())),
            broken=tuple(dict.fromkeys(broken)),
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
        ours = {one: text for one, text in said.items() if one.table == table.table}
        lines = [text for one, text in ours.items() if one.refused and fits(one)]
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
