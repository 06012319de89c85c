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
    """An open connection, the words that must not appear in a message, and SQLite's file."""

    connection: Any
    secrets: tuple[str, ...]
    file: Path | None = None


@contextmanager
def opened(settings: SourceSettings, folder: Path) -> Iterator[Bank | None]:
    """The connection that sources.database names, or None when it names none."""
    if settings.database is None:
        yield None
        return
    url = _located(_url(settings.database), folder)
    bank = Bank(None, _secrets(url), _sqlite_file(url))
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


def mark(bank: Bank, table: str, columns: Sequence[str]) -> str:
    """Number of rows of a table and a sum over the hashes of its rows, in the named columns.

    Not seen: a change that keeps the sum (one in 2^32), and, in a database that has no hash
    (MySQL, Exasol), one that keeps the number of values and the sum of every column of numbers
    to nine digits, as a corrected text does. SQLite has none either; there the file tells.
    """
    import ibis
    from ibis.common.exceptions import IbisError

    seen = _table(bank, table)
    if bank.file is not None:
        return str(seen.count().execute())
    # a null is not an empty text, and no value runs into its neighbour
    values = [seen[name].cast("string").fill_null("\x1e") for name in columns]
    content = ibis.literal("\x1f").join(values).hash() & 0xFFFFFFFF
    try:
        return " ".join(map(str, _facts(seen, rows=seen.count(), content=content.sum()).values()))
    except IbisError:
        return _counted(seen, columns)


def files(bank: Bank) -> list[Path]:
    """The files that are the content of a SQLite database: itself and its write-ahead log."""
    if bank.file is None:
        return []
    log = bank.file.with_name(f"{bank.file.name}-wal")
    return [bank.file, *([log] if log.is_file() and log.stat().st_size else [])]


def places(settings: SourceSettings, folder: Path) -> list[Path]:
    """The file of a SQLite or DuckDB database that sources.database names."""
    if settings.database is None:
        return []
    scheme, _, rest = _url(settings.database).partition("://")
    return [folder / rest] if scheme in FILE_SCHEMES else []


def _counted(seen: Any, columns: Sequence[str]) -> str:
    facts = {"rows": seen.count()} | {f"n{at}": seen[c].count() for at, c in enumerate(columns)}
    numbers = [name for name in columns if seen[name].type().is_numeric()]
    facts |= {f"s{at}": seen[c].cast("float64").sum() for at, c in enumerate(numbers)}
    # a sum of floats differs in its last digits with the order of its rows
    told = _facts(seen, **facts).items()
    return " ".join(f"{value:.9g}" if name[0] == "s" else str(value) for name, value in told)


def _facts(seen: Any, **facts: Any) -> dict[str, Any]:
    found: dict[str, Any] = seen.aggregate(**facts).execute().to_dict("records")[0]
    return found


def batches(bank: Bank, table: str, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """The named columns of a table, in batches."""
    seen = _table(bank, table)
    if bank.connection.name == "sqlite":
        yield from _as_they_are(bank.connection, seen[list(columns)])
        return
    exact = {name: _sendable(seen[name]) for name in columns}
    for batch in _arrow(bank.connection, seen.select(**exact)):
        yield parquet.to_frame(batch)


def _arrow(connection: Any, expression: Any) -> Any:
    if connection.name == "duckdb":  # ibis 12 calls a method that DuckDB 2 no longer has
        return connection.con.sql(connection.compile(expression)).to_arrow_reader(BATCH_ROWS)
    return connection.to_pyarrow_batches(expression, chunk_size=BATCH_ROWS)


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
    here = _tables(bank.connection, schema)
    if name not in here:
        raise BadInput(
            f"sources.database has no table {table!r} (it has {', '.join(sorted(here)[:12])}); "
            "correct the name, with its schema if it has one"
        )
    return bank.connection.table(name, **({"database": schema} if schema else {}))


def _tables(connection: Any, schema: str) -> list[str]:
    if connection.name == "duckdb":  # as above
        listed = "SELECT table_name FROM information_schema.tables WHERE table_schema = $1"
        return [name for (name,) in connection.con.execute(listed, [schema or "main"]).fetchall()]
    return list(connection.list_tables(**({"database": schema} if schema else {})))


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


def _sqlite_file(url: str) -> Path | None:
    scheme, _, path = url.partition("://")
    return Path(path) if scheme == "sqlite" else None


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
