"""Features computed where the tables are: a real PostgreSQL against DuckDB, on a hostile bank."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

from domain.cutoffs import cutoff_instant
from domain.errors import BadInput
from domain.tables import CONTRACTS
from features.customer import customer_features
from features.dialect import last_row, of_last
from features.engine import Tables, batches_of, frame_of, tables_in, tables_of
from features.history import require_history
from features.registry import FEATURES
from tests.features.conftest import PASSWORD
from tests.features.places import random_homes, random_outlets

# Havana's clocks change at midnight: a day of 2024 has none, another one has two
ZONE = "America/Havana"
LEAP = date(2024, 2, 29)
SEVERAL = [LEAP, date(2024, 3, 10), date(2024, 3, 11), date(2024, 11, 3), date(2024, 11, 4)]
TWINS = ["B", "a", "ä", "Z", "a-1", "a 1", "a\\1", "a'1"]  # bytes end with ä, languages with Z
POSTGRES = {
    "string": "text",
    "float": "float8",
    "timestamp": "timestamptz",
    "date": "date",
    "boolean": "boolean",
}


def hostile_bank() -> dict[str, pd.DataFrame]:
    """Forty customers: ties, nulls, late rows, edges to the microsecond, and who has nothing."""
    draw = np.random.default_rng(11)
    ids = np.array([f"C{at:02d}" for at in range(40)])
    posted = moments(draw, 2500)
    rows = len(posted)
    late = posted + draw.integers(0, 100 * 86_400_000_000, rows).astype("timedelta64[us]")
    late[draw.random(rows) < 0.6] = np.datetime64("NaT")
    late[:20] = np.array([cutoff_instant(day, ZONE) for day in SEVERAL * 4], "datetime64[us]")
    transactions = pd.DataFrame(
        {
            "transaction_id": draw.permutation([f"T{at:05d}" for at in range(rows)]),
            "customer_id": ids[(draw.random(rows) ** 2 * 34).astype(int)],
            "posted_at": posted,
            "amount": np.where(draw.random(rows) < 0.03, np.nan, draw.normal(3, 400, rows)),
            "balance_after": np.where(draw.random(rows) < 0.2, np.nan, draw.normal(1e6, 1, rows)),
            "channel": draw.choice(["atm", "web", "counter", "ATM", "", None], rows),
            "category": draw.choice(
                ["salary", "pension", "rent", "fee", "other_bank", "cash_out", None], rows
            ),
            "counterparty_id": draw.choice([*map(str, range(40)), None], rows),
            "initiated_by_customer": draw.choice([True, False, None], rows),
            "available_at": late,
        }
    )
    customers = pd.DataFrame({"customer_id": ids, "onboarded_on": date(2022, 2, 28)})
    customers.loc[:4, "onboarded_on"] = [LEAP - timedelta(days=at - 2) for at in range(5)]
    customers["birth_date"] = draw.choice([date(1984, 2, 29), date(1950, 12, 31), None], 40)
    customers["occupation"] = draw.choice(["clerk", "läkare", None], 40)
    outlets = random_outlets(draw, SEVERAL)
    customers = customers.assign(**random_homes(draw, 40, outlets["outlet_id"]))
    left = pd.DataFrame({"customer_id": ids[5:9], "closed_on": [*SEVERAL[:3], date(2024, 6, 1)]})
    return {
        "customers": customers,
        "transactions": pd.concat([transactions, *special_rows()], ignore_index=True),
        "holdings": products(draw, ids),
        "service_events": events(draw, ids),
        "closures": left,
        "outlets": outlets,
    }


def moments(draw: np.random.Generator, rows: int) -> np.ndarray:
    """Times to the microsecond over three years, and both sides of every edge that matters."""
    free = np.datetime64("2022-01-01", "us") + draw.integers(0, 95e12, rows).astype(
        "timedelta64[us]"
    )
    days = [day - timedelta(days=ago) for day in SEVERAL for ago in (0, 30, 90, 180, 365)]
    edges = np.array([cutoff_instant(day, ZONE) for day in days], "datetime64[us]")
    near = np.concatenate([edges + np.timedelta64(shift, "us") for shift in (-1, 0, 1)])
    return np.concatenate([free, *[near] * 4, np.repeat(free[:100], 2)])


def special_rows() -> list[pd.DataFrame]:
    """Customers whose last rows are twins, lie before all windows, or are the bank's own."""
    twins = {"transaction_id": TWINS, "customer_id": "C35", "posted_at": datetime(2024, 2, 1, 12)}
    older = {"transaction_id": [f"o{one}" for one in TWINS], "customer_id": "C36"}
    older["posted_at"] = datetime(2022, 6, 1, 12, 0, 0, 500_000)
    banks = {"transaction_id": ["x1", "x2"], "customer_id": "C37", "initiated_by_customer": False}
    banks["posted_at"] = [datetime(2024, 1, 1, 10), datetime(2024, 1, 1, 10, 0, 0, 1)]
    frames = [pd.DataFrame(one).assign(amount=-1.5) for one in (twins, older, banks)]
    return [frame.assign(balance_after=np.arange(len(frame)) / 3.0) for frame in frames]


def products(draw: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    opened = np.datetime64("2022-06-01") + draw.integers(0, 900, 60)
    closed = opened + draw.integers(0, 500, 60)
    closed[draw.random(60) < 0.5] = np.datetime64("NaT")
    names = draw.choice(["Gold CARD", "home loan", "deposit"], 60)
    held = {"customer_id": draw.choice(ids[:30], 60), "product": names, "opened_on": opened}
    return pd.DataFrame(held | {"closed_on": closed}).drop_duplicates(list(held))


def events(draw: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    occurred = moments(draw, 60)[:360]
    return pd.DataFrame(
        {
            "event_id": [f"E{at}" for at in range(360)],
            "customer_id": draw.choice(ids[:30], 360),
            "occurred_at": occurred,
            "kind": draw.choice(["contact", "complaint", "survey"], 360),
            "resolved_at": np.where(
                draw.random(360) < 0.5, occurred + np.timedelta64(9, "D"), np.datetime64("NaT")
            ),
            "satisfaction": np.where(draw.random(360) < 0.5, np.nan, draw.integers(1, 6, 360)),
        }
    )


@pytest.fixture(scope="module")
def embedded() -> Tables:
    return tables_of(hostile_bank(), ZONE)


@pytest.fixture(scope="module")
def expected(embedded: Tables) -> pd.DataFrame:
    """The features that DuckDB finds at all the cut-offs, asked together."""
    return frame_of(customer_features(embedded, SEVERAL))


@pytest.fixture(scope="module")
def url(postgres: int, embedded: Tables) -> str:
    """A warehouse that sorts, writes dates and tells the time as a bank elsewhere might."""
    import psycopg

    where = f"host=127.0.0.1 port={postgres} user=teller password={PASSWORD}"
    with psycopg.connect(f"{where} dbname=postgres", autocommit=True) as server:
        if server.info.server_version < 150_000:
            pytest.skip("PostgreSQL is older than 15: no database that sorts by ICU")
        server.execute(
            "CREATE DATABASE bank TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        )
        server.execute("ALTER DATABASE bank SET timezone = 'Asia/Shanghai'")
        server.execute("ALTER DATABASE bank SET datestyle = 'German, DMY'")
    with psycopg.connect(f"{where} dbname=bank") as bank:
        bank.execute("SET timezone = 'UTC'")
        bank.execute("CREATE SCHEMA core")
        bank.execute("CREATE SCHEMA gridkeep")
        for name in CONTRACTS:
            fill(bank, name, getattr(embedded, name).to_pyarrow().to_pylist())
    return f"postgres://teller:s3cr%3At@127.0.0.1:{postgres}/bank"


def fill(bank: Any, name: str, rows: list[dict[str, Any]]) -> None:
    """The bank's own table, whose times have a zone and numbers a NaN, and the view of it."""
    columns = [(column.name, POSTGRES[column.kind]) for column in CONTRACTS[name]]
    bank.execute(f"CREATE TABLE core.{name} ({', '.join(map(' '.join, columns))})")
    with bank.cursor().copy(f"COPY core.{name} FROM STDIN") as copy:
        for at, row in enumerate(rows):
            empty = float("nan") if at % 2 else None
            copy.write_row(
                [empty if row[c] is None and kind == "float8" else row[c] for c, kind in columns]
            )
    bank.execute(f"CREATE VIEW gridkeep.{name} AS SELECT * FROM core.{name}")


@pytest.fixture
def warehouse(url: str) -> Iterator[Any]:
    connection = ibis.connect(url)
    yield connection
    connection.disconnect()


@pytest.mark.parametrize("days", [[LEAP], [SEVERAL[3]], SEVERAL], ids=["leap", "clocks", "several"])
def test_every_feature_in_postgresql_equals_the_one_of_duckdb(
    warehouse: Any, expected: pd.DataFrame, days: list[date]
) -> None:
    tables = tables_in(warehouse, timezone=ZONE, schema="gridkeep")
    found = frame_of(customer_features(tables, days))
    assert_equal(found, expected[expected["as_of"].isin(days)])
    assert list(found.columns) == ["customer_id", "as_of", *FEATURES]


def test_some_customers_alone_and_in_batches(warehouse: Any, expected: pd.DataFrame) -> None:
    tables = tables_in(warehouse, timezone=ZONE, schema="gridkeep")
    some = ["C00", "C35", "C36", "nobody"]
    batches = list(batches_of(customer_features(tables, SEVERAL, some), rows=4))
    assert {len(batch) for batch in batches[:-1]} == {4}
    found = pd.concat([batch.to_pandas() for batch in batches])
    assert_equal(found, expected[expected["customer_id"].isin(some)])


def test_the_example_of_the_manual_runs(
    url: str, repository: Path, embedded: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (repository / "docs" / "scale.md").read_text("utf-8")
    section = page.partition("## Features in the bank's own warehouse")[2]
    example = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]
    monkeypatch.setenv("BANK_WAREHOUSE", url)
    said: dict[str, Any] = {}
    exec(example, said)
    said["warehouse"].disconnect()
    expected = customer_features(embedded._replace(timezone="Asia/Shanghai"), said["day"])
    assert_equal(said["rows"], frame_of(expected))


def test_a_warehouse_knows_whether_its_history_reaches_a_cutoff(warehouse: Any) -> None:
    tables = tables_in(warehouse, timezone=ZONE, schema="gridkeep")
    require_history(tables, SEVERAL)
    with pytest.raises(BadInput, match="is before all data"):
        require_history(tables, date(2020, 1, 1))


def test_a_missing_view_is_told_with_the_columns_that_it_must_have(warehouse: Any) -> None:
    with pytest.raises(BadInput, match=r"no table 'customers' .* create a view .* customer_id, "):
        tables_in(warehouse, schema="core2")
    warehouse.raw_sql("CREATE SCHEMA partly").close()
    for name in ("customers", "transactions", "service_events"):
        warehouse.raw_sql(f"CREATE VIEW partly.{name} AS SELECT * FROM core.{name}").close()
    columns = "customer_id, product, opened_on, closed_on, balance"
    with pytest.raises(BadInput, match=rf"no table 'holdings' .* the columns {columns}, without"):
        tables_in(warehouse, schema="partly")


def test_a_warehouse_without_outlets_has_no_distances(
    warehouse: Any, expected: pd.DataFrame
) -> None:
    warehouse.raw_sql("CREATE SCHEMA without_outlets").close()
    for name in set(CONTRACTS) - {"outlets"}:
        view = f"CREATE VIEW without_outlets.{name} AS SELECT * FROM core.{name}"
        warehouse.raw_sql(view).close()
    tables = tables_in(warehouse, timezone=ZONE, schema="without_outlets")
    found = frame_of(customer_features(tables, LEAP))
    there = expected[expected["as_of"] == LEAP]
    assert_equal(found, there.assign(home_outlet_km=np.nan, nearest_outlet_km=np.nan))


def test_a_missing_column_is_named() -> None:
    engine = ibis.duckdb.connect()
    for name, contract in CONTRACTS.items():
        columns = ", ".join(f"NULL AS {c.name}" for c in contract if c.name != "income_band")
        engine.raw_sql(f"CREATE VIEW {name} AS SELECT {columns}")
    with pytest.raises(BadInput, match="table 'customers' lacks the columns income_band; add"):
        tables_in(engine)


def test_times_with_a_zone_mean_the_same_in_a_duckdb_of_any_zone(
    embedded: Tables, expected: pd.DataFrame
) -> None:
    engine = ibis.duckdb.connect()
    engine.raw_sql("SET TimeZone = 'UTC'")
    for name, contract in CONTRACTS.items():
        engine.con.from_arrow(getattr(embedded, name).to_pyarrow()).create(f"core_{name}")
        times = [f"{c.name}::TIMESTAMPTZ AS {c.name}" for c in contract if c.kind == "timestamp"]
        replaced = f"REPLACE ({', '.join(times)})" if times else ""
        engine.raw_sql(f"CREATE TABLE {name} AS SELECT * {replaced} FROM core_{name}")
    engine.raw_sql("SET TimeZone = 'Asia/Shanghai'")
    days = [SEVERAL[0], SEVERAL[3]]
    found = frame_of(customer_features(tables_in(engine, timezone=ZONE), days))
    assert_equal(found, expected[expected["as_of"].isin(days)])


def test_the_last_row_in_postgresql_is_the_last_by_time_and_then_by_the_bytes_of_its_id(
    warehouse: Any,
) -> None:
    rows = tables_in(warehouse, schema="gridkeep").transactions
    kept = (("posted_at", "transaction_id"), ("balance_after",))
    found = rows.group_by("customer_id").aggregate(last=last_row(rows, *kept))
    found = found.select(
        "customer_id", id=of_last(found["last"], *kept, "transaction_id", "string")
    )
    last = frame_of(found).set_index("customer_id")["id"]
    ordered = frame_of(rows).sort_values(
        ["posted_at", "transaction_id"], key=lambda c: c.map(str.encode) if c.name[0] == "t" else c
    )
    assert last.to_dict() == ordered.groupby("customer_id")["transaction_id"].last().to_dict()
    assert last["C35"] == "ä"


def test_the_hostile_bank_is_worth_asking(expected: pd.DataFrame) -> None:
    rows = expected
    assert (rows["transactions_365d"] == 0).any()
    assert rows["recency_days"].isna().any()
    assert (rows["recency_days"] > 400).any()
    assert rows["balance_last"].isna().any()
    assert rows["own_recency_days"].isna().sum() > rows["recency_days"].isna().sum()
    assert (rows["recency_days"] * 86_400_000_000).round().eq(1).any()  # a microsecond ago
    constant = [name for name in FEATURES if rows[name].nunique() < 2]
    assert len(constant) <= len(FEATURES) // 10, constant


def assert_equal(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    keys = ["as_of", "customer_id"]
    pd.testing.assert_frame_equal(
        found.sort_values(keys, ignore_index=True),
        expected.sort_values(keys, ignore_index=True),
        rtol=1e-9,
        atol=1e-9,
    )
