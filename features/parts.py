"""The clean tables on disk: which files hold which rows, and what came since another intake.

`transactions` and `service_events` are folders of parts: each is sorted by customer and time and
is never changed. The other tables are one file each. `intake.json` lists them all.
"""

import contextlib
import threading
from concurrent.futures import Future
from datetime import date
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.errors import BadInput
from domain.layout import Layout
from domain.tables import CONTRACTS
from features.content import Content
from features.file_hash import sha256

INTAKE_FILE = "intake.json"
AGAIN = "run `gridkeep check` to write the tables"
_ASKING = threading.Lock()
_HASHES: dict[tuple[Path | int, ...], "Future[str]"] = {}  # of this process
# how the rows of every file are sorted
ORDER = {
    "customers": ("customer_id",),
    "transactions": ("customer_id", "posted_at", "transaction_id"),
    "holdings": ("customer_id", "opened_on", "product"),
    "service_events": ("customer_id", "occurred_at", "event_id"),
    "closures": ("customer_id",),
    "outlets": ("outlet_id",),
}


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Value):
    """One file of a clean table: its rows, its bytes and what they say."""

    file: str  # under the folder of the tables
    rows: int
    bytes: int
    sha256: str  # of the bytes
    content: Content
    sources: tuple[str, ...] = ()  # files or database tables that delivered its rows first


class TableRecord(_Value):
    """One clean table: its parts, in the order in which they came."""

    parts: tuple[Part, ...] = ()

    @property
    def rows(self) -> int:
        """The number of rows of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def data_hash(self) -> str:
        """A hash of the rows, whatever the parts they lie in.

        >>> one, two = Content(1, 5, 7), Content(2, 3, 4)
        >>> def part(content): return Part(file="", rows=0, bytes=0, sha256="", content=content)
        >>> apart = TableRecord(parts=(part(one), part(two)))
        >>> apart.data_hash == TableRecord(parts=(part(one.joined(two)),)).data_hash
        True
        """
        content = Content()
        for part in self.parts:
            content = content.joined(part.content)
        return content.sha256


class IntakeRecord(_Value):
    """`tables/intake.json`: what the tables are and from what they were made."""

    reader: str
    timezone: str
    currency: str | None = None
    until: date | None = None  # last day of which rows were accepted, if there was one
    source: dict[str, str]  # file or database table -> mark of its content
    terms: str  # hash of the settings and of what else the judgement of a row depends on
    fingerprint: str  # of the terms and the source
    tables: dict[str, TableRecord]
    ledger: dict[str, str] = {}  # what later intakes build on: file -> SHA-256
    data_hashes: dict[str, str]  # table -> hash of its rows, as models record it

    @property
    def parts(self) -> list[Part]:
        """Every file of every table."""
        return [part for table in self.tables.values() for part in table.parts]


class Growth(NamedTuple):
    """The parts of a table beside those of an earlier intake.

    When `gone` is empty the table only grew: what was folded from the earlier parts stands, and
    the new ones remain to be folded.
    """

    new: tuple[Part, ...]
    gone: tuple[Part, ...]


def growth(earlier: IntakeRecord | None, now: IntakeRecord, table: str) -> Growth:
    """Which parts of a table came and which went between two intakes.

    >>> def record(*files):
    ...     parts = [Part(file=f, rows=1, bytes=1, sha256=f, content=Content(1)) for f in files]
    ...     return IntakeRecord(reader="tables", timezone="UTC", source={}, terms="", ledger={},
    ...         fingerprint="", tables={"transactions": TableRecord(parts=parts)}, data_hashes={})
    >>> [part.file for part in growth(record("a"), record("a", "b"), "transactions").new]
    ['b']
    >>> [part.file for part in growth(record("a"), record("c"), "transactions").gone]
    ['a']
    """
    before = earlier.tables[table].parts if earlier and table in earlier.tables else ()
    after = now.tables[table].parts
    seen, kept = {part.sha256 for part in before}, {part.sha256 for part in after}
    return Growth(
        tuple(part for part in after if part.sha256 not in seen),
        tuple(part for part in before if part.sha256 not in kept),
    )


def read_record(layout: Layout) -> IntakeRecord:
    """The record of the tables in place; BadInput when there are none."""
    found = record_in(layout.tables)
    if found is None:
        raise BadInput(f"no tables in {layout.tables.as_posix()}; run `gridkeep check` first")
    return found


def record_in(folder: Path) -> IntakeRecord | None:
    """The record beside the tables of a folder, if an intake of today's form wrote one."""
    try:
        text = (folder / INTAKE_FILE).read_text(encoding="utf-8")
        return IntakeRecord.model_validate_json(text)
    except (OSError, ValidationError):
        return None


def table_files(folder: Path, name: str) -> list[Path]:
    """The Parquet files of one contract table, in the order in which they came.

    They are those of the record, or `NAME.parquet`, or `NAME/*.parquet` where no intake wrote the
    folder. Each file is sorted by customer; the files of a table may hold the same customers,
    never the same row. Of a table that may be absent there may be none. Raises BadInput when one
    is missing or has another size than the record.
    """
    record = record_in(folder)
    if record is None:
        return _unrecorded(folder, name)
    if name not in record.tables and CONTRACTS[name].may_be_absent:
        return []  # an intake of before there was such a table
    for part in record.tables[name].parts:
        _present(folder, part)
    return [folder / part.file for part in record.tables[name].parts]


def sorted_file(folder: Path, name: str) -> Path | None:
    """The one file of a table, sorted as `ORDER` says; None where it has several or no record."""
    record = record_in(folder)
    parts = record.tables[name].parts if record else ()
    return folder / parts[0].file if len(parts) == 1 else None


def verify_parts(folder: Path) -> None:
    """Raise BadInput when a recorded file of the tables holds other bytes than were written.

    A process hashes a file once, and again when the file system says that it was touched.
    """
    record = record_in(folder)
    for part in record.parts if record else ():
        _present(folder, part)
        path = (folder / part.file).absolute()
        seen = path.stat()
        if (
            _hash(path, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)
            != part.sha256
        ):
            raise _altered(folder / part.file)


def hash_ahead(folder: Path) -> None:
    """Begin to hash the recorded files, while libraries load; `verify_parts` waits for the rest.

    What is wrong with them is for `verify_parts` to say.
    """

    def hashed() -> None:
        with contextlib.suppress(BadInput, OSError):
            verify_parts(folder)

    threading.Thread(target=hashed, daemon=True).start()


def _hash(path: Path, *seen: int) -> str:
    """The SHA-256 of a file that is as the file system says; one thread asks, others wait."""
    with _ASKING:
        known = _HASHES.get((path, *seen))
        found = _HASHES.setdefault((path, *seen), Future())
    if known is None:
        try:
            found.set_result(sha256(path))
        except BaseException as error:  # noqa: BLE001 (who waits must hear of it)
            del _HASHES[path, *seen]
            found.set_exception(error)
    return found.result()


def _present(folder: Path, part: Part) -> None:
    path = folder / part.file
    if not path.is_file():
        raise BadInput(f"table file '{path}' is missing; {AGAIN}")
    if path.stat().st_size != part.bytes:
        raise _altered(path)


def _altered(path: Path) -> BadInput:
    return BadInput(
        f"table file '{path}' is not as the intake wrote it ({INTAKE_FILE} has another SHA-256); "
        f"{AGAIN} again from the sources"
    )


def _unrecorded(folder: Path, name: str) -> list[Path]:
    alone = folder / f"{name}.parquet"
    parts = sorted((folder / name).glob("*.parquet"))
    if not alone.is_file() and not parts:
        if CONTRACTS[name].may_be_absent:
            return []
        raise BadInput(f"table file '{alone}' is missing; {AGAIN}")
    return [alone] if alone.is_file() else parts
