"""Files of a simulation: built beside their targets, put in place when all are complete."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import BadInput
from domain.tables import CONTRACTS
from features.arrow import abandon, arrow_schema

SCHEMAS: dict[str, Any] = {
    f"{name}.parquet": arrow_schema(contract) for name, contract in CONTRACTS.items()
} | {
    "truth/customer_months.parquet": pa.schema(
        [
            ("customer_id", pa.string()),
            ("month", pa.date32()),
            ("leave_probability", pa.float64()),
            ("leave_90d_after_30d_probability", pa.float64()),
            ("fading_months", pa.int64()),
            ("activity", pa.float64()),
            ("salary_gone", pa.bool_()),
            ("complaint_open", pa.bool_()),
            ("competitor_open", pa.bool_()),
            ("distance_km", pa.float64()),
            ("contact_log_odds", pa.float64()),
        ]
    ),
    "truth/contact_effect.parquet": pa.schema(
        [("customer_id", pa.string()), ("log_odds", pa.float64())]
    ),
    "truth/customers_places.parquet": pa.schema(
        [
            ("customer_id", pa.string()),
            ("place", pa.string()),
            ("place_kind", pa.string()),
            ("district", pa.string()),
            ("latitude", pa.float64()),
            ("longitude", pa.float64()),
            ("life_stage", pa.string()),
            ("drift", pa.string()),
            ("competitor_from", pa.date32()),
        ]
    ),
}


class Staging:
    """A folder inside the target in which files grow; leaving it without an error moves them.

    An error leaves the target as it was.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._writers: dict[str, Any] = {}
        self._folder = Path()
        self._made = False

    def __enter__(self) -> "Staging":
        try:
            self._made = not self._out.exists()
            self._out.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(dir=self._out, prefix=".simulation-"))
        except OSError as error:
            raise _unwritable(self._out, error) from error
        return self

    def rows(self, name: str, columns: Mapping[str, Any]) -> int:
        """Append rows to a file, as one row group; a column that is not given is null."""
        schema = SCHEMAS[name]
        count = len(next(iter(columns.values())))
        absent = {field.name: pa.nulls(count, field.type) for field in schema}
        table = pa.table({**absent, **columns}, schema=schema)
        if name not in self._writers:
            path = self._path(name)
            self._writers[name] = pq.ParquetWriter(path, schema, compression="zstd")
        self._writers[name].write_table(table)
        return count

    def text(self, name: str, text: str) -> None:
        """Write a text file."""
        self._path(name).write_text(text, encoding="utf-8", newline="\n")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._put_in_place()
        except OSError as failure:
            raise _unwritable(self._out, failure) from failure
        finally:
            self._abandon(failed=error is not None)
        if isinstance(error, OSError):
            raise _unwritable(self._out, error) from error

    def _path(self, name: str) -> Path:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _put_in_place(self) -> None:
        while self._writers:
            self._writers.popitem()[1].close()
        for source in sorted(self._folder.rglob("*")):
            target = self._out / source.relative_to(self._folder)
            if source.is_dir():
                target.mkdir(exist_ok=True)
            else:
                os.replace(source, target)

    def _abandon(self, failed: bool) -> None:
        for writer in self._writers.values():
            abandon(writer)
        self._writers.clear()
        shutil.rmtree(self._folder, ignore_errors=True)
        if failed and self._made and not any(self._out.iterdir()):
            self._out.rmdir()


def _unwritable(out: Path, error: OSError) -> BadInput:
    reason = error.strerror or str(error)
    return BadInput(
        f"cannot write the simulation to {out}: {reason}; free some space or give another folder"
    )
