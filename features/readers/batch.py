"""What every reader gives: batches of one table, each row traceable to its file and line."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from domain.errors import BadInput
from domain.layout import FOLDERS, WORK_FOLDERS
from features.door.text import Form
from features.file_hash import sha256
from features.quality.report import QUALITY_FILE

BATCH_ROWS = 65_536


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


class Delivered(NamedTuple):
    """A file or database table that holds rows of a contract table, by the names of batches."""

    table: str
    file: str


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


def without_ours(paths: Iterable[Path], folder: Path) -> list[Path]:
    """Those paths that no run of ours wrote, where the output folder is `folder` or lies in it.

    What lies in `tables`, `quarantine` and the like is ours where a quality report lies beside
    them, which every intake leaves.
    """
    return [path for path in paths if not _is_ours(path, folder)]


def visible(folder: Path) -> list[str]:
    """What lies in a folder, for a message: nothing hidden and nothing of ours."""
    entries = without_ours(folder.iterdir(), folder)
    return sorted(entry.name for entry in entries if not entry.name.startswith("."))


def _is_ours(path: Path, folder: Path) -> bool:
    inside = path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)
    if any(part.startswith(WORK_FOLDERS) for part in inside.parts):
        return True
    roots = [folder / up for up in inside.parents if (folder / up / QUALITY_FILE).exists()]
    return any(path.relative_to(root).parts[0] in FOLDERS for root in roots)


def _listing(folder: Path, most: int = 12) -> str:
    if not folder.is_dir():
        return "nothing: there is no such folder"
    names = visible(folder)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "nothing") + more
