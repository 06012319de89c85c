"""Small simulated banks, written once for all tests of this folder."""

from pathlib import Path

import duckdb
import pytest

from features.simulation import simulate

CUSTOMERS, MONTHS, SEED = 5_000, 12, 7


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bank of three blocks."""
    out = tmp_path_factory.mktemp("bank")
    simulate(out, CUSTOMERS, MONTHS, SEED)
    return out


@pytest.fixture
def sql(bank: Path) -> duckdb.DuckDBPyConnection:
    """An engine that knows every file of the bank as a view, named by its file."""
    engine = duckdb.connect()
    for file in sorted(bank.rglob("*.parquet")):
        engine.execute(f"create view {file.stem} as select * from '{file}'")
    return engine
