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


@given(NUMBERS)
def test_rounding_keeps_order_and_nine_digits(values: list[float]) -> None:
    x = np.sort(np.array(values, dtype=float))
    found = ranks.rounded(x)
    assert (np.diff(found) >= 0).all()
    assert found == pytest.approx(x, rel=1e-9, abs=0)
    assert (ranks.rounded(found) == found).all()
    assert (ranks.rounded(-x) == -found).all()


def test_rounding_leaves_gaps_and_infinities() -> None:
    found = ranks.rounded(np.array([np.nan, np.inf, -np.inf, 0.0, 5e-324, 1e308]))
    assert np.isnan(found[0])
    assert found[1:].tolist() == pytest.approx(
        [np.inf, -np.inf, 0.0, 0.0, 1e308], rel=1e-9, abs=1e-300
    )


@given(st.floats(1e-6, 1e9), st.integers(1, 40))
def test_noise_in_the_last_digits_is_rounded_away(value: float, steps: int) -> None:
    grid = float(ranks.rounded(np.array([value]))[0])
    noisy = grid * (1 + np.array([-steps, 0, steps]) * 1e-15)
    assert len(np.unique(ranks.rounded(noisy))) == 1


@given(NUMBERS, NUMBERS)
def test_transport_turns_the_bank_of_one_month_into_that_of_the_next(
    before: list[float], after: list[float]
) -> None:
    months = [ranks.ranking(np.array(x, dtype=float), np.ones(len(x))) for x in (before, after)]
    moves = ranks.transport(*months)
    widths = [month.upper - month.lower for month in months]
    assert (moves >= 0).all()
    assert moves.sum(axis=1) == pytest.approx(np.ones(len(moves)))
    assert widths[0] @ moves == pytest.approx(widths[1], abs=1e-6)


def test_nobody_moves_when_the_bank_does_not() -> None:
    month = ranks.ranking(np.random.default_rng(0).poisson(3, 500).astype(float), np.ones(500))
    assert ranks.transport(month, month) == pytest.approx(np.eye(len(month.edges)))


def test_a_value_above_all_of_the_bank_stays_above_all() -> None:
    months = [ranks.ranking(np.zeros(10), np.ones(10))] * 2
    assert ranks.transport(*months).tolist() == [[1.0, 0.0], [0.0, 1.0]]
