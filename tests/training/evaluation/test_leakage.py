from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from domain.cutoffs import cutoff_instant
from domain.errors import BadInput
from features.engine import tables_of
from features.past import known_at
from features.registry import FEATURES
from training.boosting.search import foretelling
from training.evaluation.leakage import (
    alone,
    dealt,
    each_alone,
    require_no_leak,
    seen_ahead,
    shuffled,
)
from training.rows.frames import feature_rows
from training.settings import RetentionSettings, TrackingSettings
from training.tracking import Store

DAY = date(2025, 3, 30)  # a clock changes in some places, not in Shanghai
NAMES = list(FEATURES)
QUICK = RetentionSettings(rounds=60, min_data_in_leaf=5)


@pytest.fixture(scope="module")
def rows(small_bank: Any) -> pd.DataFrame:
    found = feature_rows(small_bank.tables, small_bank.cells, DAY)
    return found.iloc[:150].drop(columns="cell_id")


def test_no_feature_changes_when_the_future_is_cut_away(
    small_bank: Any, rows: pd.DataFrame
) -> None:
    check = seen_ahead(small_bank.tables, rows, NAMES)
    assert check.passed
    assert f"{len(NAMES)} features of 150 customers are the same" in check.words


def test_features_of_a_later_day_are_named(small_bank: Any, rows: pd.DataFrame) -> None:
    later = feature_rows(small_bank.tables, small_bank.cells, date(2025, 4, 30))
    later = later.set_index("customer_id").reindex(rows["customer_id"]).reset_index()
    names = ["transactions_30d", "products_held", "complaints_365d"]
    spoilt = rows.assign(**{name: later[name] for name in names})
    assert all((spoilt[name] != rows[name]).any() for name in names)
    words = rows["customer_occupation"].where(rows.index > 0, "an afterthought")
    check = seen_ahead(small_bank.tables, spoilt.assign(customer_occupation=words), NAMES)
    assert not check.passed
    told = check.words.rpartition(": ")[2].split(", ")
    assert sorted(told) == sorted([*names, "customer_occupation"])


def test_what_came_later_is_unknown_at_the_cut_off(small_bank: Any) -> None:
    past, at = known_at(small_bank.tables, DAY), cutoff_instant(DAY, "Asia/Shanghai")
    for name, time in (("transactions", "posted_at"), ("service_events", "occurred_at")):
        everything = getattr(small_bank.tables, name).to_pandas()
        arrived = everything["available_at"].fillna(datetime(1970, 1, 1))
        expected = everything[(everything[time] < at) & (arrived <= at)]
        found = getattr(past, name).to_pandas()
        assert 0 < len(found) == len(expected) < len(everything)
    assert (past.closures.to_pandas()["closed_on"].astype(str) < str(DAY)).all()
    ends = past.holdings.to_pandas()["closed_on"].dropna().astype(str)
    assert len(ends)
    assert (ends < str(DAY)).all()
    settled = past.service_events.to_pandas()["resolved_at"].dropna()
    assert len(settled)
    assert (settled < at).all()


def test_a_row_of_no_known_arrival_arrives_when_it_is_posted() -> None:
    at = pd.to_datetime(["2025-03-29 15:59:59", "2025-03-29 16:00:00"])
    rows = {"transaction_id": ["a", "b"], "customer_id": "C", "posted_at": at, "amount": 1.0}
    joined = {"customer_id": ["C"], "onboarded_on": ["2025-01-01"]}
    frames = {"customers": pd.DataFrame(joined), "transactions": pd.DataFrame(rows)}
    past = known_at(tables_of(frames, "Asia/Shanghai"), DAY)
    assert past.transactions.to_pandas()["transaction_id"].tolist() == ["a"]


def random_rows(customers: int, seed: int, cutoffs: int = 3) -> pd.DataFrame:
    """Customers whose features are noise of their own, the same at every cut-off."""
    draw = np.random.default_rng(seed)
    ids = np.tile([f"C{at}" for at in range(customers)], cutoffs)
    frame = pd.DataFrame(
        {
            "customer_id": ids,
            "as_of": np.repeat(pd.date_range("2025-01-01", periods=cutoffs, freq="MS"), customers),
            "churned": (draw.random(len(ids)) < 0.15).astype(int),
        }
    )
    for at in range(8):
        frame[f"noise_{at}"] = np.tile(draw.normal(size=customers), cutoffs)
    return frame


NOISE = [f"noise_{at}" for at in range(8)]


@pytest.mark.parametrize("numbers", [False, True])
def test_the_power_of_a_feature_is_that_of_its_bins(numbers: bool) -> None:
    draw = np.random.default_rng(3)
    values = pd.Series(draw.choice(["a", "b", "c", None], 4000))
    y = (draw.random(4000) < values.map({"a": 0.1, "b": 0.4, "c": 0.7}).fillna(0.2)).astype(float)
    learn = np.arange(4000) < 2000
    rate = values.fillna("none").map(y[learn].groupby(values[learn].fillna("none")).mean())
    expected = roc_auc_score(y[~learn], rate[~learn])
    values = values.map({"a": 1.0, "b": 2.0, "c": 3.0}) if numbers else values
    assert alone(values, y.to_numpy(), learn) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("values", ["number", "turned", "hollow", "words", "missing"])
def test_a_feature_that_knows_the_answer_is_a_leak(values: str) -> None:
    rows = random_rows(600, seed=1)
    y = rows["churned"].to_numpy(np.float64)
    draw = np.random.default_rng(0).normal(size=len(y))
    told = {
        "number": 5 * y + draw,
        "turned": -5 * y + draw,
        "hollow": np.where(y == 1, 10 * np.sign(draw), draw),  # far out on either side
        "words": np.where(y == 1, "gone", "here"),
        "missing": np.where(y == 1, np.nan, draw),
    }[values]
    features = rows[NOISE].assign(told=told)
    check = each_alone(features, y, rows["customer_id"], 0.95, seed=0)
    assert not check.passed
    assert check.words.endswith(": told")


def test_noise_alone_tells_nothing() -> None:
    rows = random_rows(600, seed=2)
    features = rows[NOISE].assign(nothing=np.nan, one=1.0)
    y = rows["churned"].to_numpy(np.float64)
    check = each_alone(features, y, rows["customer_id"], 0.75, seed=0)
    assert check.passed
    assert check.found < 0.6


def test_a_strong_feature_of_a_few_customers_is_not_yet_a_leak() -> None:
    y = np.zeros(60)
    y[::10] = 1
    values = pd.DataFrame({"lucky": y + np.random.default_rng(1).normal(0, 0.4, 60)})
    check = each_alone(values, y, pd.Series(map(str, range(60))), 0.7, seed=0)
    assert check.found > 0.7
    assert check.passed


def test_a_customer_has_one_dealt_label_at_every_cut_off() -> None:
    rows = random_rows(300, seed=4)
    rows["churned"] = (np.arange(len(rows)) % 300 < 40).astype(int)
    y = dealt(rows, seed=0)
    assert pd.Series(y).groupby(rows["as_of"].to_numpy()).sum().tolist() == [40, 40, 40]
    assert (pd.Series(y).groupby(rows["customer_id"]).nunique() == 1).all()
    assert (y != rows["churned"]).any()


def test_dealt_labels_are_not_foretold_by_the_model() -> None:
    checks = [
        shuffled(random_rows(300, seed), NOISE, foretelling(QUICK), seed) for seed in range(8)
    ]
    assert all(check.passed for check in checks)


def test_folds_that_part_a_customer_are_found_out() -> None:
    apart = foretelling(QUICK)

    def careless(X: pd.DataFrame, y: Any, customers: Any) -> float:
        return apart(X, y, np.arange(len(X)))

    check = shuffled(random_rows(300, seed=0), NOISE, careless, seed=0)
    assert not check.passed
    with pytest.raises(BadInput, match="labels dealt out at random are foretold"):
        require_no_leak([check])


def test_a_leak_ends_the_training_and_nothing_is_registered(
    tmp_path: Path, train: Callable[..., Any]
) -> None:
    with pytest.raises(BadInput, match="tells the lost from the kept almost alone"):
        train("retention", tmp_path, feature_auc_max=0.505)
    store = Store(TrackingSettings(), tmp_path)
    assert store.champion("retention") is None
