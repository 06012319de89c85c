"""Tables of a database: a real SQLite file and a real PostgreSQL server."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from ibis.backends.sql.compilers import DuckDBCompiler
from ibis.common.exceptions import UnsupportedOperationError

from domain.errors import BadInput
from domain.layout import Layout
from features.intake import is_current, take_in
from features.readers import database, tables
from features.settings import SourceSettings
from tests.features.conftest import PASSWORD

COLUMNS = {
    "transaction_id": "id",
    "customer_id": "account",
    "posted_at": "booked",
    "amount": "value",
}


def source(url: str, prefix: str = "", **more: object) -> SourceSettings:
    given: dict[str, object] = {
        "database": url,
        "customers": {"table": f"{prefix}people"},
        "transactions": {"table": f"{prefix}ledger", "columns": COLUMNS},
    }
    return SourceSettings.model_validate(given | more)


@pytest.fixture
def sqlite_bank(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "bank.db") as bank:
        bank.execute("CREATE TABLE people (customer_id INTEGER, onboarded_on DATE, latitude REAL)")
        bank.execute("CREATE TABLE ledger (id TEXT, account INTEGER, booked TIMESTAMP, value REAL)")
        bank.execute("INSERT INTO people VALUES (1, '2020-01-01', 31.5), (2, '2020-02-29', NULL)")
        bank.execute(
            "INSERT INTO ledger VALUES ('a', 1, '2026-01-05 10:00:00', 0.30000000000000004),"
            "('b', 2, '2026-01-06', -3), ('c', 1, '2026-01-07', 'twelve'), ('d', 1, 'soon', 1)"
        )
    bank.close()
    return tmp_path


def test_sqlite_rows_come_through_and_a_text_among_numbers_is_judged_at_the_door(
    sqlite_bank: Path,
) -> None:
    layout = Layout(sqlite_bank / "out")
    settings = source("sqlite://bank.db", rejected_share_max=1)
    report = take_in(settings, sqlite_bank, layout, "Asia/Shanghai").require_sound()
    clean = pd.read_parquet(layout.tables / "transactions")
    assert clean["amount"].tolist() == [0.30000000000000004, -3.0]
    assert clean["customer_id"].tolist() == ["1", "2"]
    assert clean["posted_at"].astype(str).tolist() == ["2026-01-05 02:00:00", "2026-01-05 16:00:00"]
    assert "column 'value' (amount) of table ledger" in report.quality.findings[1]
    assert report.quality.table("transactions").rejected == 2
    assert pd.read_parquet(layout.tables / "customers.parquet")["latitude"].isna().sum() == 1


def test_new_rows_in_a_database_are_noticed(sqlite_bank: Path) -> None:
    layout = Layout(sqlite_bank / "out")
    settings = source("sqlite://bank.db", rejected_share_max=1)
    take_in(settings, sqlite_bank, layout).require_sound()
    assert is_current(settings, sqlite_bank, layout)
    with sqlite3.connect(sqlite_bank / "bank.db") as bank:
        bank.execute("INSERT INTO ledger VALUES ('e', 1, '2026-01-05', 1)")
    bank.close()
    assert not is_current(settings, sqlite_bank, layout)


def test_a_correction_in_place_is_noticed(sqlite_bank: Path) -> None:
    layout = Layout(sqlite_bank / "out")
    settings = source("sqlite://bank.db", rejected_share_max=1)
    take_in(settings, sqlite_bank, layout).require_sound()
    with sqlite3.connect(sqlite_bank / "bank.db") as bank:
        bank.execute("UPDATE ledger SET account = 2 WHERE id = 'a'")
    bank.close()
    assert not is_current(settings, sqlite_bank, layout)
    take_in(settings, sqlite_bank, layout).require_sound()
    assert is_current(settings, sqlite_bank, layout)


def test_a_correction_that_waits_in_the_write_ahead_log_is_noticed(sqlite_bank: Path) -> None:
    layout = Layout(sqlite_bank / "out")
    settings = source("sqlite://bank.db", rejected_share_max=1)
    bank = sqlite3.connect(sqlite_bank / "bank.db", isolation_level=None)
    try:
        bank.execute("PRAGMA journal_mode = WAL")
        take_in(settings, sqlite_bank, layout).require_sound()
        assert is_current(settings, sqlite_bank, layout)
        bank.execute("UPDATE ledger SET account = 2 WHERE id = 'a'")
        assert not is_current(settings, sqlite_bank, layout)
    finally:
        bank.close()


def test_duckdb_rows_come_through(duck: Callable[[str], None], tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    take_in(source("duckdb://bank.duckdb"), tmp_path, layout).require_sound()
    clean = pd.read_parquet(layout.tables / "transactions")
    assert clean["transaction_id"].tolist() == ["a", "b"]
    assert clean["amount"].tolist() == [1.0, 2.0]
    duck("CREATE SCHEMA core; CREATE TABLE core.people AS FROM people; DROP TABLE people")
    with pytest.raises(BadInput, match=r"no table 'people' \(it has ledger\)"):
        take_in(source("duckdb://bank.duckdb"), tmp_path, layout).require_sound()
    schema = source("duckdb://bank.duckdb", customers={"table": "core.people"})
    assert [len(one.frame) for one in tables.read(schema, tmp_path, "UTC")] == [2, 2]


CORRECTIONS = [
    "UPDATE ledger SET value = value + 1 WHERE id = 'b'",
    "UPDATE ledger SET value = CASE id WHEN 'a' THEN 2 ELSE 1 END",  # the sum stays
    "UPDATE ledger SET account = 3 - account",
    "UPDATE ledger SET booked = booked - INTERVAL 1 DAY WHERE id = 'a'",
    "UPDATE people SET sex = ''",  # an empty text is no null
    "DELETE FROM ledger WHERE id = 'a'",
]


@pytest.fixture
def duck(tmp_path: Path) -> Callable[[str], None]:
    def run(statements: str) -> None:
        with duckdb.connect(str(tmp_path / "bank.duckdb")) as bank:
            bank.execute(statements)

    run(
        "CREATE TABLE people AS SELECT n AS customer_id, DATE '2020-01-01' AS onboarded_on, "
        "NULL::VARCHAR AS sex FROM range(1, 3) t(n);"
        "CREATE TABLE ledger AS SELECT * FROM (VALUES "
        "('a', 1, TIMESTAMP '2026-01-05', 1.0), ('b', 2, TIMESTAMP '2026-01-06', 2.0)) "
        "t(id, account, booked, value)"
    )
    return run


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_any_correction_of_a_database_with_a_hash_is_noticed(
    duck: Callable[[str], None], tmp_path: Path, correction: str
) -> None:
    settings = source("duckdb://bank.duckdb")
    before = tables.marks(settings, tmp_path)
    assert tables.marks(settings, tmp_path) == before
    duck(correction)
    assert tables.marks(settings, tmp_path) != before


def test_a_database_without_a_hash_shows_changed_numbers_and_values_that_came_or_went(
    duck: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise UnsupportedOperationError("no hash here")

    monkeypatch.setattr(DuckDBCompiler, "visit_Hash", none)
    settings = source("duckdb://bank.duckdb")
    seen = [tables.marks(settings, tmp_path)]
    assert seen[0]["table ledger"] == "2 2 2 2 2 3 3"
    for correction in (CORRECTIONS[0], CORRECTIONS[4], CORRECTIONS[5]):
        duck(correction)
        seen.append(tables.marks(settings, tmp_path))
        assert seen[-1] != seen[-2]


def test_sqlite_is_read_in_batches(sqlite_bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BATCH_ROWS", 3)
    found = list(tables.read(source("sqlite://bank.db"), sqlite_bank, "UTC"))
    assert [(one.file, one.first_row, len(one.frame)) for one in found] == [
        ("table people", 1, 2),
        ("table ledger", 1, 3),
        ("table ledger", 4, 1),
    ]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite://other.db", "there is no file"),
        ("bank.db", "is no URL"),
        ("env:GRIDKEEP_TEST_BANK", "GRIDKEEP_TEST_BANK, which is not set"),
        (f"postgres://me:{PASSWORD}@localhost/bank", "holds a password"),
        ("nosuch://bank", "sources.database"),
    ],
)
def test_a_database_that_cannot_be_opened_is_named_without_its_password(
    sqlite_bank: Path, url: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRIDKEEP_TEST_BANK", raising=False)
    with pytest.raises(BadInput, match=words) as caught:
        list(tables.read(source(url), sqlite_bank, "UTC"))
    assert PASSWORD not in str(caught.value)
    assert not (sqlite_bank / "other.db").exists()


@pytest.mark.parametrize("password", ["hunter", "hunter#2", "hunter/2", "2?hunter"])
def test_a_password_that_confuses_the_parser_is_not_shown_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("GRIDKEEP_TEST_BANK", f"postgres://me:{password}@127.0.0.1:nowhere/bank")
    with pytest.raises(BadInput, match=r"sources\.database: ") as caught:
        list(tables.read(source("env:GRIDKEEP_TEST_BANK"), tmp_path, "UTC"))
    assert "hunter" not in str(caught.value)


def test_a_missing_table_or_column_is_named_with_those_there_are(sqlite_bank: Path) -> None:
    wrong = source("sqlite://bank.db", transactions={"table": "leger"})
    with pytest.raises(BadInput, match=r"no table 'leger' \(it has ledger, people\)"):
        list(tables.read(wrong, sqlite_bank, "UTC"))
    wrong = source("sqlite://bank.db", transactions={"table": "ledger"})
    with pytest.raises(BadInput, match="table ledger has no column 'transaction_id'"):
        list(tables.read(wrong, sqlite_bank, "UTC"))


@pytest.fixture
def ledger(postgres: int, monkeypatch: pytest.MonkeyPatch) -> str:
    import psycopg

    where = {"host": "127.0.0.1", "port": postgres, "user": "teller", "password": PASSWORD}
    with psycopg.connect(dbname="postgres", **where) as bank:  # type: ignore[arg-type]
        bank.execute("ALTER DATABASE postgres SET timezone = 'Asia/Shanghai'")
        bank.execute("DROP SCHEMA IF EXISTS core CASCADE")
        bank.execute("CREATE SCHEMA core")
        bank.execute(
            "CREATE TABLE core.people (customer_id bigint, onboarded_on date, sex char(1))"
        )
        bank.execute(
            "CREATE TABLE core.ledger (id uuid, account bigint, booked timestamptz, value numeric)"
        )
        bank.execute(
            "INSERT INTO core.people VALUES (1, '2020-01-01', 'F'), (2, '2021-01-01', NULL)"
        )
        bank.execute(
            "INSERT INTO core.ledger SELECT gen_random_uuid(), 1 + n % 2, "
            "timestamptz '2026-01-05 10:00+08' + n * interval '1 minute', n / 7.0 - 50 "
            "FROM generate_series(1, 1000) n"
        )
        bank.execute("INSERT INTO core.ledger VALUES (gen_random_uuid(), 1, now(), 'NaN')")
    monkeypatch.setenv(
        "GRIDKEEP_TEST_BANK", f"postgres://teller:s3cr%3At@127.0.0.1:{postgres}/postgres"
    )
    return "env:GRIDKEEP_TEST_BANK"


def test_postgresql_rows_come_through_as_the_server_adds_them_up(
    ledger: str, postgres: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setattr(database, "BATCH_ROWS", 300)
    layout = Layout(tmp_path / "out")
    settings = source(ledger, "core.", rejected_share_max=0.5)
    report = take_in(settings, tmp_path, layout, "Asia/Shanghai").require_sound()
    clean = pd.read_parquet(layout.tables / "transactions")
    where = {"host": "127.0.0.1", "port": postgres, "user": "teller", "password": PASSWORD}
    with psycopg.connect(dbname="postgres", **where) as bank:  # type: ignore[arg-type]
        count, total, first = bank.execute(  # type: ignore[misc]
            "SELECT count(*), sum(value)::float8, min(booked AT TIME ZONE 'UTC') "
            "FROM core.ledger WHERE value <> 'NaN'"
        ).fetchone()
    assert len(clean) == count == 1000
    assert clean["amount"].sum() == pytest.approx(total, abs=1e-9)
    assert clean["posted_at"].min() == first
    assert clean["transaction_id"].str.len().eq(36).all()
    assert report.quality.table("transactions").rejected == 1
    assert is_current(settings, tmp_path, layout)
    with psycopg.connect(dbname="postgres", **where) as bank:  # type: ignore[arg-type]
        bank.execute("UPDATE core.ledger SET account = 3 - account WHERE value = 1 / 7.0 - 50")
    assert not is_current(settings, tmp_path, layout)


def test_a_refused_login_does_not_show_the_password(
    ledger: str, postgres: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = f"postgres://teller:wr0ng-word@127.0.0.1:{postgres}/postgres"
    monkeypatch.setenv("GRIDKEEP_TEST_BANK", wrong)
    with pytest.raises(BadInput, match=r"sources\.database: .*authentication failed") as caught:
        list(tables.read(source(ledger), tmp_path, "UTC"))
    assert "wr0ng-word" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_schema_without_the_table_is_named(ledger: str, tmp_path: Path) -> None:
    wrong = source(ledger, "core.", transactions={"table": "core.leger"})
    with pytest.raises(BadInput, match=r"no table 'core\.leger' \(it has ledger, people\)"):
        list(tables.read(wrong, tmp_path, "UTC"))
