"""Where things lie under the output folder."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

# What the stages write under the output folder, which may be the folder of the sources too.
FOLDERS = (
    *("tables", "quarantine", "grids", "snapshots", "online", "reports", "logs"),
    *("trials", "unregistered"),
)
WORK_FOLDERS = (".intake-", ".staged")  # beginnings of the names of those that a run needs


@dataclass(frozen=True)
class Layout:
    """Paths under one output folder; nothing is created here.

    >>> Layout(Path("demo")).report(date(2026, 1, 1)).as_posix()
    'demo/reports/2026-01-01'
    >>> Layout(Path("demo")).report(date(2026, 1, 1), date(2025, 9, 1)).name
    '2026-01-01-against-2025-09-01'
    """

    root: Path

    @property
    def tables(self) -> Path:
        """Clean contract tables, `NAME.parquet` or parts in `NAME/`, and `intake.json`."""
        return self.root / "tables"

    @property
    def quarantine(self) -> Path:
        """Rejected rows, `TABLE.csv`, with file, row and reason."""
        return self.root / "quarantine"

    @property
    def corrections(self) -> Path:
        """Corrected rows that were replayed, a file each time; every intake reads them."""
        return self.root / "corrections"

    @property
    def grids(self) -> Path:
        """Grid versions, a folder each, and `current` naming the one in use."""
        return self.root / "grids"

    @property
    def snapshots(self) -> Path:
        """Feature snapshots, `AS_OF-HASH.parquet`."""
        return self.root / "snapshots"

    @property
    def logs(self) -> Path:
        """Logs of the service: requests, predictions and feedback, a file a day."""
        return self.root / "logs"

    def report(self, as_of: date, against: date | None = None) -> Path:
        """The drift site of one month; one against another cut-off than the model's lies apart."""
        named = f"-against-{against.isoformat()}" if against else ""
        return self.root / "reports" / f"{as_of.isoformat()}{named}"
