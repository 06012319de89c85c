"""Scores against LightGBM itself, used by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.scores import SCORE_COLUMNS
from serving.scoring import Scorer


def test_scores_are_those_of_the_booster_and_its_calibration(scorer, frames):
    frame = frames(200, seed=3)
    scores = scorer.score(frame, "grid-00000009")
    model = scorer.retention
    margin = model.booster.predict(model.manifest.encode(frame), raw_score=True)
    expected = np.interp(margin, model.calibration.raw, model.calibration.probability)
    assert list(scores.columns) == list(SCORE_COLUMNS)
    assert np.allclose(scores["churn_probability"], expected, atol=1e-12)
    low, high = model.card.risk_edges
    bands = ["high" if p >= high else "medium" if p >= low else "low" for p in expected]
    assert scores["risk_band"].tolist() == bands
    assert set(scores["grid_version"]) == {"grid-00000009"}


def test_value_at_risk_is_probability_times_value_and_a_debt_is_nothing(scorer, frames):
    frame = frames(3, seed=1)
    frame["balance_mean_90d"] = [100.0, -50.0, np.nan]
    scores = scorer.score(frame, "g")
    assert scores["value_at_risk"][0] == pytest.approx(100 * scores["churn_probability"][0])
    assert scores["value_at_risk"][1] == 0
    assert math.isnan(scores["value_at_risk"][2])


def test_segments_are_the_likeliest_of_each_booster(scorer, frames):
    frame = frames(100, seed=4)
    scores = scorer.score(frame, "g")
    model = scorer.segmentation
    shares = model.booster.predict(model.manifest.encode(frame))
    following = model.following.predict(model.manifest.encode(frame))
    assert scores["segment"].tolist() == [model.card.segments[at] for at in shares.argmax(axis=1)]
    assert np.allclose(scores["segment_probability"], shares.max(axis=1), atol=1e-12)
    assert np.allclose(scores["next_segment_probability"], following.max(axis=1), atol=1e-12)


def test_without_a_segmentation_its_columns_are_null(retention, frames):
    scores = Scorer(retention).score(frames(3), "g")
    nulls = ["segment", "segment_probability", "next_segment", "next_segment_probability"]
    assert scores[[*nulls, "segmentation_version"]].isna().all(axis=None)


@settings(deadline=None)
@given(size=st.integers(1, 60), seed=st.integers(0, 3), order=st.randoms(use_true_random=False))
def test_a_score_does_not_depend_on_the_rows_beside_it(scorer, frames, size, seed, order):
    frame = frames(60, seed=seed)
    rows = order.sample(range(60), size)
    whole = scorer.score(frame, "g").iloc[rows].reset_index(drop=True)
    part = scorer.score(frame.iloc[rows].reset_index(drop=True), "g")
    pd.testing.assert_frame_equal(part, whole, rtol=0, atol=1e-12)


def test_reasons_are_the_three_strongest_pushes_upwards_in_words(scorer, frames):
    frame = frames(100, seed=5)
    scores = scorer.score(frame, "g")
    names = scorer.retention.manifest.names
    pushes = scorer.retention.booster.predict(
        scorer.retention.manifest.encode(frame), pred_contrib=True
    )[:, :-1]
    for row, reasons in enumerate(scores["reasons"]):
        told = sorted((push, name) for push, name in zip(pushes[row], names, strict=True))
        expected = [name for push, name in reversed(told) if push > 0][:3]
        assert [reason.feature for reason in reasons] == expected
        for reason in reasons:
            assert reason.contribution == pytest.approx(pushes[row][names.index(reason.feature)])
            assert reason.contribution > 0
            value = frame[reason.feature][row]
            assert reason.value == value or (reason.value is None and pd.isna(value))


def test_contributions_of_all_features_sum_to_the_margin(scorer, frames):
    matrix = scorer.retention.manifest.encode(frames(50))
    booster = scorer.retention.booster
    pushes = booster.predict(matrix, pred_contrib=True)
    assert np.allclose(pushes.sum(axis=1), booster.predict(matrix, raw_score=True), atol=1e-9)


def test_an_unseen_category_and_a_missing_value_are_scored(scorer, frames):
    frame = frames(2)
    frame["customer_occupation"] = ["astronaut", None]
    frame["recency_days"] = np.nan
    assert np.isfinite(scorer.score(frame, "g")["churn_probability"]).all()


def test_an_infinite_value_is_refused_by_customer(scorer, frames):
    frame = frames(2)
    frame.loc[1, "balance_mean_90d"] = np.inf
    with pytest.raises(BadInput, match="value_at_risk of customer 'C000001' is not finite"):
        scorer.score(frame, "g")


def test_a_missing_column_is_named(scorer, frames):
    with pytest.raises(BadInput, match="feature columns are missing: recency_days"):
        scorer.score(frames(2).drop(columns="recency_days"), "g")


def test_no_customers_give_an_empty_table_with_every_column(scorer, frames):
    assert list(scorer.score(frames(0), "g").columns) == list(SCORE_COLUMNS)
