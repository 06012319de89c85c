"""Opening tables: types, what is missing, and what a user did wrong."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import BadInput
from domain.tables import CONTRACTS
from features.engine import ARROW, batches_of, connect, frame_of, open_tables, tables_of
from features.settings import EngineSettings

PEOPLE = pd.DataFrame({"customer_id": ["a", "b"], "onboarded_on": ["2026-01-01", "2026-01-02"]})
POSTED = pd.DataFrame(
    {
        "transaction_id": ["1", "2"],
        "customer_id": ["a", "a"],
        "posted_at": pd.to_datetime(["2026-01-03", "2026-01-04"]),
        "amount": [1.0, np.nan],
    }
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Contract tables on disk, every column there."""
    rows = {"customers": PEOPLE, "transactions": POSTED}
    for name, contract in CONTRACTS.items():
        table = tables_of(rows)._asdict()[name].to_pyarrow()
        schema = pa.schema([(column.name, ARROW[column.kind]) for column in contract])
        pq.write_table(table.cast(schema), tmp_path / f"{name}.parquet")
    return tmp_path


def test_tables_on_disk_equal_the_frames_they_came_from(folder: Path) -> None:
    opened, made = open_tables(folder), tables_of({"customers": PEOPLE, "transactions": POSTED})
    for name in CONTRACTS:
        found, expected = opened._asdict()[name], made._asdict()[name]
        assert found.columns == expected.columns == CONTRACTS[name].names
        pd.testing.assert_frame_equal(frame_of(found), frame_of(expected))


def test_not_a_number_is_no_value(folder: Path) -> None:
    # Arrow keeps NaN apart from null; a mean over it would be NaN
    rows = POSTED.assign(amount=[1.0, 2.0])
    table = tables_of({"customers": PEOPLE, "transactions": rows}).transactions.to_pyarrow()
    at = table.schema.get_field_index("balance_after")
    table = table.set_column(at, "balance_after", pa.array([float("nan"), 7.0]))
    pq.write_table(table, folder / "transactions.parquet")
    assert open_tables(folder).transactions.balance_after.mean().execute() == 7.0


def test_decimal_money_becomes_a_float(folder: Path) -> None:
    table = pq.read_table(folder / "transactions.parquet")
    at = table.schema.get_field_index("amount")
    exact = pa.array([1.25, 2.5]).cast(pa.decimal128(12, 2))
    pq.write_table(table.set_column(at, "amount", exact), folder / "transactions.parquet")
    assert str(open_tables(folder).transactions.amount.type()) == "float64"


def test_missing_tables_are_empty_and_missing_columns_null() -> None:
    tables = tables_of({"customers": PEOPLE})
    assert tables.holdings.count().execute() == 0
    assert tables.customers.occupation.notnull().sum().execute() == 0
    assert tables.timezone == "UTC"


def test_a_repeated_row_counts_once_and_a_repeated_key_is_refused() -> None:
    twice = pd.concat([POSTED, POSTED])
    tables = tables_of({"customers": PEOPLE, "transactions": twice})
    assert tables.transactions.count().execute() == 2
    changed = pd.concat([POSTED, POSTED.assign(amount=5.0)])
    with pytest.raises(BadInput, match="'transactions' repeats a transaction_id"):
        tables_of({"customers": PEOPLE, "transactions": changed})


def test_rows_come_in_batches() -> None:
    people = pd.DataFrame(
        {"customer_id": [f"{at}" for at in range(10)], "onboarded_on": "2026-01-01"}
    )
    batches = list(batches_of(tables_of({"customers": people}).customers, rows=4))
    assert sum(map(len, batches)) == 10


def test_a_missing_table_file_is_named(folder: Path) -> None:
    (folder / "closures.parquet").unlink()
    with pytest.raises(BadInput, match=r"closures.parquet' is missing; run `gridkeep check`"):
        open_tables(folder)


def test_a_missing_column_is_named(folder: Path) -> None:
    file = folder / "holdings.parquet"
    pq.write_table(pq.read_table(file).drop(["balance"]), file)
    with pytest.raises(BadInput, match=r"holdings.parquet' lacks the columns balance"):
        open_tables(folder)


def test_a_file_that_is_not_parquet_is_named(folder: Path) -> None:
    (folder / "customers.parquet").write_text("customer_id\na\n")
    with pytest.raises(BadInput, match=r"customers.parquet' cannot be read as Parquet"):
        open_tables(folder)


def test_frames_say_what_is_wrong_with_them() -> None:
    with pytest.raises(BadInput, match="unknown table 'clients'"):
        tables_of({"clients": PEOPLE})
    with pytest.raises(BadInput, match="'customers' lacks the columns onboarded_on"):
        tables_of({"customers": PEOPLE[["customer_id"]]})
    with pytest.raises(BadInput, match="'onboarded_on' holds what is not a time"):
        tables_of({"customers": PEOPLE.assign(onboarded_on="yesterday")})


def test_memory_that_is_no_size_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(BadInput, match="write memory like '8GB'"):
        connect(EngineSettings(memory="plenty"))
    assert not list(tmp_path.iterdir())


def test_the_engine_runs_in_utc_with_its_limits_and_cleans_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    engine = connect(EngineSettings(threads=1, memory="1GB"))
    names = ("TimeZone", "threads", "temp_directory", "enable_progress_bar")
    found = [engine.con.execute("SELECT current_setting(?)", [n]).fetchone()[0] for n in names]
    assert found[:2] == ["UTC", 1]
    assert Path(found[2]).parent == tmp_path
    assert found[3] is False
    engine.disconnect()
    del engine
    import gc

    gc.collect()
    assert not list(tmp_path.iterdir())


def test_dates_come_back_as_dates(folder: Path) -> None:
    assert frame_of(open_tables(folder).customers)["onboarded_on"].tolist() == [
        date(2026, 1, 1),
        date(2026, 1, 2),
    ]
