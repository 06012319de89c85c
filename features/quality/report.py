"""The data-quality report: what was delivered, what was refused and why, column by column."""

from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.errors import BadInput
from domain.layout import Layout

QUALITY_FILE = "quality.json"
WHOLE = "all"  # the source of a table's figures, whatever file its rows came from


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Example(_Value):
    """The first bad cell: where it is and what it says."""

    file: str
    row: int
    value: str


class ColumnQuality(_Value):
    """One column: cells without a value, unreadable, outside the contract, odd but accepted."""

    column: str
    missing: int = 0
    not_parsable: int = 0
    out_of_range: int = 0
    suspicious: int = 0
    example: Example | None = None


class TableQuality(_Value):
    """One table, or what one source brings to it, in rows.

    delivered = accepted + rejected + duplicates. A row that several deliveries hold is accepted
    from the one that is read first. `unknown` (rows of customers nobody delivered) and
    `conflicts` (a repeated key with other content) are among the rejected.
    """

    table: str
    source: str = WHOLE  # or a file or database table, as quarantine names it
    delivered: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    unknown: int = 0
    conflicts: int = 0
    columns: tuple[ColumnQuality, ...] = ()


class ControlTotal(_Value):
    """Rows and money of one table, counted beside the door; `size` is the sum of |amount|.

    Rejected is what lies in quarantine. Money is that of the transactions, 0 elsewhere.
    """

    table: str
    delivered: int
    rejected: int
    delivered_amount: float = 0.0
    rejected_amount: float = 0.0
    size: float = 0.0


class QualityReport(_Value):
    """All tables; `findings` says each defect in words, `broken` those that stop the intake.

    `sources` has one line per table and delivery, in the order of reading. `controls` are totals
    of the tables that were delivered, for the reconciliation.
    """

    tables: tuple[TableQuality, ...] = ()
    sources: tuple[TableQuality, ...] = ()
    findings: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    controls: tuple[ControlTotal, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether the contract holds.

        >>> QualityReport(broken=("table 'customers' has no rows",)).sound
        False
        """
        return not self.broken

    def table(self, name: str) -> TableQuality:
        """The quality of one table; all zero when nothing of it was delivered."""
        return next((one for one in self.tables if one.table == name), TableQuality(table=name))


class QualityRow(NamedTuple):
    """One line of the printed report: a table (`column` is empty) or one of its columns."""

    table: str
    column: str
    rows: int | None
    accepted: int | None
    rejected: int | None
    duplicates: int | None
    missing: int | None
    not_parsable: int | None
    out_of_range: int | None
    suspicious: int | None
    example: str


def quality_rows(report: QualityReport) -> list[QualityRow]:
    """The report as lines to print: each delivered table, then its columns.

    >>> table = TableQuality(table="closures", delivered=3, accepted=2, rejected=1,
    ...     columns=(ColumnQuality(column="closed_on", not_parsable=1),))
    >>> [(row.table, row.column, row.rows) for row in quality_rows(QualityReport(tables=(table,)))]
    [('closures', '', 3), ('closures', 'closed_on', None)]
    """
    return [row for table in report.tables if table.delivered for row in _table_rows(table)]


def read_quality(layout: Layout) -> QualityReport:
    """The report that the last intake wrote."""
    path = quality_path(layout)
    try:
        return QualityReport.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise BadInput(f"no quality report at {path.as_posix()}; run `gridkeep check`") from error


def quality_path(layout: Layout) -> Path:
    """Where the report lies: beside the tables, so that a refused intake leaves one too."""
    return layout.root / QUALITY_FILE


def _table_rows(table: TableQuality) -> list[QualityRow]:
    counts = (table.delivered, table.accepted, table.rejected, table.duplicates)
    head = QualityRow(table.table, "", *counts, None, None, None, None, "")
    return [head, *(_column_row(table.table, column) for column in table.columns)]


def _column_row(table: str, column: ColumnQuality) -> QualityRow:
    seen = column.example
    words = f"{seen.value!r} in row {seen.row} of {seen.file}" if seen else ""
    counts = (column.missing, column.not_parsable, column.out_of_range, column.suspicious)
    return QualityRow(table, column.column, None, None, None, None, *counts, words)
