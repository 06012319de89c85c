"""The clean tables and the ledger as an intake writes them: old files kept, new ones beside."""

from collections.abc import Callable, Iterable
from pathlib import Path

from domain.tables import CONTRACTS
from features.content import Content
from features.door.count import Counted
from features.door.held import (
    DELIVERIES,
    Held,
    ids_file,
    keep,
    part_file,
    waiting_file,
    write_counts,
)
from features.door.judge import Terms
from features.door.settle import Settler
from features.file_hash import sha256
from features.parts import IntakeRecord, Part, TableRecord


class Written:
    """What lies in the new folder of tables, and the record of it."""

    def __init__(self, clean: Path, old: Path, record: IntakeRecord | None) -> None:
        self.tables: dict[str, TableRecord] = {}
        self.files: dict[str, str] = {}  # of the ledger -> SHA-256
        self._clean, self._old, self._record = clean, old, record

    def keep(self, name: str, held: Held) -> None:
        """Take over the parts of a table and their ids."""
        if self._record is None:
            return
        for path in held.parts:
            keep(path, self._clean / path.relative_to(self._old))
        for path in held.ids:
            self.ledger(path, path.relative_to(self._old).as_posix())
        self.tables[name] = self._record.tables[name]

    def add(
        self,
        name: str,
        settler: Settler,
        wrote: Callable[[int], None],
        *,
        first: bool,
        parted: bool,
    ) -> None:
        """Write the new rows of a table as its one file or as another part, if there are any."""
        path = self._clean / f"{name}.parquet"
        settled = settler.write(path, wrote)
        if not settled.content.rows and not first:
            path.unlink()
            return
        before = () if first else self.tables[name].parts
        file = part_file(name, len(before) + 1, path) if parted else path.name
        (self._clean / file).parent.mkdir(exist_ok=True)
        path = path.rename(self._clean / file)
        part = _part(file, path, *settled)
        self.tables[name] = TableRecord(parts=(*before, part))

    def ids(self, name: str, settler: Settler) -> None:
        """Write the ids of the new rows, and of those that came again."""
        path = self._clean / "ids.parquet"
        if settler.write_ids(path):
            self.ledger(path, ids_file(name, path))
        path.unlink()

    def waiting(self, name: str, settler: Settler) -> None:
        """Write the rows of unknown customers."""
        path = self._clean / "waiting.parquet"
        if settler.write_waiting(path):
            self.ledger(path, waiting_file(name))
        path.unlink()

    def counts(self, counts: Iterable[Counted]) -> None:
        """Write the counts of every delivery."""
        write_counts(self._clean, counts)
        self.files[DELIVERIES] = sha256(self._clean / DELIVERIES)

    def ledger(self, path: Path, name: str) -> None:
        """Put a file into the ledger."""
        keep(path, self._clean / name)
        known = self._record.ledger.get(name) if self._record else None
        old = known if known is not None and path == self._old / name else None
        self.files[name] = old or sha256(path)

    def record(self, terms: Terms, marks: dict[str, str]) -> IntakeRecord:
        """The record of all that was written."""
        tables = {name: self.tables[name] for name in CONTRACTS}
        return IntakeRecord(
            reader=terms.settings.reader,
            timezone=terms.timezone,
            currency=terms.currency,
            until=terms.last.day if terms.last else None,
            source=marks,
            terms=terms.hash,
            fingerprint=terms.fingerprint(marks),
            tables=tables,
            ledger=self.files,
            data_hashes={name: table.data_hash for name, table in tables.items()},
        )


def _part(file: str, path: Path, content: Content, sources: tuple[str, ...]) -> Part:
    return Part(
        file=file,
        rows=content.rows,
        bytes=path.stat().st_size,
        sha256=sha256(path),
        content=content,
        sources=sources,
    )
