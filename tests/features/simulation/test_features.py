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


@pytest.mark.parametrize("name", FEATURES)
def test_the_simulated_bank_feeds_every_feature(rows: pd.DataFrame, name: str) -> None:
    values = rows[name].dropna()
    # the rarest: a complaint still open at the cut-off
    assert len(values) >= 5
    assert values.nunique() > 1
