"""Two real data sets go the whole road by the command line; counts by an independent query."""

import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from benchmarks.real_data import BANKS, Bank, run_road
from tests.command import gridkeep_in

pytestmark = pytest.mark.slow
BERKA, JOURNEY = BANKS


def road(bank: Bank, data: Path, blank: Path, tmp_path_factory) -> tuple[Path, dict]:
    home = tmp_path_factory.mktemp(bank.reader)
    shutil.copytree(blank / "mlruns", home / "mlruns")
    return home, run_road(bank, data, home, gridkeep_in)


@pytest.fixture(scope="module")
def berka(shared_data, blank, tmp_path_factory):
    return road(BERKA, shared_data, blank, tmp_path_factory)


@pytest.fixture(scope="module")
def journey(shared_data, blank, tmp_path_factory):
    return road(JOURNEY, shared_data, blank, tmp_path_factory)


def balance_fell(home: Path, cutoff: str, days: int, ratio: float) -> pd.DataFrame:
    """The attrition label in SQL: time-free means of the rows on both sides of the cut-off."""
    query = f"""
        SELECT customer_id,
            avg(balance_after) FILTER (local_day < DATE '{cutoff}') AS before,
            avg(balance_after) FILTER (local_day >= DATE '{cutoff}') AS after
        FROM (SELECT *, CAST(posted_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Prague' AS DATE)
                  AS local_day
              FROM '{home}/tables/transactions/*.parquet')
        WHERE local_day >= DATE '{cutoff}' - {days} AND local_day < DATE '{cutoff}' + {days}
        GROUP BY customer_id HAVING before > 0 AND after IS NOT NULL"""
    rows = duckdb.sql(query).df()
    return rows.assign(churned=(rows.after < ratio * rows.before).astype(int))


def test_berka_districts_are_cells(berka, shared_data):
    home, found = berka
    grid = pd.read_parquet(next(home.glob("grids/grid-*/assignment.parquet")))
    accounts = pd.read_csv(shared_data / "berka" / "account.asc", sep=";")
    assert len(grid) == len(accounts)
    assert sorted(grid.cell_id.value_counts()) == sorted(accounts.district_id.value_counts())
    cells = found["partition"]["report"]
    assert cells["by_kind"]["district"]["cells"] == 77


def test_berka_every_district_has_its_outline(berka):
    import json

    home, _ = berka
    collection = json.loads(next(home.glob("grids/grid-*/cells.geojson")).read_text())
    bare = [f["properties"]["cell_id"] for f in collection["features"] if not f["geometry"]]
    assert bare == []


def test_berka_the_label_agrees_with_sql(berka):
    from features.labels import churn_labels
    from gridkeep.config import load_config
    from gridkeep.workspace import clean_tables

    home, _ = berka
    config = load_config(home / "gridkeep.toml")
    tables = clean_tables(config, lambda step, done: None)
    day = config.retention.evaluate_as_of[0]
    ours = churn_labels(tables, day, config.label).to_pandas()
    sql = balance_fell(home, day.isoformat(), 90, config.label.balance_ratio)
    both = ours.merge(sql, on="customer_id", suffixes=("", "_sql"))
    assert len(both) > 900
    assert (both.churned == both.churned_sql).all()


def test_berka_is_scored_and_better_than_the_rule(berka):
    home, found = berka
    scores = pd.read_parquet(home / "scores.parquet")
    assert len(scores) == found["score"]["summary"]["customers"] == 1229
    report = found["retention"]["report"]
    assert report["evaluated_as_of"] == ["1993-12-31"]
    assert report["metrics"]["auc"]["low"] > report["baselines"]["recency rule"]["auc"]["high"]
    assert (home / "reports" / "1994-04-01" / "index.html").exists()


def test_journey_keeps_every_transaction_and_household(journey, shared_data):
    home, _ = journey
    source = str(shared_data / "complete_journey" / "transactions.parquet")
    rows, households, spent = duckdb.sql(
        f"SELECT count(*), count(DISTINCT household_id), sum(sales_value) FROM '{source}'"
    ).fetchall()[0]
    ours = duckdb.sql(
        "SELECT count(*), count(DISTINCT customer_id), -sum(amount) "
        f"FROM '{home}/tables/transactions/*.parquet'"
    ).fetchall()[0]
    assert ours[:2] == (rows, households)
    assert ours[2] == pytest.approx(spent, rel=1e-9)


def test_journey_home_stores_are_cells_and_the_model_beats_the_rule(journey):
    home, found = journey
    assert set(found["partition"]["report"]["by_kind"]) == {"outlet"}
    report = found["retention"]["report"]
    differences = report["differences"]["recency rule"]
    assert differences["auc"]["low"] > 0
    scores = pd.read_parquet(home / "scores.parquet")
    assert scores.churn_probability.between(0, 1).all()
    assert scores.value_at_risk.notna().all()
    assert (home / "reports" / "2018-01-01" / "index.html").exists()


def test_the_page_shows_the_road_of_these_data_sets(repository):
    page = (repository / "docs" / "real-data.md").read_text(encoding="utf-8")
    for bank in BANKS:
        assert bank.title in page
        assert bank.as_of in page
