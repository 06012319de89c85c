"""What each delivery brought: its rows and values in the quality report, beside the table's."""

from collections import Counter
from collections.abc import Mapping

from domain.tables import CONTRACTS
from features.door.count import Counted
from features.door.words import Defect
from features.quality.report import ColumnQuality, TableQuality
from features.readers.batch import Delivered


class BySource:
    """The counts of every delivery, in the order in which they are read."""

    def __init__(self) -> None:
        self._counted: dict[Delivered, Counted] = {}
        self._refused: dict[Delivered, Counter[str]] = {}  # for what their tables cannot take

    def add(self, counted: Counted) -> None:
        """Add a delivery."""
        one = Delivered(counted.table, counted.file)
        self._counted[one], self._refused[one] = counted, Counter()

    def refuse(self, defect: Defect) -> None:
        """Count a row that its table cannot take, whatever its own cells say."""
        self._refused[Delivered(defect.table, defect.file)][defect.problem] += 1

    def repeat(self, table: str, more: Mapping[str, int]) -> None:
        """Add to the repeats of each file of a table."""
        for file, count in more.items():
            one = Delivered(table, file)
            known = self._counted[one]
            self._counted[one] = known.model_copy(update={"repeats": known.repeats + count})

    def counts(self) -> list[Counted]:
        """The counts of every delivery, with its repeats."""
        return list(self._counted.values())

    def report(self, *, settled: bool) -> tuple[TableQuality, ...]:
        """A line per delivery; before its table is settled nothing of it is accepted."""
        return tuple(
            _quality(counted, self._refused[one], settled) for one, counted in self._counted.items()
        )


def _quality(counted: Counted, refused: Counter[str], settled: bool) -> TableQuality:
    """The quality of one delivery.

    >>> one = Counted(table="closures", file="c.csv", delivered=9, rejected=1, repeats=3)
    >>> found = _quality(one, Counter(unknown=2), settled=True)
    >>> found.accepted, found.rejected, found.duplicates, found.unknown
    (3, 3, 3, 2)
    """
    rejected = counted.rejected + refused.total()
    left = counted.delivered - rejected
    return TableQuality(
        table=counted.table,
        source=counted.file,
        delivered=counted.delivered,
        accepted=left - counted.repeats if settled else 0,
        rejected=rejected,
        duplicates=counted.repeats if settled else left,
        unknown=refused["unknown"],
        conflicts=refused["conflict"],
        columns=tuple(_column(counted, name) for name in CONTRACTS[counted.table].names),
    )


def _column(counted: Counted, name: str) -> ColumnQuality:
    return ColumnQuality.model_validate({"column": name, **counted.cells.get(name, {})})
