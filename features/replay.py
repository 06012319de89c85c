"""What became of corrected rows: entered the tables, or still in quarantine and why."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from domain.layout import Layout
from features.correction_files import Correction


class StillRefused(NamedTuple):
    """A corrected row that is in quarantine again."""

    file: str
    row: int
    column: str
    reason: str


class Replayed(NamedTuple):
    """A replay: where its corrections are kept, how many rows they are, which are refused."""

    kept: Path
    rows: int
    refused: tuple[StillRefused, ...]

    @property
    def entered(self) -> int:
        """Corrected rows that are good now; one that repeats another counts once in the tables."""
        return self.rows - len({(one.file, one.row) for one in self.refused})


def outcome(corrections: list[Correction], kept: Path, layout: Layout) -> Replayed:
    """What the intake after the replay made of the corrected rows."""
    ours = {(one.file, one.row) for one in corrections}
    refused = [
        one
        for one in _quarantined(layout.quarantine / f"{corrections[0].table}.csv")
        if (one.file, one.row) in ours
    ]
    return Replayed(kept, len(ours), tuple(refused))


def _quarantined(path: Path) -> Iterator[StillRefused]:
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        for fields in csv.DictReader(file):
            row = int(fields["row"])
            yield StillRefused(fields["file"], row, fields["column"], fields["reason"])
