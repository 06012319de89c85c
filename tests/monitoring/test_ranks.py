"""Ranks within a month: ties, levels, scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special

from monitoring import ranks

NUMBERS = st.lists(st.one_of(st.integers(-5, 5), st.floats(-1e9, 1e9)), min_size=1, max_size=400)


@given(NUMBERS)
def test_the_ranks_of_a_value_are_the_shares_below_and_up_to_its_level(values: list[float]) -> None:
    x = np.array(values, dtype=float)
    ranking = ranks.ranking(x, np.ones(len(x)))
    level = ranking.level(x)
    for at in np.unique(level):
        assert ranking.lower[at] == pytest.approx((level < at).mean())
        assert ranking.upper[at] == pytest.approx((level <= at).mean())
    assert all(x[level < at].max() < x[level == at].min() for at in np.unique(level)[1:])


@given(NUMBERS, st.integers(0, 2**32 - 1))
def test_every_score_has_mean_zero_over_its_month(values: list[float], seed: int) -> None:
    x = np.array(values, dtype=float)
    weight = np.random.default_rng(seed).uniform(0.5, 4, len(x))
    ranking = ranks.ranking(x, weight)
    scores = ranks.rank_scores(ranking.lower, ranking.upper, 4)[ranking.level(x)]
    assert weight @ scores / weight.sum() == pytest.approx(np.zeros(4), abs=1e-6)


def test_scores_are_the_mean_polynomial_over_the_interval() -> None:
    lower, upper = np.array([0.0, 0.2, 0.3]), np.array([0.2, 0.3, 1.0])
    found = ranks.rank_scores(lower, upper, 3)
    for at, (low, high) in enumerate(zip(lower, upper, strict=True)):
        for degree in (1, 2, 3):
            area = integrate.quad(lambda u, k=degree: special.eval_sh_legendre(k, u), low, high)[0]
            expected = area / (high - low) * np.sqrt(2 * degree + 1)
            assert found[at, degree - 1] == pytest.approx(expected, abs=1e-9)


def test_levels_are_few_and_a_common_value_is_one_of_its_own() -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(size=5000), np.full(1000, 0.25)])
    ranking = ranks.ranking(x, np.ones(len(x)))
    assert len(ranking.edges) <= 2 * ranks.LEVELS
    alone = ranking.level(np.array([0.25]))[0]
    assert set(x[ranking.level(x) == alone]) == {0.25}
    assert np.bincount(ranking.level(x)).max() == 1000


def test_values_without_weight_do_not_shape_the_ranking() -> None:
    x = np.array([1.0, 2.0, 3.0, 50.0])
    ranking = ranks.ranking(x, np.array([1.0, 1.0, 1.0, 0.0]))
    assert ranking.lower[ranking.level(x)].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_a_month_without_values_has_a_ranking_too() -> None:
    assert ranks.ranking(np.array([]), np.array([])).level(np.array([3.0])).tolist() == [0]
