import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)

from training.evaluation.metrics import (
    Ranked,
    calibration_table,
    cell_auc,
    customer_weights,
    evaluate,
    lift_top,
    metric_functions,
)

rows = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.05, 0.2, 0.35, 0.5, 0.9]), st.integers(1, 4)),
    min_size=2,
    max_size=40,
).filter(lambda found: len({y for y, _, _ in found}) == 2)


@given(rows)
def test_weighted_metrics_with_ties_equal_those_of_scikit_learn(
    found: list[tuple[int, float, int]],
) -> None:
    y, p, w = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    ours = {name: metric(w) for name, metric in metric_functions(y, p).items()}
    assert ours["auc"] == pytest.approx(roc_auc_score(y, p, sample_weight=w))
    assert ours["average_precision"] == pytest.approx(
        average_precision_score(y, p, sample_weight=w)
    )
    assert ours["log_loss"] == pytest.approx(log_loss(y, p, sample_weight=w))
    assert ours["brier"] == pytest.approx(brier_score_loss(y, p, sample_weight=w))


@given(rows)
def test_a_weight_is_the_same_as_repeating_the_row(found: list[tuple[int, float, int]]) -> None:
    y, p, w = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    times = w.astype(int)
    repeated = metric_functions(np.repeat(y, times), np.repeat(p, times))
    for name, metric in metric_functions(y, p).items():
        assert metric(w) == pytest.approx(repeated[name](np.ones(times.sum())))


def test_lift_of_a_perfect_order_is_the_inverse_of_the_rate_and_of_a_constant_is_one() -> None:
    y = np.repeat([1.0, 0.0], [20, 180])
    ones = np.ones(200)
    assert lift_top(y, Ranked.of(y), ones) == pytest.approx(10.0)
    assert lift_top(y, Ranked.of(np.full(200, 0.1)), ones) == pytest.approx(1.0)


def test_a_customer_is_drawn_whole() -> None:
    customers = pd.Series(["a", "b", "a", "c"] * 5)
    for weight in customer_weights(customers, 20, seed=3):
        assert pd.Series(weight).groupby(customers).nunique().eq(1).all()
        assert weight[[0, 1, 3]].sum() == 3


def test_the_interval_of_a_mean_has_the_width_of_theory() -> None:
    random = np.random.default_rng(5)
    y = (random.random(2000) < 0.3).astype(float)
    found = evaluate(y, np.full(2000, 0.3), pd.Series(range(2000)), {}, 400, 1).metrics["brier"]
    # the Brier score of a constant p is a mean of y: (y - p)^2 is (1-p)^2 or p^2
    width = 2 * 1.96 * np.sqrt(y.var() / 2000) * abs(0.7**2 - 0.3**2)
    assert found.high - found.low == pytest.approx(width, rel=0.15)
    assert found.low < found.value < found.high


def test_repeated_customers_widen_the_interval() -> None:
    random = np.random.default_rng(2)
    y, p = (random.random(300) < 0.3).astype(float), random.random(300)
    apart = evaluate(y, p, pd.Series(range(300)), {}, 200, 1).metrics["auc"]
    ids = pd.Series(np.tile(np.arange(300), 4))
    often = evaluate(np.tile(y, 4), np.tile(p, 4), ids, {}, 200, 1).metrics["auc"]
    assert often.high - often.low == pytest.approx(apart.high - apart.low, rel=0.25)


def test_a_model_does_not_differ_from_itself_and_does_from_noise() -> None:
    random = np.random.default_rng(3)
    p = random.random(1500)
    y = (random.random(1500) < p).astype(float)
    others = {"itself": p.copy(), "noise": random.random(1500)}
    found = evaluate(y, p, pd.Series(range(1500)), others, 60, 1).differences
    assert found["itself"]["auc"] == (0.0, 0.0, 0.0)
    assert found["noise"]["auc"].low > 0.2
    assert found["noise"]["log_loss"].high < 0


def test_calibration_bins_hold_all_rows_and_their_means() -> None:
    random = np.random.default_rng(4)
    p = random.random(1003)
    y = (random.random(1003) < p).astype(float)
    table = calibration_table(y, p)
    assert table["n"].sum() == 1003
    assert (table["n"] * table["observed"]).sum() == pytest.approx(y.sum())
    assert (table["n"] * table["predicted"]).sum() == pytest.approx(p.sum())
    inside = (table["predicted"] > table["low"]) & (table["predicted"] < table["high"])
    assert inside.sum() >= 8


def test_only_cells_large_enough_with_both_classes_have_an_auc() -> None:
    random = np.random.default_rng(6)
    rows = pd.DataFrame(
        {
            "customer_id": [f"c{at}" for at in range(130)],
            "cell_id": ["big"] * 60 + ["small"] * 10 + ["kept"] * 60,
            "churned": [1, 0] * 35 + [0] * 60,
        }
    )
    p = random.random(130)
    found = cell_auc(rows, p, at_least=50, draws=30, seed=1)
    assert found["cell_id"].tolist() == ["big"]
    assert found["auc"][0] == pytest.approx(roc_auc_score(rows["churned"][:60], p[:60]))
    assert found["lost"][0] == 30


def test_a_customer_who_is_lost_after_two_cutoffs_is_counted_once() -> None:
    rows = pd.DataFrame(
        {"customer_id": list("abcabc"), "cell_id": "here", "churned": [1, 0, 0, 1, 1, 0]}
    )
    found = cell_auc(rows, np.linspace(0.1, 0.6, 6), at_least=2, draws=5, seed=1)
    assert found[["customers", "lost"]].values.tolist() == [[3, 2]]
