"""Accepted rows on their way: one Parquet file per table, in the contract's types."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from domain.tables import CONTRACTS
from features.arrow import ARROW, abandon, arrow_schema

FILE, ROW = "source_file", "source_row"
GROUP_ROWS = 131_072


class Staging:
    """A writer per contract table; rows keep the file and row they came from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> "Staging":
        self.folder.mkdir(parents=True)
        for contract in CONTRACTS.values():
            origin = [pa.field(FILE, pa.string()), pa.field(ROW, pa.int64())]
            schema = pa.schema([*arrow_schema(contract), *origin])
            self._writers[contract.name] = pq.ParquetWriter(self.path(contract.name), schema)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for writer in self._writers.values():
            if kind is None:
                writer.close()
            else:
                abandon(writer)

    def path(self, table: str) -> Path:
        """Where the rows of a table wait."""
        return self.folder / f"{table}.parquet"

    def add(self, table: str, frame: pd.DataFrame, file: str, first_row: int) -> None:
        """Append typed rows."""
        if frame.empty:
            return
        contract, schema = CONTRACTS[table], self._writers[table].schema
        arrays = [_array(frame[column.name], ARROW[column.kind]) for column in contract]
        arrays += [pa.array([file] * len(frame), pa.string()), pa.array(frame.index + first_row)]
        self._writers[table].write_table(pa.Table.from_arrays(arrays, schema=schema))


def _array(values: pd.Series, kind: pa.DataType) -> Any:
    if pa.types.is_date32(kind):
        return pa.array(values.to_numpy().astype("datetime64[D]"), type=kind)
    if pa.types.is_floating(kind):
        numbers = values.to_numpy(np.float64)
        return pa.array(numbers + 0.0, mask=np.isnan(numbers), type=kind)  # -0.0 is 0.0
    return pa.array(values, type=kind, from_pandas=True)
