"""The SHA-256 of a file, by which it is known to be as it was written."""

import hashlib
from pathlib import Path

from domain.errors import BadInput

READ_BYTES = 1 << 20


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; BadInput when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(READ_BYTES):
                digest.update(block)
    except OSError as error:
        raise BadInput(f"cannot read {path.as_posix()}: {error.strerror}") from error
    return digest.hexdigest()
