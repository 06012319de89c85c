"""Tables of a database, through ibis, a batch at a time; a password is never shown.

SQLite lets a text stand in a numeric column, so its values are handed on as they are and
judged at the door; every other database sends typed Arrow batches.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pandas as pd

from domain.errors import BadInput
from features.readers import parquet
from features.readers.batch import BATCH_ROWS
from features.settings import SourceSettings

FILE_SCHEMES = ("sqlite", "duckdb")


class Bank(NamedTuple):
    """An open connection, and the words that must not appear in a message."""

    connection: Any
    secrets: tuple[str, ...]


@contextmanager
def opened(settings: SourceSettings, folder: Path) -> Iterator[Bank | None]:
    """The connection that sources.database names, or None when it names none."""
    if settings.database is None:
        yield None
        return
    url = _located(_url(settings.database), folder)
    bank = Bank(None, _secrets(url))
    try:
        bank = bank._replace(connection=_connect(url))
        yield bank
    except BadInput:
        raise
    except Exception as error:  # noqa: BLE001 (every driver has its own; the door needs one)
        raise BadInput(f"sources.database: {_without(bank.secrets, error)}") from None
    finally:
        if bank.connection is not None:
            bank.connection.disconnect()


def column_names(bank: Bank, table: str) -> list[str]:
    """Column names of a table; BadInput that lists the tables there are."""
    return list(_table(bank, table).columns)


def mark(bank: Bank, table: str, clock: Sequence[str]) -> str:
    """Number of rows and latest time in each of the columns `clock`."""
    seen = _table(bank, table)
    # as text on SQLite, where what stands in a time column need not be a time
    text = bank.connection.name == "sqlite"
    times = [seen[name].cast("string") if text else seen[name] for name in clock]
    facts = {"rows": seen.count()} | {f"latest_{at}": one.max() for at, one in enumerate(times)}
    row = seen.aggregate(**facts).execute().iloc[0]
    return " ".join(str(row[name]) for name in facts)


def batches(bank: Bank, table: str, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """The named columns of a table, in batches."""
    seen = _table(bank, table)
    if bank.connection.name == "sqlite":
        yield from _as_they_are(bank.connection, seen[list(columns)])
        return
    exact = {name: _sendable(seen[name]) for name in columns}
    reader = bank.connection.to_pyarrow_batches(seen.select(**exact), chunk_size=BATCH_ROWS)
    for batch in reader:
        yield parquet.to_frame(batch)


def _as_they_are(connection: Any, expression: Any) -> Iterator[pd.DataFrame]:
    cursor = connection.raw_sql(connection.compile(expression))
    try:
        while rows := cursor.fetchmany(BATCH_ROWS):
            yield pd.DataFrame(rows, columns=list(expression.columns), dtype=object)
    finally:
        cursor.close()


def _sendable(column: Any) -> Any:
    kind = column.type()
    if kind.is_decimal():
        return column.cast("float64")  # NUMERIC without a scale does not fit an Arrow decimal
    return column.cast("string") if kind.is_uuid() else column


def _table(bank: Bank, table: str) -> Any:
    schema, _, name = table.rpartition(".")
    here = bank.connection.list_tables(**({"database": schema} if schema else {}))
    if name not in here:
        raise BadInput(
            f"sources.database has no table {table!r} (it has {', '.join(sorted(here)[:12])}); "
            "correct the name, with its schema if it has one"
        )
    return bank.connection.table(name, **({"database": schema} if schema else {}))


def _url(database: str) -> str:
    if not database.startswith("env:"):
        if urlsplit(database).password:
            raise BadInput(
                "sources.database holds a password; put the URL into an environment variable "
                'and write database = "env:NAME"'
            )
        return database
    name = database.removeprefix("env:")
    url = os.environ.get(name)
    if not url:
        raise BadInput(f"sources.database reads environment variable {name}, which is not set")
    return url


def _located(url: str, folder: Path) -> str:
    """The URL with a file database's path made absolute; the file must exist."""
    scheme, colon, rest = url.partition("://")
    if not colon:
        raise BadInput('sources.database is no URL; write one like "sqlite://bank.db"')
    if scheme not in FILE_SCHEMES:
        return url
    path = (folder / rest).absolute()
    if not path.is_file():
        raise BadInput(f"sources.database: there is no file {path.as_posix()}")
    return f"{scheme}://{path.as_posix()}"


def _connect(url: str) -> Any:
    import ibis

    if url.startswith("duckdb://"):
        return ibis.duckdb.connect(url.removeprefix("duckdb://"), read_only=True)
    return ibis.connect(url)


def _secrets(url: str) -> tuple[str, ...]:
    # cut by hand: a password with an odd character can make a URL that no parser splits
    seen = re.match(r"[^:/]+://[^:@/]*:(.+)@", url)
    if seen is None:
        return ()
    pieces = [piece for piece in re.split(r"[/?#@\[\]]", seen[1]) if piece]  # as parsers cut them
    return (seen[1], unquote(seen[1]), *sorted(pieces, key=len, reverse=True))


def _without(secrets: tuple[str, ...], error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    for secret in secrets:
        text = text.replace(secret, "***")
    return text
