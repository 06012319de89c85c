"""What the service has said and been asked: append-only JSON lines, one file a day and kind.

Customers appear as keyed hashes: who holds the key can join the log with the bank's tables,
who only finds the file learns nobody's name or number.
"""

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from domain.errors import BadInput

KEY_FILE = ".pseudonym-key"
KEY_BYTES = 32


class DayLog:
    """Append-only lines `KIND-DATE.jsonl`; a record is in the file before its answer is sent.

    Every append is one write under a lock, so that the workers of one machine never tear one
    another's lines, nor take a line that is being written for a torn one.
    """

    def __init__(self, folder: Path, kind: str, durable: bool = False) -> None:
        self._folder, self._kind, self._durable = folder, kind, durable

    def path(self, now: datetime) -> Path:
        """The file of that day."""
        return self._folder / f"{self._kind}-{now.date().isoformat()}.jsonl"

    def append(self, records: Sequence[dict[str, Any]], now: datetime) -> None:
        """Write all the records or raise OSError; `durable` logs are on the disk afterwards."""
        if not records:
            return
        lines = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
        handle = os.open(self.path(now), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)  # goes with the handle, however we end
            _append(handle, lines)
            if self._durable:
                os.fsync(handle)
        finally:
            os.close(handle)


def _append(handle: int, lines: bytes) -> None:
    end = os.fstat(handle).st_size
    # a full disk or a power cut may have left half a line: never glue a record to it
    torn = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
    content = b"\n" + lines if torn else lines
    if os.write(handle, content) != len(content):
        raise OSError(28, "the log could not be written to its end")


class Pseudonyms:
    """Keyed hashes of customer ids (HMAC-SHA-256, 128 bits of it)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, customer_id: str) -> str:
        """The same word for the same customer, as long as the key is kept.

        >>> Pseudonyms(b"k" * 32).of("C1") == Pseudonyms(b"k" * 32).of("C1")
        True
        """
        return hmac.digest(self._key, customer_id.encode(), hashlib.sha256).hex()[:32]


def open_logs(folder: Path, key: str | None = None) -> Pseudonyms:
    """Make the log folder and give the pseudonyms: of `key`, or of the key kept in the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Pseudonyms(key.encode() if key else _kept_key(folder / KEY_FILE))
    except OSError as error:
        raise BadInput(f"the log folder {folder} cannot be written: {error.strerror}") from error


def _kept_key(path: Path) -> bytes:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(secrets.token_bytes(KEY_BYTES))
    try:
        os.link(fresh, path)  # the first worker wins, whole; the others read its key
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_bytes()
