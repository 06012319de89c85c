"""Contract tables in Arrow: types of the columns, and writers that end without noise."""

from typing import Any

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


def abandon(writer: Any) -> None:
    """Close a Parquet writer whose file is thrown away; its first error has been told."""
    try:
        writer.close()
    except OSError:
        return
