"""Where feature queries run: DuckDB or Spark over Parquet files, a bank's own warehouse, in UTC.

Engine specifics live in the engine modules and in `features.dialect`; everything else is ibis.
"""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
import pyarrow as pa
from ibis.common.exceptions import TableNotFound
from ibis.expr.types import Table, Value

from domain.errors import BadInput
from domain.tables import CONTRACTS, Column, Contract
from features.arrow import ARROW, rebatched
from features.dialect import in_utc
from features.duckdb_engine import connect_duckdb, duckdb_batches
from features.parts import table_files, verify_parts
from features.settings import EngineSettings, SourceSettings

if TYPE_CHECKING:
    import pandas as pd

IBIS = {
    "string": "string",
    "float": "float64",
    "timestamp": "timestamp(6)",
    "date": "date",
    "boolean": "boolean",
}
DEFAULT = EngineSettings()
STALE_DAYS: int = SourceSettings().stale_days


class Tables(NamedTuple):
    """The contract tables as ibis tables of one connection, and the bank's time zone.

    A cut-off may lie `stale_days` past the day after the last transaction, not further.
    """

    customers: Table
    transactions: Table
    holdings: Table
    service_events: Table
    closures: Table
    outlets: Table
    timezone: str = "UTC"
    stale_days: int = STALE_DAYS
    folder: Path | None = None  # of the files, if there are any
    settings: EngineSettings = DEFAULT

    @property
    def connection(self) -> Any:
        """The engine that holds the tables."""
        return self.customers.get_backend()


def open_tables(
    folder: Path,
    settings: EngineSettings = DEFAULT,
    timezone: str = "UTC",
    stale_days: int = STALE_DAYS,
) -> Tables:
    """The contract tables in a folder (`features.parts.table_files`); no row is kept in memory.

    Raises BadInput for a file or column that is missing, a file that is not Parquet or not as the
    intake wrote it, or an engine that cannot be had.
    """
    with ThreadPoolExecutor(1) as beside:  # files are hashed while the engine starts
        sound = beside.submit(verify_parts, folder)
        try:
            tables = _opened(connect(settings, folder), folder)
        except BadInput:
            sound.result()  # that a file was altered says more than what followed from it
            raise
        sound.result()
    return Tables(
        **tables, timezone=timezone, stale_days=stale_days, folder=folder, settings=settings
    )


def _opened(engine: Any, folder: Path) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    for name, contract in CONTRACTS.items():
        files = table_files(folder, name)
        tables[name] = (
            _read(engine, files, contract) if files else _absent(contract, tables["customers"])
        )
    return tables


def opened_again(tables: Tables, settings: EngineSettings) -> Tables:
    """The same tables on an engine of their own."""
    if tables.folder is not None:
        return open_tables(tables.folder, settings, tables.timezone, tables.stale_days)
    engine = connect(settings)
    copies = {name: _stored(engine, name, getattr(tables, name).to_pyarrow()) for name in CONTRACTS}
    return tables._replace(**copies)


def by_place(tables: Tables, file: Path) -> Tables:
    """The tables with a transaction's place in its one file for its id: cheaper than a text.

    Only on DuckDB, and where rows that agree in customer and time lie in the order of ids.
    """
    rows = tables.connection.read_parquet(str(file), table_name="placed", file_row_number=True)
    placed = typed(rows, CONTRACTS["transactions"]) | {"transaction_id": rows.file_row_number}
    return tables._replace(transactions=rows.select(**placed))


def tables_in(
    connection: Any,
    timezone: str = "UTC",
    stale_days: int = STALE_DAYS,
    schema: str | None = None,
) -> Tables:
    """The contract tables that an ibis connection holds; rows stay there, only results leave.

    Tables or views are named like the contracts, in `schema` or where the connection looks by
    itself, with every column of the contract; only `outlets` need not be there. Types are cast,
    so a value that does not fit is an error of the database when a query runs. Raises BadInput for
    a table or a column that is missing.
    """
    place = {} if schema is None else {"database": schema}
    tables: dict[str, Table] = {}
    for name, contract in CONTRACTS.items():
        try:
            table = connection.table(name, **place)
        except Exception as error:
            if contract.may_be_absent and isinstance(error, TableNotFound):
                tables[name] = _absent(contract, tables["customers"])
                continue
            reason = str(error).partition("\n")[0]
            raise BadInput(
                f"the database shows no table '{name}' ({reason}); create a view of that name "
                f"with the columns {', '.join(contract.names)}, without rows if there are none"
            ) from error
        tables[name] = _selected(table, contract, f"table '{name}'", "add them, null if unknown")
    return Tables(**tables, timezone=timezone, stale_days=stale_days)


def tables_of(frames: "Mapping[str, pd.DataFrame]", timezone: str = "UTC") -> Tables:
    """The contract tables of frames, for tests and notebooks.

    A missing table is empty, a missing optional column null; a repeated row counts once.

    >>> import pandas as pd
    >>> customers = pd.DataFrame({"customer_id": ["a"], "onboarded_on": ["2026-01-31"]})
    >>> frame_of(tables_of({"customers": customers}).customers).onboarded_on[0]
    datetime.date(2026, 1, 31)
    """
    unknown = sorted(set(frames) - set(CONTRACTS))
    if unknown:
        raise BadInput(f"unknown table {unknown[0]!r}; the tables are {', '.join(CONTRACTS)}")
    engine = connect(DEFAULT)
    tables = {
        name: _stored(engine, name, _arrow(frames.get(name), contract))
        for name, contract in CONTRACTS.items()
    }
    return Tables(**tables, timezone=timezone)


def frame_of(table: Table) -> "pd.DataFrame":
    """The rows of a query: dates as `datetime.date`, text as str or None, numbers as they are."""
    frame: pd.DataFrame = table.to_pyarrow().to_pandas()
    return frame


def batches_of(table: Table, rows: int = 100_000) -> Iterator[pa.Table]:
    """The rows of a query in order, `rows` at a time, so that they need not fit into memory."""
    engine = table.get_backend()
    yield from rebatched(_batches(engine, table, rows), rows)


def _batches(engine: Any, table: Table, rows: int) -> Iterator[pa.RecordBatch]:
    if _is_spark(engine):
        yield from engine.batches(table)
    elif engine.name == "duckdb":
        yield from duckdb_batches(engine, table, rows)
    else:
        yield from engine.to_pyarrow_batches(table, chunk_size=rows)


def connect(settings: EngineSettings = DEFAULT, exchange: Path | None = None) -> Any:
    """The engine that the settings name; Spark passes rows through the folder `exchange`."""
    if settings.kind == "duckdb":
        return connect_duckdb(settings)
    if exchange is None:
        raise ValueError("Spark needs a folder that its workers see")
    from features.spark.engine import connect_spark

    return connect_spark(settings, exchange)


def memory_bytes(memory: str) -> int:
    """Bytes of a size as [engine] has it.

    >>> memory_bytes("1.5GB"), memory_bytes("2GiB")
    (1500000000, 2147483648)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*", memory.lower())
    if found is None:
        raise BadInput(f"[engine] memory = {memory!r} is refused; write it like '8GB'")
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** " kmgt".index(unit or " "))


def _is_spark(engine: Any) -> bool:
    return bool(engine.name == "pyspark")


def _stored(engine: Any, name: str, rows: pa.Table) -> Table:
    # ibis 12 drops a view without naming it when it creates a table of Arrow data
    engine.con.from_arrow(rows).create(name)
    return engine.table(name)


def _read(engine: Any, files: list[Path], contract: Contract) -> Table:
    name = f"'{files[0]}'" + (f" and {len(files) - 1} more parts" if len(files) > 1 else "")
    try:
        if _is_spark(engine):
            table = engine.read_parquet(files)
        else:  # the same names on every engine: a statement fits all
            table = engine.read_parquet([str(file) for file in files], table_name=contract.name)
    except BadInput:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise BadInput(f"file {name} cannot be read as Parquet: {reason}") from error
    return _selected(table, contract, f"file {name}", "run `gridkeep check`")


def _absent(contract: Contract, other: Table) -> Table:
    """No row of a table that the engine lacks: asked of another table, so that nothing is made."""
    columns = {column.name: ibis.null(IBIS[column.kind]) for column in contract}
    return other.filter(ibis.literal(False)).select(**columns)


def _selected(table: Table, contract: Contract, what: str, remedy: str) -> Table:
    missing = [column for column in contract.names if column not in table.columns]
    if missing:
        raise BadInput(f"{what} lacks the columns {', '.join(missing)}; {remedy}")
    return table.select(**typed(table, contract))


def typed(table: Table, contract: Contract) -> dict[str, Value]:
    """The columns of a contract in a table, by name and in the contract's types."""
    return {column.name: _typed(table, column) for column in contract}


def _typed(table: Table, column: Column) -> Value:
    value = in_utc(table[column.name]).cast(IBIS[column.kind])
    # NaN is a value to SQL: one would make a sum or a mean NaN where null means no value
    return value.isnan().ifelse(None, value) if column.kind == "float" else value


def _arrow(frame: "pd.DataFrame | None", contract: Contract) -> pa.Table:
    import pandas as pd

    rows = pd.DataFrame(columns=list(contract.names)) if frame is None else frame
    required = [column.name for column in contract if column.required]
    missing = [name for name in required if name not in rows.columns]
    if missing:
        raise BadInput(f"table {contract.name!r} lacks the columns {', '.join(missing)}")
    known = rows[[name for name in contract.names if name in rows.columns]].drop_duplicates()
    if known.duplicated(list(contract.key)).any():
        raise BadInput(f"table {contract.name!r} repeats a {', '.join(contract.key)}")
    columns = {column.name: _values(known, column) for column in contract}
    return pa.table(columns)


def _values(rows: "pd.DataFrame", column: Column) -> pa.Array:
    if column.name not in rows.columns:
        return pa.nulls(len(rows), ARROW[column.kind])
    values = rows[column.name]
    if column.kind in ("timestamp", "date"):
        values = _times(values, column)
    elif column.kind == "boolean":
        values = values.astype("boolean")
    elif column.kind == "float":
        values = values.astype("float64")
    return pa.Array.from_pandas(values, type=ARROW[column.kind])


def _times(values: "pd.Series", column: Column) -> "pd.Series":
    import pandas as pd

    try:
        return pd.to_datetime(values, format="ISO8601").astype("datetime64[us]")
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"column {column.name!r} holds what is not a time in UTC: {error}"
        ) from error
