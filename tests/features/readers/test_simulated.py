"""The simulated bank's files come through as they are."""

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from features.intake import is_current, take_in
from features.readers import READERS, reader, simulated
from features.settings import SourceSettings
from features.simulation import simulate

SETTINGS = SourceSettings(reader="simulated")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    people = pd.DataFrame({"customer_id": ["C1"], "onboarded_on": [pd.Timestamp("2020-01-31")]})
    people.to_parquet(tmp_path / "customers.parquet")
    rows = pd.DataFrame(
        {
            "transaction_id": ["T1"],
            "customer_id": ["C1"],
            "posted_at": [pd.Timestamp("2026-01-05 10:00:00.123456")],
            "amount": [1.5],
            "available_at": [pd.NaT],
            "note": ["not of the contract"],
        }
    )
    rows.to_parquet(tmp_path / "transactions.parquet")
    return tmp_path


def test_times_are_utc_whatever_the_banks_time_zone(folder: Path) -> None:
    layout = Layout(folder / "out")
    take_in(SETTINGS, folder, layout, "Asia/Shanghai").require_sound()
    clean = pd.read_parquet(layout.tables / "transactions")
    assert str(clean["posted_at"][0]) == "2026-01-05 10:00:00.123456"
    people = pd.read_parquet(layout.tables / "customers.parquet")
    assert str(people["onboarded_on"][0]) == "2020-01-31"
    assert is_current(SETTINGS, folder, layout, "Asia/Shanghai")


def test_a_simulation_that_runs_past_today_is_taken_in_whole(tmp_path: Path) -> None:
    simulate(tmp_path / "bank", customers=150, months=3, seed=1, start=date(2090, 1, 1))
    settings = tomllib.loads((tmp_path / "bank" / "gridkeep.toml").read_text("utf-8"))
    assert settings["sources"]["data_until"] == "2090-03-31"
    sources = SourceSettings.model_validate(settings["sources"])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    zone = settings["bank"]["timezone"]
    report = take_in(sources, tmp_path / "bank", Layout(tmp_path / "out"), zone, now=now)
    assert not any(table.rejected for table in report.require_sound().quality.tables)


def test_the_clean_tables_read_as_a_simulated_bank_are_themselves(folder: Path) -> None:
    first, second = Layout(folder / "out"), Layout(folder / "again")
    one = take_in(SETTINGS, folder, first).require_sound().record
    two = take_in(SETTINGS, first.tables, second).require_sound().record
    assert one is not None
    assert two is not None
    assert one.data_hashes == two.data_hashes


def test_a_missing_required_table_or_column_is_named(folder: Path) -> None:
    pd.DataFrame({"customer_id": ["C1"]}).to_parquet(folder / "customers.parquet")
    with pytest.raises(BadInput, match=r"customers\.parquet has no column 'onboarded_on'"):
        list(simulated.read(SETTINGS, folder, "UTC"))
    (folder / "transactions.parquet").unlink()
    with pytest.raises(BadInput, match=r"has no transactions\.parquet"):
        list(simulated.read(SETTINGS, folder, "UTC"))


def test_every_reader_is_a_module_that_reads_marks_and_says_where_it_looks() -> None:
    for name in READERS:
        assert callable(reader(name).read)
        assert callable(reader(name).marks)
        assert callable(reader(name).places)
