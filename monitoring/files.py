"""Files that are whole or absent."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from domain.errors import BadInput


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary neighbour of `path` that takes its place when the block ends well."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInput(
            f"cannot write {path}: {reason}; free space or choose another folder"
        ) from error
    finally:
        with suppress(OSError):  # the folder itself may be what cannot be used
            part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Write `text` in UTF-8, whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return path


def file_name(cell_id: str) -> str:
    """A name that any file system takes, different for different cells.

    >>> file_name("C12"), file_name("parent:O/7")
    ('C12', 'parent_O_7-2b7060')
    """
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", cell_id)[:80]
    if plain == cell_id and plain.lower() != "bank":  # the name of the bank's own report
        return plain
    return f"{plain}-{sha256(cell_id.encode()).hexdigest()[:6]}"
