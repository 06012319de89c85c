"""What a table holds from earlier intakes: its parts, and the ledger that new rows are held to.

The ledger, a folder beside the tables, keeps what an intake needs in order not to read the old
sources again: of every part the ids of its rows and the file and row of each delivery of them
(`ids/`), rows of customers that nobody has delivered (`waiting/`), refused lines (`refused/`), and
the counts of every delivery (`deliveries.json`).
"""

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from features.door.count import Counted
from features.file_hash import sha256
from features.parts import IntakeRecord
from features.readers.batch import Delivered

LEDGER = "ledger"
DELIVERIES = f"{LEDGER}/deliveries.json"
_COUNTS = TypeAdapter(tuple[Counted, ...])


class Held(NamedTuple):
    """The rows of one table that were settled before; all empty when it is made anew."""

    parts: tuple[Path, ...] = ()
    ids: tuple[Path, ...] = ()
    waiting: Path | None = None


def held(tables: Path, record: IntakeRecord, table: str) -> Held:
    """What the tables in place hold of one table."""
    parts = tuple(tables / part.file for part in record.tables[table].parts)
    ids = tuple(
        tables / name for name in record.ledger if name.startswith(f"{LEDGER}/ids/{table}/")
    )
    waiting = tables / waiting_file(table)
    return Held(parts, ids, waiting if waiting_file(table) in record.ledger else None)


def part_file(table: str, number: int, part: Path) -> str:
    """The name of a part: its number, and the beginning of the hash of its bytes."""
    return f"{table}/part-{number:06d}-{sha256(part)[:12]}.parquet"


def ids_file(table: str, ids: Path) -> str:
    """The name of a file of ids: the beginning of the hash of its bytes."""
    return f"{LEDGER}/ids/{table}/{sha256(ids)[:24]}.parquet"


def waiting_file(table: str) -> str:
    """Where the rows of unknown customers wait.

    >>> waiting_file("closures")
    'ledger/waiting/closures.parquet'
    """
    return f"{LEDGER}/waiting/{table}.parquet"


def refused_file(delivered: Delivered) -> str:
    """Where the refused lines of a delivery lie, under a name that any file system takes."""
    name = hashlib.sha256(delivered.file.encode()).hexdigest()[:24]
    return f"{LEDGER}/refused/{delivered.table}-{name}.csv"


def write_counts(tables: Path, counts: Iterable[Counted]) -> None:
    """Write the counts of every delivery, in the order of reading."""
    path = tables / DELIVERIES
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_COUNTS.dump_json(tuple(counts)))


def read_counts(tables: Path) -> dict[Delivered, Counted]:
    """The counts of every delivery of the tables in place."""
    counts = _COUNTS.validate_json((tables / DELIVERIES).read_bytes())
    return {Delivered(one.table, one.file): one for one in counts}


def keep(source: Path, target: Path) -> None:
    """The same file under another name, without its bytes being written again where possible."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def altered(tables: Path, record: IntakeRecord) -> str | None:
    """The first file of tables or ledger that is not as the record has it."""
    known = {part.file: part.sha256 for part in record.parts} | record.ledger
    for name, mark in known.items():
        path = tables / name
        if not path.is_file() or sha256(path) != mark:
            return name
    return None
