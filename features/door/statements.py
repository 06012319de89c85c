"""Pieces of the statements in which rows are settled: files and texts as SQL writes them."""

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path

from domain.tables import Contract

SQL = {
    "string": "VARCHAR",
    "float": "DOUBLE",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "boolean": "BOOLEAN",
}


def read_files(paths: Sequence[Path]) -> str:
    """A table of the rows of Parquet files.

    >>> read_files([Path("it's.parquet")])
    "read_parquet(['it''s.parquet'])"
    """
    return f"read_parquet([{texts(glob.escape(path.as_posix()) for path in paths)}])"


def texts(values: Iterable[str]) -> str:
    """Texts, one after the other.

    >>> texts(["a", "b's"])
    "'a', 'b''s'"
    """
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def empty_columns(contract: Contract) -> list[str]:
    """The columns of a contract table without a value.

    >>> from domain.tables import CLOSURES
    >>> empty_columns(CLOSURES)[0]
    'NULL::VARCHAR AS customer_id'
    """
    return [f"NULL::{SQL[column.kind]} AS {column.name}" for column in contract]
