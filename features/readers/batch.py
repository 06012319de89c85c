"""What every reader gives: batches of one table, each row traceable to its file and line."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from domain.errors import BadInput
from features.door.text import Form

BATCH_ROWS = 131_072
READ_BYTES = 1 << 20


class Batch(NamedTuple):
    """Some rows of one contract table, as delivered: contract names, values perhaps still text.

    The row at index label `i` of `frame` is row `first_row + i` of `file`. Times without an
    offset are local times, which the door turns into UTC; times with one mean what they say.
    """

    table: str
    file: str
    first_row: int
    frame: pd.DataFrame
    done: float = 1.0  # share of this file that is read once this batch is
    form: Form | None = None  # how its values are written; else as its table's section says


def shown(path: Path, folder: Path) -> str:
    """The name under which the user knows a file: relative to the source folder if inside it.

    >>> shown(Path("bank/in/a.csv"), Path("bank"))
    'in/a.csv'
    """
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def present(folder: Path, *names: str) -> list[Path]:
    """Paths of the named files; BadInput that lists the absent ones and what is there."""
    absent = [name for name in names if not (folder / name).is_file()]
    if absent:
        raise BadInput(
            f"{folder.as_posix()} has no {', '.join(absent)} (it holds {_listing(folder)}); "
            "put the files there or set sources.path"
        )
    return [folder / name for name in names]


def file_marks(paths: Iterable[Path], folder: Path) -> dict[str, str]:
    """Size and SHA-256 of each file, by the name under which the user knows it."""
    return {shown(path, folder): f"{path.stat().st_size}:{sha256(path)}" for path in paths}


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(READ_BYTES):
                digest.update(block)
    except OSError as error:
        raise BadInput(f"cannot read {path.as_posix()}: {error.strerror}") from error
    return digest.hexdigest()


def _listing(folder: Path, most: int = 12) -> str:
    if not folder.is_dir():
        return "nothing: there is no such folder"
    visible = (entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    names = sorted(visible)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "nothing") + more
