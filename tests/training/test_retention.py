from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import (
    check_dict_unchanged,
    check_estimators_unfitted,
    check_get_params_invariance,
    check_no_attributes_set_in_init,
    check_parameters_default_constructible,
    check_set_params,
)

from domain.errors import BadInput
from training.baselines import LogisticBaseline, RecencyRule
from training.calibrating import centred_isotonic, fit_calibration, platt
from training.retention import RetentionClassifier
from training.search import best_classifier, trial_parameters
from training.settings import RetentionSettings


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


def test_the_same_data_give_the_same_model_text(draw_population: Callable[..., Any]) -> None:
    X, y, _ = draw_population(1500)

    def text() -> str:
        return RetentionClassifier(rounds=40, threads=1).fit(X, y).booster_.model_to_string()

    assert text() == text()


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


def test_the_model_text_and_the_calibration_alone_give_the_probabilities(
    fitted: RetentionClassifier, draw_population: Callable[..., Any]
) -> None:
    X, _, _ = draw_population(300, seed=5)
    again = lgb.Booster(model_str=fitted.booster_.model_to_string())
    margin = again.predict(fitted.manifest_.encode(X), raw_score=True)
    assert np.array_equal(fitted.calibration_.apply(margin), fitted.predict_proba(X)[:, 1])


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


def test_it_is_a_scikit_learn_classifier(draw_population: Callable[..., Any]) -> None:
    X, y, _ = draw_population(600)
    named = np.where(y == 1, "lost", "kept")
    model = RetentionClassifier(rounds=20, threads=1)
    scores = cross_val_score(clone(model), X, named, cv=3, scoring="roc_auc")
    assert scores.mean() > 0.6
    assert set(model.fit(X, named).predict(X)) <= {"lost", "kept"}
    assert list(model.classes_) == ["kept", "lost"]


@pytest.mark.parametrize(
    "check",
    [
        check_dict_unchanged,
        check_estimators_unfitted,
        check_get_params_invariance,
        check_no_attributes_set_in_init,
        check_parameters_default_constructible,
        check_set_params,
    ],
    ids=lambda check: check.__name__,
)
def test_conventions_of_scikit_learn(check: Callable[..., None]) -> None:
    check("RetentionClassifier", RetentionClassifier(rounds=5, threads=1))


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


def test_trials_never_make_the_out_of_fold_loss_worse(draw_population: Callable[..., Any]) -> None:
    X, y, _ = draw_population(800)
    steps: list[str] = []
    base = RetentionSettings(rounds=30, threads=1, learning_rate=0.9)

    def fit(model: RetentionClassifier) -> RetentionClassifier:
        return model.fit(X, y)

    plain = best_classifier(base, fit, lambda step, share: None)
    tried = best_classifier(
        base.model_copy(update={"trials": 3}), fit, lambda step, share: steps.append(step)
    )
    assert tried.out_of_fold_log_loss_ < plain.out_of_fold_log_loss_
    assert steps[-1] == "fitting trial 3 of 3"
    assert trial_parameters(5, 1)[:3] == trial_parameters(3, 1)


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
