"""Parquet files, a batch at a time, without loss: whole numbers stay whole beside missing ones."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import BadInput
from features.readers.batch import BATCH_ROWS

_TEXT = pd.StringDtype("pyarrow")
_PANDAS: dict[Any, Any] = {
    pa.string(): _TEXT,
    pa.large_string(): _TEXT,
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}


class Rows(NamedTuple):
    """A batch: its first row as counted from 1 in the file, and the share of the file read."""

    first_row: int
    frame: pd.DataFrame
    done: float


def to_frame(batch: pa.RecordBatch | pa.Table) -> pd.DataFrame:
    """The frame of an Arrow batch; dates as timestamps, whole numbers as whole numbers."""
    table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
    plain = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    table = pa.Table.from_arrays(plain, names=table.column_names)
    frame: pd.DataFrame = table.to_pandas(
        types_mapper=_PANDAS.get, date_as_object=False, ignore_metadata=True
    )
    return frame


def column_names(path: Path) -> list[str]:
    """Column names of a Parquet file."""
    return list(_open(path).schema_arrow.names)


def rows(path: Path, columns: Sequence[str]) -> Iterator[Rows]:
    """The named columns of a Parquet file in batches, in file order."""
    file = _open(path)
    first, total = 1, max(file.metadata.num_rows, 1)
    try:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
            done = (first - 1 + batch.num_rows) / total
            yield Rows(first, to_frame(batch), done)
            first += batch.num_rows
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"cannot read {path.name}: {error}; deliver it again") from error


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"{path.name} is not a Parquet file that can be read: {error}") from error
