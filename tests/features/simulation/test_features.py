"""The simulated bank feeds every feature: many customers have a value, and not all the same."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from features.customer import customer_features
from features.engine import frame_of, open_tables
from features.history import data_days
from features.registry import FEATURES
from features.simulation.settings import TIMEZONE


@pytest.fixture(scope="module")
def rows(bank: Path) -> pd.DataFrame:
    tables = open_tables(bank, timezone=TIMEZONE)
    _, last = data_days(tables)
    return frame_of(customer_features(tables, date(last.year, last.month, 1)))


def test_the_nearest_outlet_is_as_far_as_the_simulation_has_it(
    rows: pd.DataFrame, bank: Path
) -> None:
    truth = pd.read_parquet(bank / "truth" / "customer_months.parquet")
    away = truth.groupby("customer_id")["distance_km"].first()
    found = rows.set_index("customer_id")["nearest_outlet_km"].dropna()
    assert len(found) > 1000
    # the simulation is flat, and its degree is 111.2 km everywhere
    assert ((found - away[found.index]).abs() <= 0.01 * away[found.index] + 0.001).all()


@pytest.mark.parametrize("name", FEATURES)
def test_the_simulated_bank_feeds_every_feature(rows: pd.DataFrame, name: str) -> None:
    values = rows[name].dropna()
    # the rarest: a complaint still open at the cut-off
    assert len(values) >= 5
    assert values.nunique() > 1
