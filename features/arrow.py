"""Contract tables in Arrow: types of the columns, and writers that end without noise."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from domain.tables import Contract

ARROW = {
    "string": pa.string(),
    "float": pa.float64(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}


def arrow_schema(contract: Contract) -> pa.Schema:
    """The types of a contract table on disk.

    >>> from domain.tables import CLOSURES
    >>> arrow_schema(CLOSURES).field("closed_on").type
    DataType(date32[day])
    """
    return pa.schema([(column.name, ARROW[column.kind]) for column in contract])


def column(values: Sequence[int] | Sequence[date], kind: pa.DataType) -> pa.Array:
    """Whole numbers, dates or times without a zone as an array, none of them missing.

    `pa.array` imports pandas to ask whether it was given a series, which takes longer than all
    that a feature run does before its first row.

    >>> column([1, 2], pa.int16()).to_pylist(), column([date(2026, 1, 2)], pa.date32()).to_pylist()
    ([1, 2], [datetime.date(2026, 1, 2)])
    """
    moments = {pa.date32(): "datetime64[D]", pa.timestamp("us"): "datetime64[us]"}
    numbers = np.asarray(values, moments.get(kind)).astype(f"int{kind.bit_width}")
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])


def rebatched(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of exactly `rows` rows, the last one shorter; none when none.

    >>> parts = [pa.record_batch({"a": [1, 2, 3]}), pa.record_batch({"a": [4]})]
    >>> [part["a"].to_pylist() for part in rebatched(parts, 2)]
    [[1, 2], [3, 4]]
    """
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        while sum(each.num_rows for each in held) >= rows:
            table = pa.Table.from_batches(held)
            yield table.slice(0, rows)
            held = table.slice(rows).to_batches()
    if any(each.num_rows for each in held):
        yield pa.Table.from_batches(held)


def abandon(writer: Any) -> None:
    """Close a Parquet writer whose file is thrown away; its first error has been told."""
    try:
        writer.close()
    except OSError:
        return
