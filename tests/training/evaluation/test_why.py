"""Global and per-cell summaries of what moves the scores."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.why import TOP, drawn, stands_for, why
from training.retention import RetentionClassifier

NAMES = ["recency_days", "debit_trend", "products_held", "customer_kind"]


def bank(rows: int = 600, seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    cells = random.choice(["east", "west", "tiny"], rows, p=[0.6, 0.39, 0.01])
    found = pd.DataFrame(
        {
            "customer_id": [f"C{at}" for at in range(rows)],
            "cell_id": cells,
            "recency_days": random.exponential(np.where(cells == "west", 60, 10)),
            "debit_trend": random.uniform(0.2, 1.5, rows),
            "products_held": random.integers(0, 4, rows).astype(float),
            "customer_kind": random.choice(["person", "business"], rows),
        }
    )
    odds = -2 + 0.05 * found["recency_days"] - 0.3 * found["products_held"]
    return found.assign(churned=(random.random(rows) < 1 / (1 + np.exp(-odds))).astype(int))


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return bank()


@pytest.fixture(scope="module")
def model(rows: pd.DataFrame) -> RetentionClassifier:
    return RetentionClassifier(rounds=40, min_data_in_leaf=20).fit(rows[NAMES], rows["churned"])


@pytest.fixture(scope="module")
def pushes(model: RetentionClassifier, rows: pd.DataFrame) -> pd.DataFrame:
    return model.contributions(rows[NAMES]).drop(columns="base").set_index(rows.index)


def test_pushes_of_a_row_are_its_score_in_log_odds(model: RetentionClassifier, rows) -> None:
    told = model.contributions(rows[NAMES]).sum(axis=1)
    np.testing.assert_allclose(told, model.margin(rows[NAMES]), atol=1e-9)


def test_what_sets_a_cell_apart_sums_to_its_mean_score_less_the_banks(
    model: RetentionClassifier, rows: pd.DataFrame, pushes: pd.DataFrame
) -> None:
    found = why(rows, pushes, pd.Series(1.0, rows.index), 10)
    margin = pd.Series(model.margin(rows[NAMES]), rows.index)
    expected = margin.groupby(rows["cell_id"]).mean() - margin.mean()
    for cell, part in found.cells.groupby("cell_id"):
        assert part["apart"].iloc[0] == pytest.approx(expected[cell], abs=1e-9)
        assert 1 <= len(part) <= TOP
        assert part["push"].abs().is_monotonic_decreasing
        own = pushes.loc[rows["cell_id"] == cell].mean() - pushes.mean()
        for row in part.itertuples():
            assert row.push == pytest.approx(own[row.feature], abs=1e-9)


def test_a_cell_that_is_too_small_is_not_told(rows: pd.DataFrame, pushes: pd.DataFrame) -> None:
    size = rows["cell_id"].value_counts()
    assert 1 < size["tiny"] < 10
    ones = pd.Series(1.0, rows.index)
    assert set(why(rows, pushes, ones, 10).cells["cell_id"]) == {"east", "west"}
    twice = rows.assign(customer_id=rows["customer_id"].where(rows["cell_id"] != "tiny", "one"))
    assert "tiny" not in set(why(twice, pushes, ones, 2).cells["cell_id"])
    exactly = int(size["tiny"])
    assert "tiny" in set(why(rows, pushes, ones, exactly).cells["cell_id"])
    assert "tiny" not in set(why(rows, pushes, ones, exactly + 1).cells["cell_id"])


def test_a_cell_is_told_by_its_middle_customer_in_both_languages(
    rows: pd.DataFrame, pushes: pd.DataFrame
) -> None:
    found = why(rows, pushes, pd.Series(1.0, rows.index), 10).cells
    west = found[found["cell_id"] == "west"].iloc[0]
    middle = rows.loc[rows["cell_id"] == "west", "recency_days"].median()
    assert (west["feature"], west["value"]) == ("recency_days", middle)
    assert west["push"] > 0
    assert west["bank_value"] == rows["recency_days"].median()
    assert west["text"] == f"{middle:.0f} days since the last transaction"
    assert west["text_zh"] == f"距上次交易已 {middle:.0f} 天"


def test_features_come_by_how_far_they_move_a_score(
    rows: pd.DataFrame, pushes: pd.DataFrame
) -> None:
    found = why(rows, pushes, pd.Series(1.0, rows.index), 10).features
    assert found["feature"].tolist() == list(
        pushes.abs().mean().sort_values(ascending=False, kind="stable").index
    )
    assert found["feature"][0] == "recency_days"
    np.testing.assert_allclose(
        found.set_index("feature").loc[NAMES, "push"], pushes[NAMES].mean(), atol=1e-12
    )


@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(1, 9), st.integers(0, 9))
def test_a_draw_stands_for_every_row_of_its_cell(sizes: list[int], most: int, seed: int) -> None:
    every = pd.DataFrame({"cell_id": np.repeat([f"c{at}" for at in range(len(sizes))], sizes)})
    some = drawn(every, seed, most)
    assert some["cell_id"].value_counts().to_dict() == {
        f"c{at}": min(size, most) for at, size in enumerate(sizes)
    }
    assert some.index.is_monotonic_increasing
    shares = stands_for(some, every).groupby(some["cell_id"]).sum()
    assert shares.to_dict() == pytest.approx({f"c{at}": n for at, n in enumerate(sizes)})


def test_the_draw_of_a_large_cell_does_not_change_the_weight_of_a_small_one() -> None:
    rows = bank(2000, seed=5)
    pushes = pd.DataFrame({"recency_days": np.where(rows["cell_id"] == "west", 2.0, 0.0)})
    some = drawn(rows, 0, most=50)
    found = why(some, pushes.loc[some.index], stands_for(some, rows), 10)
    assert found.features["push"][0] == pytest.approx(pushes["recency_days"].mean())
