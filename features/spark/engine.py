"""Spark behind ibis: the contract tables in, exact rows out.

Rows leave through Parquet files that Spark itself writes into a folder that its workers see:
they need not fit into this process, and NaN and null stay what they are. ibis 12 would fetch
them through pandas, where NaN becomes null.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.pyspark import Backend
from ibis.expr.types import Expr, Table
from ibis.formats.pyarrow import PyArrowSchema
from ibis.util import gen_name

from domain.errors import BadInput
from features.atomic import growing, new_folder
from features.settings import EngineSettings
from features.spark.errors import told
from features.spark.session import Spark, spark_of

EXCHANGE = ".spark-"


def connect_spark(settings: EngineSettings, exchange: Path) -> "SparkEngine":
    """The Spark of the settings; rows pass through `exchange`, which its workers see.

    Raises BadInput when it cannot be had within `wait_seconds`.
    """
    spark = spark_of(settings)
    SparkEngine.register_options()
    engine: SparkEngine = SparkEngine().connect(spark.session)
    engine.spark, engine.exchange = spark, exchange
    return engine


class SparkEngine(Backend):  # type: ignore[misc]  # ibis has no types of its own
    """ibis's own backend, with Arrow in and out instead of pandas."""

    spark: Spark
    exchange: Path

    def read_parquet(
        self, path: Path | Sequence[Path], /, *, table_name: str | None = None, **options: Any
    ) -> Table:
        """Parquet files or a folder that driver and workers see, as a table."""
        name = table_name or gen_name("parquet")
        paths = [Path(path)] if isinstance(path, str | Path) else path
        with told(self.spark.settings):
            rows = self.spark.session.read.parquet(*map(file_uri, paths), **options)
            rows.createOrReplaceTempView(name)
        return self.table(name)

    def to_pyarrow(self, expr: Expr, /, **_: Any) -> Any:
        """The rows of an expression in this process, typed as ibis says."""
        rows = self.spark.run(self._frame(expr.as_table()).toArrow)
        return expr.__pyarrow_result__(rows.cast(PyArrowSchema.from_ibis(expr.as_table().schema())))

    def execute(self, expr: Expr, /, **options: Any) -> Any:
        """What an expression gives in pandas, as every engine of ibis gives it."""
        return self.spark.run(lambda: super(SparkEngine, self).execute(expr, **options))

    def batches(self, table: Table) -> Iterator[pa.RecordBatch]:
        """The rows of a query in order, written by the workers and read one batch at a time."""
        with growing(self.exchange, EXCHANGE, new_folder) as folder:
            written = self._written(table, folder / "rows")
            found = 0
            for part in sorted((folder / "rows").glob("part-*.parquet")):
                for batch in pq.ParquetFile(part).iter_batches():
                    found += batch.num_rows
                    yield batch
            _require_all(written, found, folder)

    def _written(self, table: Table, folder: Path) -> int:
        counted, rows = self.spark.counting()
        frame = self._frame(table).observe(counted, rows.alias("rows"))
        self.spark.run(lambda: frame.write.parquet(file_uri(folder, pattern=False)))
        return int(counted.get.get("rows", 0))

    def _frame(self, table: Table) -> Any:
        with told(self.spark.settings):
            self._run_pre_execute_hooks(table)
            return self.spark.session.sql(self.compile(table))

    def _register_in_memory_table(self, op: Any) -> None:
        rows = op.data.to_pyarrow(op.schema)
        self.spark.session.createDataFrame(rows).createOrReplaceTempView(op.name)


def file_uri(path: Path, *, pattern: bool = True) -> str:
    r"""The path for Spark: on the shared file system, whatever the cluster's own default is.

    Where Spark reads it takes a path for a pattern, so what would be one is escaped.

    >>> file_uri(Path("/bank [1]/t.parquet"))
    'file:///bank \\[1\\]/t.parquet'
    """
    text = path.absolute().as_posix()
    return "file://" + (re.sub(r"([\[\]{}*?\\])", r"\\\1", text) if pattern else text)


def _require_all(written: int, found: int, folder: Path) -> None:
    if found != written:
        raise BadInput(
            f"Spark wrote {written} rows, {found} reached '{folder.parent}': that folder must be "
            "shared with every worker under the same path"
        )
