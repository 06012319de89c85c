"""Judged deliveries on their way: accepted rows, refused lines and counts, a folder each.

A delivery that is whole outlives a killed run: the next one takes it over when the source and
all that its judgement depends on are the same.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from domain.tables import CONTRACTS, Contract
from features.arrow import ARROW, abandon, arrow_schema
from features.door.count import Count, Counted
from features.door.quarantine import Lines
from features.readers.batch import Delivered

FILE, ROW = "source_file", "source_row"
GROUP_ROWS = 131_072
_COUNTED = "counted.json"  # written last: a folder with it is whole


class Judged:
    """One delivery of one table, in a folder of its own."""

    def __init__(self, delivered: Delivered, folder: Path) -> None:
        self.delivered, self.folder = delivered, folder
        self.count = Count(*delivered)
        self.refused = Lines(folder / "refused.csv")
        self._writer: pq.ParquetWriter | None = None

    @property
    def rows(self) -> Path:
        """The accepted rows, in the contract's types, with the file and row they came from."""
        return self.folder / "rows.parquet"

    @property
    def begun(self) -> bool:
        """Whether any of it was read."""
        return self.folder.is_dir()

    @property
    def whole(self) -> bool:
        """Whether it was read to its end."""
        return (self.folder / _COUNTED).is_file()

    def begin(self) -> None:
        """Start from nothing, whatever a killed run left."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._writer = pq.ParquetWriter(
            self.rows,
            staged_schema(self.delivered.table),
            compression="lz4",
            use_dictionary=_few(self),
        )

    def add(self, frame: pd.DataFrame, first_row: int) -> None:
        """Append typed rows."""
        if frame.empty or self._writer is None:
            return
        arrays = [_array(frame[column.name], ARROW[column.kind]) for column in _contract(self)]
        arrays += [pa.array([self.delivered.file] * len(frame), pa.string())]
        arrays += [pa.array(frame.index + first_row)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._writer.schema))

    def finish(self) -> None:
        """Close the files; the delivery is whole."""
        self.refused.close()
        if self._writer is not None:
            self._writer.close()
        text = self.count.done().model_dump_json()
        part = self.folder / f"{_COUNTED}.part"
        part.write_text(text, encoding="utf-8")
        os.replace(part, self.folder / _COUNTED)

    def drop(self) -> None:
        """Close the files of a delivery that is not read on; its first error has been told."""
        self.refused.close()
        if self._writer is not None:
            abandon(self._writer)

    def counted(self) -> Counted:
        """What was counted, from the disk once it is whole."""
        if not self.whole:
            return self.count.done()
        return Counted.model_validate_json((self.folder / _COUNTED).read_text(encoding="utf-8"))


def named(terms: str, delivered: Delivered, mark: str) -> str:
    """The folder of a delivery: another one when its bytes or the terms of judgement change.

    >>> named("a", Delivered("closures", "c.csv"), "1") == named(
    ...     "a", Delivered("closures", "c.csv"), "2")
    False
    """
    said = json.dumps([terms, *delivered, mark])
    return f"{delivered.table}-{hashlib.sha256(said.encode()).hexdigest()[:24]}"


def staged_schema(table: str) -> pa.Schema:
    """The columns of staged rows: those of the contract, file and row.

    >>> staged_schema("closures").names
    ['customer_id', 'closed_on', 'reason', 'source_file', 'source_row']
    """
    origin = [pa.field(FILE, pa.string()), pa.field(ROW, pa.int64())]
    return pa.schema([*arrow_schema(CONTRACTS[table]), *origin])


def clean_schema(contract: Contract) -> pa.Schema:
    """The columns of a clean table on disk: those of the contract, and the file of each row.

    >>> from domain.tables import CLOSURES
    >>> clean_schema(CLOSURES).names
    ['customer_id', 'closed_on', 'reason', 'source_file']
    """
    return arrow_schema(contract).append(pa.field(FILE, pa.dictionary(pa.int32(), pa.string())))


def _contract(judged: Judged) -> Any:
    return CONTRACTS[judged.delivered.table]


def _few(judged: Judged) -> list[str]:
    """Columns whose values come again and again; ids of events do not."""
    contract = _contract(judged)
    unique = contract.key if len(contract.key) == 1 else ()
    texts = [column.name for column in contract if column.kind == "string"]
    return [*(name for name in texts if name not in unique), FILE]


def _array(values: pd.Series, kind: pa.DataType) -> Any:
    if pa.types.is_date32(kind):
        return pa.array(values.to_numpy().astype("datetime64[D]"), type=kind)
    if pa.types.is_floating(kind):
        numbers = values.to_numpy(np.float64)
        return pa.array(numbers + 0.0, mask=np.isnan(numbers), type=kind)  # -0.0 is 0.0
    return pa.array(values, type=kind, from_pandas=True)
