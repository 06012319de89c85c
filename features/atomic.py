"""Files and folders that are there whole or not at all, with the modes that the umask leaves.

What grows is locked by its process. The lock ends with the process, however it ends, so that
whoever comes next can tell what a killed run left from what another run is writing.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from domain.errors import BadInput

SUFFIX = ".tmp"
TRIES = 100  # names; another process takes or sweeps one of them at most now and then


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary file beside `target` that takes its place when the block ends well.

    On any failure it is removed and `target` is untouched; a disk that is full or a folder
    that cannot be written is BadInput. Files that killed runs left for `target` are removed.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "a.txt") as file:
    ...     _ = file.write_text("whole")
    >>> [path.name for path in folder.iterdir()]
    ['a.txt']
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with growing(target.parent, f".{target.name}-", _new_file) as temporary:
            yield temporary
            _to_disk(temporary)
            os.replace(temporary, target)
    except OSError as error:
        raise BadInput(f"cannot write '{target}': {error.strerror or error}") from error


@contextmanager
def growing(parent: Path, prefix: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """A temporary path in `parent`, made by `make` and gone afterwards unless it was moved."""
    sweep(parent, prefix)
    path, lock = claim(parent, prefix, make)
    try:
        yield path
    finally:
        _remove(path)
        os.close(lock)


def claim(parent: Path, prefix: str, make: Callable[[Path], None]) -> tuple[Path, int]:
    """A new temporary path in `parent`, and the handle whose lock says that it is in use.

    Raises BadInput for a folder that is there and yet takes no files, as `/proc` does.
    """
    for _ in range(TRIES):
        path = parent / f"{prefix}{secrets.token_hex(4)}{SUFFIX}"
        try:
            make(path)
            lock = os.open(path, os.O_RDONLY)
        except (FileExistsError, FileNotFoundError) as error:
            # the name is taken, or it was swept before it could be locked; a lost parent is final
            if isinstance(error, FileNotFoundError) and not parent.is_dir():
                raise
            continue
        with suppress(OSError):  # a file system without locks: then nothing is swept there either
            fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.lexists(path):
            return path, lock
        os.close(lock)
    raise BadInput(f"cannot write in '{parent}': it takes no new files; name another folder")


def sweep(parent: Path, prefix: str) -> None:
    """Remove what killed runs left in `parent`: nobody holds its lock. What cannot be is left."""
    for entry in os.scandir(parent):
        if entry.name.startswith(prefix) and entry.name.endswith(SUFFIX):
            with suppress(OSError):
                _remove_if_free(Path(entry.path))


def new_folder(path: Path) -> None:
    """Make a folder with the mode that the umask leaves."""
    path.mkdir()


def _new_file(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def _remove_if_free(path: Path) -> None:
    lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(path)
    finally:
        os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _to_disk(file: Path) -> None:
    with file.open("rb+") as written:
        os.fsync(written.fileno())
