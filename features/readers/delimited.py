"""Delimited text, a chunk at a time, every value as text."""

import csv
import gzip
import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple, cast

import pandas as pd

from domain.errors import BadInput
from features.readers.batch import BATCH_ROWS

NUL, STAND_IN = "\0", "\ufdd0"  # the parser ends a field at a NUL; no text holds the other
PARQUET_MAGIC = b"PAR1"
FIRST_ROW = 2  # the line of the first row below the header


class Dialect(NamedTuple):
    """How a delimited file is written."""

    delimiter: str = ","
    encoding: str = "utf-8"

    @property
    def codec(self) -> str:
        """The encoding; a byte-order mark in front of UTF-8 is no part of the first name."""
        return "utf-8-sig" if self.encoding.lower() in ("utf-8", "utf8") else self.encoding


class _Text(io.TextIOWrapper):
    """Text in which every NUL has a stand-in, and whether there was one."""

    replaced = False

    def read(self, size: int | None = -1, /) -> str:
        """The next characters."""
        found = super().read(size)
        self.replaced = self.replaced or NUL in found
        return found.replace(NUL, STAND_IN)


class Chunk(NamedTuple):
    """Rows whose index counts from the first row of the file; blank lines are left out."""

    frame: pd.DataFrame
    done: float


def header(path: Path, dialect: Dialect) -> list[str]:
    """Column names of a delimited file."""
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding=dialect.codec, newline="") as file:
            names = next(csv.reader(file, delimiter=dialect.delimiter), [])
    except (OSError, EOFError, UnicodeError, LookupError, csv.Error) as error:
        raise BadInput(_unreadable(path, dialect, error)) from error
    if not names:
        raise BadInput(f"{path.name} is empty; deliver it with a header line")
    return [name.strip() for name in names]


def chunks(path: Path, columns: Sequence[str], dialect: Dialect) -> Iterator[Chunk]:
    """The named columns of a delimited file in chunks of text; empty fields are missing."""
    names = header(path, dialect)
    try:
        with path.open("rb") as raw, warnings.catch_warnings():
            # a row longer than the header would otherwise lose its tail with a mere warning
            warnings.simplefilter("error", pd.errors.ParserWarning)
            size = max(path.stat().st_size, 1)
            plain = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw
            with (
                _Text(plain, encoding=dialect.codec, newline="") as text,
                pd.read_csv(
                    text,
                    sep=dialect.delimiter,
                    header=0,
                    names=_distinct(names, columns, path),
                    index_col=False,
                    dtype="string[pyarrow]",
                    keep_default_na=False,
                    na_values=[""],
                    skip_blank_lines=False,
                    chunksize=BATCH_ROWS,
                ) as parts,
            ):
                for part in parts:
                    rows = part.dropna(how="all")[list(columns)]
                    rows = _with_nuls(rows) if text.replaced else rows
                    yield Chunk(rows, min(raw.tell() / size, 1.0))
    except (OSError, EOFError, UnicodeError, ValueError, pd.errors.ParserWarning) as error:
        raise BadInput(_unreadable(path, dialect, error)) from error


def _with_nuls(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with NULs as they were delivered, for the door to refuse."""
    return frame.assign(
        **{str(name): frame[name].str.replace(STAND_IN, NUL, regex=False) for name in frame}
    )


def whole(path: Path, columns: Sequence[str], dialect: Dialect) -> pd.DataFrame:
    """A small delimited file at once; BadInput when a column is missing."""
    absent = [name for name in columns if name not in header(path, dialect)]
    if absent:
        raise BadInput(f"{path.name} has no column {', '.join(map(repr, absent))}")
    parts = [chunk.frame for chunk in chunks(path, columns, dialect)]
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(columns), dtype="string")


def _distinct(names: list[str], wanted: Sequence[str], path: Path) -> list[str]:
    twice = sorted({name for name in wanted if names.count(name) > 1})
    if twice:
        raise BadInput(f"{path.name} has more than one column {', '.join(map(repr, twice))}")
    return [name if name in wanted else f"#{at} {name}" for at, name in enumerate(names)]


def _unreadable(path: Path, dialect: Dialect, error: Exception) -> str:
    if not isinstance(error, OSError) and _is_parquet(path):
        return (
            f"{path.name} is a Parquet file and not text; let its name end in .parquet, in the "
            "folder and in its section"
        )
    if isinstance(error, UnicodeError | LookupError):
        return (
            f"{path.name} is not {dialect.encoding} text ({error}); set the encoding of its "
            'section, for example encoding = "gb18030"'
        )
    if isinstance(error, pd.errors.ParserWarning):
        return (
            f"{path.name} has rows with more fields than its header; quote the fields that hold "
            f"{dialect.delimiter!r} or set the delimiter of its section"
        )
    if isinstance(error, ValueError):
        return f"cannot read {path.name}: {str(error).strip()}; mend that line or its quotes"
    return f"cannot read {path.name}: {getattr(error, 'strerror', None) or error}"


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC
