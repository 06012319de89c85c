"""The SQL that explains a feature gives what the feature query gives."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.customer import customer_features
from features.engine import Tables, frame_of, tables_of
from features.feature import Feature
from features.one_cutoff import sql_of
from features.registry import FEATURES
from tests.features.test_definitions_against_sql import random_bank

EVERY = pytest.mark.parametrize("known", FEATURES.values(), ids=FEATURES)
DAY, ZONE = date(2024, 3, 31), "Europe/Prague"


@pytest.fixture(scope="module")
def tables() -> Tables:
    return tables_of(random_bank(seed=9), ZONE)


@pytest.fixture(scope="module")
def expected(tables: Tables) -> pd.DataFrame:
    found = frame_of(customer_features(tables, DAY))
    return found.sort_values("customer_id", ignore_index=True)


@EVERY
def test_the_explaining_sql_gives_the_feature(
    known: Feature, tables: Tables, expected: pd.DataFrame
) -> None:
    found = tables.connection.con.sql(sql_of(known.name, DAY, ZONE)).to_arrow_table().to_pandas()
    assert list(found.columns) == ["customer_id", known.name]
    assert found["customer_id"].tolist() == expected["customer_id"].tolist()
    if known.kind == "category":
        assert found[known.name].tolist() == expected[known.name].tolist()
    else:
        np.testing.assert_allclose(found[known.name], expected[known.name], rtol=1e-9, atol=1e-9)


@EVERY
def test_the_explaining_sql_is_short_and_names_nothing_else(known: Feature) -> None:
    text = sql_of(known.name, DAY, ZONE)
    assert len(text.splitlines()) < 300
    assert "memtable" not in text
    others = set(FEATURES) - {known.name}
    assert known.over == "customers" or not others & set(text.replace('"', " ").split())
