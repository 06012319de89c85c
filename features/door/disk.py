"""The output folder: one run at a time; the old stays in place until the new is whole."""

import ctypes
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from domain.errors import BadInput
from domain.layout import WORK_FOLDERS

_WORK, STAGED = WORK_FOLDERS  # the second: what a killed run had read, for the next
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


@contextmanager
def workplace(root: Path) -> Iterator[Path]:
    """A temporary folder in `root`, ours alone; whatever happens, it is gone afterwards.

    So is `root/.staged`, unless the process is killed: then the next run finds it.

    Raises BadInput when the folder cannot be written, the disk is full or another run is on.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root):
            for left in root.glob(f"{_WORK}*"):  # of a run that was killed
                shutil.rmtree(left, ignore_errors=True)
            work = Path(tempfile.mkdtemp(prefix=_WORK, dir=root))
            try:
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)
                shutil.rmtree(root / STAGED, ignore_errors=True)
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise BadInput(
            f"cannot write the tables to {root.as_posix()}: {_cause(error)}; those that were there "
            "are unchanged: free space, or choose an output folder that can be written"
        ) from error


def write_text(path: Path, text: str, work: Path) -> None:
    """Write a file at once: whole in `work` first, then moved to its place."""
    whole = work / path.name
    whole.write_text(text, encoding="utf-8")
    os.replace(whole, path)


def put_in_place(new: Path, target: Path) -> None:
    """Replace a folder; `new` then holds the old one, or nothing.

    The two change places in one step, so that a run killed at any instant leaves one of them
    whole. Where the system cannot do that, the old one waits beside it between two (`repair`).
    """
    if target.exists() and exchange(new, target):
        return
    old = _old(target)
    if target.exists():
        os.replace(target, old)
    try:
        os.replace(new, target)
    except OSError:
        repair(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def exchange(one: Path, other: Path) -> bool:
    """Let two paths change places in one step; False where the system has no such step."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    paths = (_HERE, os.fsencode(one), _HERE, os.fsencode(other))
    return bool(rename(*paths, _EXCHANGE) == 0)


def repair(target: Path) -> None:
    """Bring back the old folder of a run that was killed between the two moves."""
    old = _old(target)
    if old.exists() and not target.exists():
        os.replace(old, target)
    shutil.rmtree(old, ignore_errors=True)


def _old(target: Path) -> Path:
    return target.with_name(f"{target.name}.old")


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    handle = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BadInput(
            f"another run is writing the tables to {root.as_posix()}; wait until it has ended"
        ) from None
    finally:
        os.close(handle)


def _cause(error: Exception) -> str:
    return getattr(error, "strerror", None) or " ".join(str(error).split())
