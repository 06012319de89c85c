"""The embedded engine: a DuckDB of our own, in memory, in UTC."""

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

import duckdb
import ibis
import pyarrow as pa
from ibis.expr.types import Table

from domain.errors import BadInput
from features.settings import EngineSettings
from features.spill import spill_folder


def connect_duckdb(settings: EngineSettings) -> Any:
    """A DuckDB of our own in memory, in UTC, spilling to a folder that goes when it goes."""
    spill = spill_folder()
    try:
        engine = ibis.duckdb.connect(
            threads=settings.threads, memory_limit=settings.memory, temp_directory=str(spill.path)
        )
    except Exception as error:
        spill.give_back()
        raise BadInput(f"[engine] is refused: {error}; write memory like '8GB'") from error
    weakref.finalize(engine, spill.give_back)
    engine.raw_sql("SET TimeZone = 'UTC'")
    with contextlib.suppress(duckdb.Error):  # a notebook without widgets has no bar to switch off
        engine.raw_sql("SET enable_progress_bar = false")
    return engine


def duckdb_batches(engine: Any, table: Table, rows: int) -> Iterator[pa.RecordBatch]:
    """The rows of a query as DuckDB streams them."""
    # ibis 12's own batches call a method that DuckDB 2 no longer has; this is what they do else
    engine._run_pre_execute_hooks(table)
    yield from engine.con.sql(engine.compile(table)).to_arrow_reader(rows)


def duckdb_rows(engine: Any, table: Table) -> list[tuple[Any, ...]]:
    """The few rows of a query as Python values."""
    found: list[tuple[Any, ...]] = engine.con.sql(engine.compile(table)).fetchall()
    return found
