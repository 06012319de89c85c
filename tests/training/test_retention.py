import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from domain.errors import BadInput
from training.boosting.calibrating import centred_isotonic, fit_calibration, platt
from training.boosting.parameters import FINER_LOST, FINER_ROWS, SHRINKAGE, ways
from training.evaluation.baselines import LogisticBaseline, RecencyRule
from training.evaluation.leakage import each_alone, require_no_leak
from training.retention import RetentionClassifier

GRID = np.linspace(0.01, 0.99, 25)


@pytest.fixture(scope="module")
def fitted(draw_population: Callable[..., Any]) -> RetentionClassifier:
    X, y, _ = draw_population(8000)
    return RetentionClassifier(threads=1, rounds=300).fit(X, y, np.arange(8000) // 2)


def test_the_order_of_customers_is_nearly_that_of_the_truth(
    fitted: RetentionClassifier, draw_population: Callable[..., Any]
) -> None:
    X, y, p = draw_population(6000, seed=2)
    assert roc_auc_score(y, fitted.predict_proba(X)[:, 1]) > roc_auc_score(y, p) - 0.015
    assert log_loss(y, fitted.predict_proba(X)[:, 1]) < log_loss(y, p) + 0.006


def test_probabilities_are_those_of_the_truth_in_every_tenth(
    fitted: RetentionClassifier, draw_population: Callable[..., Any]
) -> None:
    X, _, p = draw_population(20_000, seed=3)
    q = fitted.predict_proba(X)[:, 1]
    for part in np.array_split(np.argsort(q), 10):
        # against true probabilities, so without the noise of drawing a class
        assert q[part].mean() == pytest.approx(p[part].mean(), abs=0.03, rel=0.25)
    assert q.mean() == pytest.approx(p.mean(), rel=0.08)


def test_order_of_columns_and_number_of_threads_change_nothing(
    draw_population: Callable[..., Any],
) -> None:
    X, y, _ = draw_population(20_000)

    def texts(X: pd.DataFrame, threads: int) -> tuple[str, Any, Any]:
        model = RetentionClassifier(rounds=4, folds=2, threads=threads).fit(X, y)
        found = model.booster_.model_to_string(), model.manifest_, model.calibration_
        return *found, model.predict_proba(X.iloc[:500]).tolist()

    expected = texts(X, 1)
    assert texts(X, 1) == expected
    # a second thread waits by spinning: few fits with two
    assert texts(X[X.columns[::-1]], 2) == expected


def test_pushes_sum_to_the_margin_and_reasons_are_the_strongest_upward(
    fitted: RetentionClassifier, draw_population: Callable[..., Any]
) -> None:
    X, _, _ = draw_population(200, seed=4)
    pushes = fitted.contributions(X)
    assert np.allclose(pushes.sum(axis=1), fitted.margin(X), atol=1e-9)
    for row, reasons in enumerate(fitted.reasons(X, top=2)):
        upward = pushes.drop(columns="base").iloc[row].sort_values(ascending=False)
        upward = upward[upward > 0].head(2)
        assert [reason.feature for reason in reasons] == list(upward.index)
        assert [reason.contribution for reason in reasons] == list(upward)
        assert all(reason.text for reason in reasons)


ALONE = """
import json, sys
sys.modules["pandas"] = None  # so that an import of it fails
import lightgbm, numpy
text, columns, raw, probability, rows = json.load(sys.stdin)
def code(value, column):
    if column["kind"] == "number":
        return float("nan") if value is None else value
    words = column["vocabulary"]
    return 0 if value is None else 2 + words.index(value) if value in words else 1
matrix = numpy.array([[code(v, c) for v, c in zip(row, columns)] for row in rows], float)
margin = lightgbm.Booster(model_str=text).predict(matrix, raw_score=True)
print(json.dumps(numpy.interp(margin, raw, probability).tolist()))
"""


def test_text_and_json_give_the_probabilities_without_pandas_and_without_us(
    fitted: RetentionClassifier, draw_population: Callable[..., Any]
) -> None:
    X, _, _ = draw_population(300, seed=5)
    X.loc[:20, "customer_kind"] = "never seen"
    columns = fitted.manifest_.model_dump()["columns"]
    rows = X[fitted.manifest_.names].astype(object)
    rows = rows.where(rows.notna(), None).to_numpy().tolist()
    table = fitted.calibration_
    sent = [fitted.booster_.model_to_string(), columns, table.raw, table.probability, rows]
    done = subprocess.run(
        [sys.executable, "-I", "-c", ALONE], input=json.dumps(sent), capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
    assert np.array_equal(json.loads(done.stdout), fitted.predict_proba(X)[:, 1])


def in_bands(rows: int, width: float, seed: int) -> tuple[pd.DataFrame, Any]:
    """Who is lost lies in one of twelve bands of a number; the narrower the bands, the rarer."""
    draw = np.random.default_rng(seed)
    X = pd.DataFrame(draw.uniform(0, 1, (rows, 3)), columns=["a", "b", "c"])
    middle = (np.arange(12) + 0.5) / 12
    return X, (np.abs(X["a"].to_numpy()[:, None] - middle).min(axis=1) < width).astype(int)


def test_finer_trees_stay_where_unseen_customers_are_foretold_better() -> None:
    X, y = in_bands(6500, 0.007, 1)  # the usual bins are half as wide as a band
    usual = RetentionClassifier(rounds=150, folds=3, lambda_l2=SHRINKAGE).fit(X, y)
    found = RetentionClassifier(rounds=150, folds=3).fit(X, y)
    assert (usual.finer_, found.finer_) == (False, True)
    later, came = in_bands(6500, 0.007, 2)
    losses = [log_loss(came, model.predict_proba(later)) for model in (found, usual)]
    assert losses[0] < 0.5 * losses[1]


def test_finer_trees_go_where_they_learn_the_noise(draw_population: Callable[..., Any]) -> None:
    X, y, _ = draw_population(9000)
    assert y.sum() >= FINER_LOST
    usual = RetentionClassifier(rounds=60, folds=3, lambda_l2=SHRINKAGE).fit(X, y)
    found = RetentionClassifier(rounds=60, folds=3).fit(X, y)
    assert not found.finer_
    assert found.booster_.model_to_string() == usual.booster_.model_to_string()
    assert found.calibration_ == usual.calibration_


def test_few_lost_or_very_many_rows_are_not_asked_which_trees_are_better() -> None:
    given = {"lambda_l2": SHRINKAGE}
    for rows, lost, told in ((5000, FINER_LOST, 2), (5000, FINER_LOST - 1, 1)):
        assert len(ways(given, np.arange(rows) < lost, None)) == told
        assert len(ways(given, np.arange(rows) >= lost, None)) == told  # few kept: the same
    for rows, told in ((FINER_ROWS, 2), (FINER_ROWS + 1, 1)):
        assert len(ways(given, np.arange(rows) < FINER_LOST, None)) == told
    assert ways({"lambda_l2": 1.0}, np.arange(5000) < FINER_LOST, 1.0) == [{"lambda_l2": 1.0}]


def test_an_array_in_the_order_of_the_columns_gives_the_same_without_pandas(
    fitted: RetentionClassifier,
    draw_population: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X, _, _ = draw_population(300, seed=5)
    expected, values = fitted.predict_proba(X), X.to_numpy(object)
    monkeypatch.setattr(pd, "DataFrame", type("None", (), {}))
    assert np.array_equal(fitted.predict_proba(values), expected)


def test_columns_in_another_order_or_an_unseen_category_change_nothing_else(
    fitted: RetentionClassifier, draw_population: Callable[..., Any]
) -> None:
    X, _, _ = draw_population(100, seed=6)
    assert np.array_equal(fitted.predict_proba(X[X.columns[::-1]]), fitted.predict_proba(X))
    X["customer_kind"] = "never seen"
    assert np.isfinite(fitted.predict_proba(X)).all()


def test_one_class_is_refused_with_its_count() -> None:
    X = pd.DataFrame({"a": range(30)})
    with pytest.raises(BadInput, match=r"1 class \(30 x 0\) and retention needs 2"):
        RetentionClassifier(threads=1).fit(X, np.zeros(30, dtype=int))
    with pytest.raises(BadInput, match=r"3 classes"):
        RetentionClassifier(threads=1).fit(X, np.arange(30) % 3)
    with pytest.raises(BadInput, match="only 1 customer"):
        RetentionClassifier(threads=1).fit(X, [1] + [0] * 29)


def test_risk_rises_and_falls_as_it_is_told(draw_population: Callable[..., Any]) -> None:
    X, y, _ = draw_population(2000)
    told = {"recency_days": 1, "transactions_90d": -1, "noise": 1}
    free, bound = (
        RetentionClassifier(rounds=60, num_leaves=15, monotone_constraints=directions).fit(X, y)
        for directions in (None, told)
    )
    rows = X.iloc[:60]
    for name, direction in told.items():
        steps = [rows.assign(**{name: value}) for value in np.quantile(X[name].dropna(), GRID)]
        rising = [
            np.diff([model.margin(step) for step in steps], axis=0) for model in (free, bound)
        ]
        assert (direction * rising[1] >= 0).all()
        assert not (direction * rising[0] >= 0).all(), "the data alone would have done"
    assert roc_auc_score(y, bound.predict_proba(X)[:, 1]) > 0.7


@pytest.mark.parametrize(
    ("told", "hint"),
    [
        (
            {"recencyy_days": 1},
            r"numbers \(near it: recency_days\) and 1 \(rising\) or -1 \(falling\)$",
        ),
        ({"nobody": 1}, "of numbers and 1"),
        ({"customer_kind": 1}, "of numbers"),
        ({"recency_days": 2}, "of numbers"),
        ({"recency_days": 0}, "of numbers"),
    ],
)
def test_a_direction_that_cannot_be_kept_is_told(
    told: dict[str, int], hint: str, draw_population: Callable[..., Any]
) -> None:
    X, y, _ = draw_population(100)
    with pytest.raises(BadInput, match=f"{next(iter(told))}.*{hint}"):
        RetentionClassifier(rounds=5, monotone_constraints=told).fit(X, y)


def test_constant_columns_do_no_harm(draw_population: Callable[..., Any]) -> None:
    X, y, _ = draw_population(800)
    model = RetentionClassifier(rounds=30)
    expected = model.fit(X[["recency_days"]], y).predict_proba(X)
    constant = X[["recency_days"]].assign(zero=0.0, word="same", gone=None)
    found = RetentionClassifier(rounds=30, feature_fraction=1.0).fit(constant, y)
    assert np.array_equal(found.predict_proba(constant), expected)
    alone = model.fit(constant[["zero", "word"]], y).predict_proba(constant)
    assert alone[:, 1] == pytest.approx(y.mean(), abs=0.01)


def test_ten_thousand_categories_and_one_that_is_new_in_production(
    draw_population: Callable[..., Any],
) -> None:
    X, y, _ = draw_population(12_000)
    name = np.random.default_rng(0).permutation(12_000) % 10_000
    X["surname"] = pd.Series(name).map("n{}".format)
    model = RetentionClassifier(rounds=40).fit(X, y)
    assert len(model.manifest_.columns[3].vocabulary) == X["surname"].nunique() == 10_000
    # names that tell nothing are not learned by heart
    later, seen, truth = draw_population(4000, seed=2)
    new, other = (later.assign(surname=word) for word in ("never seen", "nor this"))
    assert np.array_equal(model.predict_proba(new), model.predict_proba(other))
    assert roc_auc_score(seen, model.predict_proba(new)[:, 1]) > roc_auc_score(seen, truth) - 0.02


def test_twenty_rows_are_few_and_enough() -> None:
    X = pd.DataFrame({"a": np.r_[np.zeros(10), np.ones(10)], "b": list("xy") * 10})
    found = RetentionClassifier().fit(X, np.repeat([0, 1], 10)).predict_proba(X)[:, 1]
    assert found[:10].max() < 0.5 < found[10:].min()


def test_few_lost_customers_leave_no_fold_without_one(draw_population: Callable[..., Any]) -> None:
    X, _, _ = draw_population(300)
    customers = np.arange(300) // 6
    y = np.isin(customers, [3, 4]).astype(int)  # two customers of six rows each
    model = RetentionClassifier(rounds=10).fit(X, y, customers)
    assert model.booster_.num_trees() == 2 * model.rounds_  # two folds, each with one of them
    with pytest.raises(BadInput, match="only 1 customer; calibration needs 2"):
        RetentionClassifier(rounds=10).fit(X, customers == 3, customers)


@pytest.mark.parametrize("none", [None, np.nan])
def test_a_row_of_no_customer_is_told(none: object, draw_population: Callable[..., Any]) -> None:
    X, y, _ = draw_population(100)
    customers = pd.Series(np.arange(100), dtype=object)
    customers[[7, 9]] = none
    with pytest.raises(BadInput, match=r"2 rows have no group \(first: row 7\)"):
        RetentionClassifier(rounds=5).fit(X, y, customers)


def test_a_column_that_is_the_label_is_learned_here_and_stopped_by_the_gate(
    draw_population: Callable[..., Any],
) -> None:
    X, y, _ = draw_population(400)
    X["told"] = y.astype(float)
    model = RetentionClassifier(rounds=50).fit(X, y)
    assert model.out_of_fold_auc_ > 0.99
    check = each_alone(X, y.astype(float), X.index.map(str).to_series(), 0.95, seed=0)
    with pytest.raises(BadInput, match=r"almost alone .*: told\."):
        require_no_leak([check])


def test_it_is_a_scikit_learn_classifier(draw_population: Callable[..., Any]) -> None:
    X, y, _ = draw_population(600)
    named = np.where(y == 1, "lost", "kept")
    model = RetentionClassifier(rounds=20, threads=1)
    scores = cross_val_score(clone(model), X, named, cv=3, scoring="roc_auc")
    assert scores.mean() > 0.6
    assert set(model.fit(X, named).predict(X)) <= {"lost", "kept"}
    assert list(model.classes_) == ["kept", "lost"]


# check -> why it does not hold for us
NOT_OURS: dict[str, str] = {}


@parametrize_with_checks(
    [RetentionClassifier(rounds=5)], expected_failed_checks=lambda model: NOT_OURS
)
def test_conventions_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@settings(max_examples=40, deadline=None)
@given(st.integers(20, 400), st.integers(0, 10_000), st.floats(-3, 3), st.booleans())
def test_a_calibration_rises_and_keeps_the_mean(
    rows: int, seed: int, slope: float, isotonic: bool
) -> None:
    random = np.random.default_rng(seed)
    margin = random.normal(size=rows).round(1)
    y = (random.random(rows) < 1 / (1 + np.exp(1 - slope * margin))).astype(float)
    y[:2] = 0, 1
    table = centred_isotonic(margin, y) if isotonic else platt(margin, y)
    found = table.apply(np.sort(margin))
    assert (np.diff(found) >= 0).all()
    assert found.min() > 0
    assert found.max() < 1
    if not isotonic:
        assert found.mean() == pytest.approx(y.mean(), abs=0.05)


def test_many_lost_customers_allow_steps_and_few_a_sigmoid() -> None:
    random = np.random.default_rng(1)
    margin = random.normal(size=30_000)
    p = np.where(margin > 0, 0.6, 0.1)  # no sigmoid
    y = (random.random(30_000) < p).astype(float)
    assert np.abs(fit_calibration(margin, y).apply(margin) - p).mean() < 0.02
    few = fit_calibration(margin[:500], y[:500])
    assert len(few.raw) > 200
    assert np.diff(few.probability).max() < 0.02


def test_a_useless_score_is_calibrated_to_the_rate_of_all() -> None:
    y = np.array([0.0, 1.0, 1.0, 1.0] * 10)
    assert platt(np.zeros(40), y).apply(np.zeros(1))[0] == pytest.approx(0.75, abs=0.03)
    assert platt(-y, y).apply(np.array([0.3]))[0] == pytest.approx(0.75)


def test_baselines_know_the_rate_of_the_never_active(draw_population: Callable[..., Any]) -> None:
    X, y, p = draw_population(4000)
    silent = np.arange(4000) % 10 == 0
    X.loc[silent, "recency_days"] = np.nan
    rule = RecencyRule().fit(X, y.astype(float)).probability(X)
    assert rule[silent] == pytest.approx(y[silent].mean())
    order = np.argsort(X["recency_days"][~silent].to_numpy())
    assert (np.diff(rule[~silent][order]) >= 0).all()
    logistic = LogisticBaseline().fit(X, y.astype(float)).probability(X)
    assert roc_auc_score(y, logistic) > roc_auc_score(y, rule)
    assert roc_auc_score(y, p) > roc_auc_score(y, rule)
