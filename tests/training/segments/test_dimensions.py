"""Which dimensions make the segments, on customers whose truth is planted."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from training.segmentation import SegmentModel
from training.segments.clusters import stability
from training.segments.dimensions import STABLE, Fitted, fit_rule
from training.segments.separation import Outcomes, errors, explained, gain
from training.settings import SegmentationSettings

SETTINGS = SegmentationSettings(clusters_min=2, clusters_max=4, rounds=5, threads=1)
BEHAVIOUR = ("transactions_90d", "channels_365d", "gap_std_365d", "credit_90d", "debit_90d")


def people(rows: int = 1500, seed: int = 1, clusters: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers with ages and values, of planted behaviours or (0) of none."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, max(clusters, 1), rows)
    middles = random.permutation(5 * max(clusters, 1)).reshape(max(clusters, 1), 5) * 3.0
    noise = random.normal(size=(rows, 5))
    frame = pd.DataFrame(noise + (middles[kind] if clusters else 0.0), columns=list(BEHAVIOUR))
    frame["balance_usual"] = random.lognormal(8, 1, rows)
    frame["age_years"] = random.uniform(18, 90, rows)
    frame["customer_kind"] = np.where(random.random(rows) < 0.1, "business", "person")
    return frame, kind


def futures(frame: pd.DataFrame, rate: np.ndarray, seed: int = 2) -> Outcomes:
    """The value kept, and losses at these rates."""
    random = np.random.default_rng(seed)
    value = frame["balance_usual"].to_numpy() * random.lognormal(0, 0.2, len(frame))
    return Outcomes(value, (random.random(len(frame)) < rate).astype(float))


def fit(frame: pd.DataFrame, outcomes: Outcomes | None) -> Fitted:
    return fit_rule(frame, "balance_usual", BEHAVIOUR, SETTINGS, outcomes)


def by_age(frame: pd.DataFrame) -> np.ndarray:
    return np.where(frame["age_years"] < 30, 0.5, 0.05)


def test_noise_has_no_clusters_and_tier_and_stage_stand_alone():
    frame, _ = people()
    found = fit(frame, futures(frame, by_age(frame)))
    assert found.stability["refused"].all()
    assert (found.stability["adjusted_rand"] < STABLE).all()
    assert found.rule.ages == (30, 60)
    assert len(found.rule.centres) == 1
    assert any("value tier and life stage alone make the segments" in note for note in found.notes)
    assert not found.stability["chosen"].any()
    model = SegmentModel(SETTINGS).fit(frame, outcomes=futures(frame, by_age(frame)))
    assert model.notes == found.notes
    assert "low value · under 30" in model.names


def test_planted_clusters_are_kept_when_they_tell_who_leaves():
    frame, kind = people(clusters=3)
    found = fit(frame, futures(frame, np.array([0.02, 0.3, 0.7])[kind]))
    assert adjusted_rand_score(kind, found.rule.clusters(frame)) > 0.95
    chosen = found.stability[found.stability["chosen"]]
    assert chosen["clusters"].tolist() == [3]
    assert chosen["adjusted_rand"].iloc[0] > 0.95
    row = found.dimensions.set_index("scheme").loc["with 3 clusters"]
    assert row["churn_gain_low"] > 0
    assert not found.notes or "life stages" in found.notes[0]


def test_clusters_that_tell_nothing_of_the_future_are_left_out():
    frame, _ = people(clusters=3)
    found = fit(frame, futures(frame, by_age(frame)))
    assert not found.stability.set_index("clusters")["refused"][3]
    assert len(found.rule.centres) == 1
    assert found.notes == ("behaviour clusters tell nothing of the next quarter: left out",)


def test_stages_that_tell_nothing_of_the_future_are_left_out():
    frame, kind = people(clusters=3)
    found = fit(frame, futures(frame, np.array([0.02, 0.3, 0.7])[kind]))
    assert found.rule.ages is None
    assert any("life stages tell nothing" in note for note in found.notes)


def test_without_a_future_every_known_dimension_stands():
    frame, kind = people(clusters=3)
    found = fit(frame, None)
    assert found.rule.ages == (30, 60)
    assert adjusted_rand_score(kind, found.rule.clusters(frame)) > 0.95
    assert fit(frame.assign(age_years=np.nan), None).rule.ages is None
    assert fit(frame.drop(columns="age_years"), None).rule.ages is None


def test_stability_is_that_of_clusters_and_not_of_their_numbers():
    frame, _ = people(600, clusters=3)
    ranks = frame[list(BEHAVIOUR)].rank(pct=True).to_numpy()
    noise = np.random.default_rng(0).random((600, 6))
    with threadpool_limits(1):
        assert stability(ranks, 3, seed=0) > 0.95
        assert max(stability(noise, count, seed=0) for count in (2, 3)) < 0.6


def test_more_segments_alone_explain_nothing():
    random = np.random.default_rng(5)
    y = random.normal(size=2000)
    for count in (2, 20, 200):
        assert explained(random.integers(0, count, 2000), y, seed=1) < 0.005
    told = (y > 0).astype(int)
    variance_between = np.var([y[told == one].mean() for one in (0, 1)])
    assert explained(told, y, seed=1) == pytest.approx(variance_between / y.var(), abs=0.01)


def test_what_is_not_known_counts_neither_way():
    random = np.random.default_rng(6)
    y, segments = random.normal(size=500), random.integers(0, 3, 500)
    holes = np.where(random.random(500) < 0.3, np.nan, y)
    found = errors(segments, holes, seed=1)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(holes))
    better = gain(found, found * 0.9)
    assert better.low < better.value < better.high
    assert better.value == pytest.approx(0.1 * np.nanmean(found))
