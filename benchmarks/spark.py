"""The feature query on DuckDB, on Spark in one process, and on a cluster: same rows, one run.

    python -m benchmarks.spark --customers 20000 --transactions 1000000

The cluster is one master and two workers of one core each, separate processes on this machine:
it shows what Spark costs, not what more machines would bring. Every value is compared to 1e-9.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.features import AS_OF, write_bank
from features.customer import KEY, customer_features
from features.engine import batches_of, open_tables
from features.registry import FEATURES
from features.settings import EngineSettings
from tests.spark.processes import Cluster

NUMBERS = [name for name, known in FEATURES.items() if known.kind == "number"]


class Measured(NamedTuple):
    """One engine: seconds to open it, of the first and of the second query, and the rows."""

    engine: str
    opening: float
    first: float
    second: float
    rows: pd.DataFrame


def measured(engine: str, folder: Path, settings: EngineSettings) -> Measured:
    """Open the tables and ask twice: the second time the JVM is warm."""
    began = time.perf_counter()
    tables = open_tables(folder, settings)
    opening = time.perf_counter() - began
    query = customer_features(tables, AS_OF).order_by(*KEY)
    first, rows = _timed(lambda: pa.concat_tables(batches_of(query)))
    second, _ = _timed(lambda: pa.concat_tables(batches_of(query)))
    if settings.kind == "spark":
        tables.connection.spark.stop()
    return Measured(engine, opening, first, second, rows.to_pandas())


def _timed(work: Callable[[], pa.Table]) -> tuple[float, pa.Table]:
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


def difference(ours: pd.DataFrame, theirs: pd.DataFrame) -> float:
    """Largest relative difference of a number; an error above 1e-9 or where a row differs."""
    others = [name for name in ours if name not in NUMBERS]
    pd.testing.assert_frame_equal(ours[others], theirs[others])
    a, b = ours[NUMBERS].to_numpy("float64"), theirs[NUMBERS].to_numpy("float64")
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    return float(np.nanmax(np.abs(a - b) / np.maximum(np.abs(b), 1)))


def main() -> None:
    """Ask the three, assert that they agree, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--memory", default="1GB", help="of each engine, and of each executor")
    sizes = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "tables"
        folder.mkdir()
        write_bank(folder, sizes.customers, sizes.transactions)
        found = [
            measured("DuckDB, 2 threads", folder, EngineSettings(memory=sizes.memory)),
            measured("Spark local[2]", folder, _spark(None, sizes.memory)),
            _on_a_cluster(folder, Path(name), sizes.memory),
        ]
    print(f"{sizes.transactions:,} transactions, {sizes.customers:,} customers, one cut-off")
    print(f"{'':20}{'opening s':>10}{'first s':>10}{'again s':>10}{'difference':>12}")
    for each in found:
        seconds = f"{each.opening:>10.1f}{each.first:>10.1f}{each.second:>10.1f}"
        print(f"{each.engine:20}{seconds}{difference(each.rows, found[0].rows):>12.0e}")


def _on_a_cluster(folder: Path, logs: Path, memory: str) -> Measured:
    cluster = Cluster(logs, memory="2g")
    try:
        return measured("Spark 1+2 processes", folder, _spark(cluster.url, memory))
    finally:
        cluster.stop()


def _spark(url: str | None, memory: str) -> EngineSettings:
    return EngineSettings(kind="spark", url=url, memory=memory, wait_seconds=300)


if __name__ == "__main__":
    main()
