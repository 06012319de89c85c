"""The result of `gridkeep check` in words: what was delivered, and how good it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gridkeep.show import table

if TYPE_CHECKING:
    from features.quality.report import QualityReport
    from features.quality.summary import DimensionShare, QualitySummary
    from features.replay import Replayed

SHOWN_CELLS = 8
SHOWN_ROWS = 8


@dataclass(frozen=True)
class Checked:
    """The data-quality tables; without a summary the contract was broken."""

    quality: "QualityReport"
    quarantine: Path
    page: Path
    summary: "QualitySummary | None"
    replayed: "Replayed | None" = None

    @property
    def broken(self) -> Sequence[str]:
        """What breaks the contract."""
        return self.quality.broken

    def lines(self) -> Sequence[str]:
        """Tables of tables, columns and dimensions, the findings in words, the verdict."""
        blocks = [self._tables(), self._dimensions(), self.quality.findings]
        blocks += [self._replay(), self._verdict()]
        return [line for block in blocks if block for line in ["", *block]][1:]

    def _tables(self) -> Sequence[str]:
        from features.quality.report import quality_rows

        rows = quality_rows(self.quality)
        tables = [
            [r.table, r.rows, r.accepted, r.rejected, r.duplicates] for r in rows if not r.column
        ]
        columns = [
            [r.table, r.column, r.missing, r.not_parsable, r.out_of_range, r.suspicious]
            for r in rows
            if r.column
        ]
        heads = ["table", "rows", "accepted", "rejected", "duplicates"]
        of_columns = ["table", "column", "missing", "not readable", "out of range", "suspicious"]
        return [table("", heads, tables), "", table("", of_columns, columns)] if rows else []

    def _dimensions(self) -> Sequence[str]:
        from features.quality.summary import percent

        if self.summary is None:
            return []
        one = self.summary.accuracy
        rows = [_dimension(each) for each in self.summary.dimensions]
        late = [
            f"{each.table} end {each.days_behind} days before the other data, on {each.last}"
            for each in self.summary.freshness
            if each.days_behind
        ]
        return [
            table("", ["dimension", "share", "95 % interval", "values", "lowest"], rows),
            f"customer information accuracy: {percent(one.share)} of {one.checked:,} "
            f"({percent(one.low)} to {percent(one.high)}), target {percent(self.summary.target)}",
            *late,
            *self.summary.notes,
        ]

    def _replay(self) -> Sequence[str]:
        if self.replayed is None:
            return []
        found = self.replayed
        again = [
            f"  row {one.row} of {one.file}: {one.column}: {one.reason}"
            for one in found.refused[:SHOWN_ROWS]
        ]
        more = len(found.refused) - SHOWN_ROWS
        return [
            f"{_entered(found)}; kept in {found.kept}",
            *(["still refused:", *again] if again else []),
            *([f"  and {more} more"] if more > 0 else []),
        ]

    def _verdict(self) -> Sequence[str]:
        rejected = any(one.rejected for one in self.quality.tables)
        where = [f"rejected rows, with file, row and reason: {self.quarantine}"] if rejected else []
        broken = [f"broken: {message}" for message in self.broken]
        told = [*where, *self._too_low(), *self._behind(), f"page: {self.page}"]
        return [*told, *(broken or ["the contract holds"])]

    def _too_low(self) -> Sequence[str]:
        from features.quality.summary import percent, sentence

        if self.summary is None:
            return []
        cells = self.summary.low_cells
        shown = ", ".join(f"{one.cell_id} {percent(one.share)}" for one in cells[:SHOWN_CELLS])
        more = f" and {len(cells) - SHOWN_CELLS} more" if len(cells) > SHOWN_CELLS else ""
        of_cells = (
            f"{len(cells)} of {self.summary.cells} cells are surely below the target: {shown}{more}"
        )
        low = [f"too low to train on: {sentence(one)}" for one in self.summary.too_low]
        return [*low, *([of_cells] if cells else [])]

    def _behind(self) -> Sequence[str]:
        from features.quality.summary import source_sentence

        if self.summary is None or not self.summary.behind:
            return []
        worst, *others = self.summary.behind
        more = f"; {len(others)} more on the page" if others else ""
        return [f"worst source, surely behind the others: {source_sentence(worst)}{more}"]


def _entered(found: "Replayed") -> str:
    if found.rows == 1:
        return f"the corrected row is {'good now' if found.entered else 'not good yet'}"
    are = "is" if found.entered == 1 else "are"
    return f"{found.entered} of {found.rows} corrected rows {are} good now"


def _dimension(one: "DimensionShare") -> list[object]:
    from features.quality.summary import percent

    worst = one.lowest
    where = f"{worst.table}.{worst.column} {percent(worst.share)}" if worst.share < 1 else ""
    interval = f"{percent(one.low)} to {percent(one.high)}"
    return [one.dimension, percent(one.share), interval, one.checked, where]
