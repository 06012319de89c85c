"""The tests against scipy's, in the middle and far out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitoring import ranks, statistics
from monitoring.statistics import Block, likelihood_ratio, q_values, score_test


@pytest.mark.parametrize(
    ("before", "after"),
    [([60, 30, 30], [55, 40, 28]), ([200, 9, 100], [230, 12, 80]), ([50, 50], [52, 48])],
)
def test_indicator_scores_give_pearsons_chi_square(before: list[int], after: list[int]) -> None:
    eye = np.eye(len(before))
    found = score_test(Block(np.array([before], float), np.array([after], float), eye), 30)
    oracle = stats.chi2_contingency(np.array([before, after]), correction=False)
    assert found.statistic[0] == pytest.approx(oracle.statistic, rel=1e-9)
    assert found.freedom[0] == oracle.dof
    assert found.p_value[0] == pytest.approx(oracle.pvalue, rel=1e-9)


def test_a_small_p_value_is_the_one_of_the_g_statistic() -> None:
    before, after = np.array([[300.0, 60, 40]]), np.array([[60.0, 30, 10]])
    found = score_test(Block(before, after, np.eye(3)), 30)
    table = np.vstack([before, after])
    oracle = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    assert oracle.pvalue < statistics.REFINE_BELOW
    assert found.statistic[0] == pytest.approx(oracle.statistic, rel=1e-6)


def test_the_first_rank_score_gives_wilcoxons_test() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.poisson(3, 150).astype(float), rng.poisson(3.3, 90).astype(float)
    both = ranks.ranking(np.concatenate([one, two]), np.ones(240))
    scores = ranks.rank_scores(both.lower, both.upper, 1)
    levels = len(both.edges)
    counts = [np.bincount(both.level(x), minlength=levels)[None].astype(float) for x in (one, two)]
    found = score_test(Block(counts[0], counts[1], scores), 30)
    oracle = stats.mannwhitneyu(one, two, method="asymptotic", use_continuity=False)
    z2 = stats.chi2.isf(oracle.pvalue, 1)
    assert found.statistic[0] * 239 / 240 == pytest.approx(z2, rel=1e-6)


@pytest.mark.parametrize("hits", [14, 17, 20])
def test_far_out_the_p_value_is_near_fishers_exact_where_pearsons_is_not(hits: int) -> None:
    before = np.array([[470.0 + hits, 30.0 - hits]])
    after = np.array([[100.0 - hits, float(hits)]])
    found = score_test(Block(before, after, np.eye(2)), 30).p_value[0]
    exact = stats.fisher_exact(np.vstack([before, after])).pvalue
    pearson = stats.chi2_contingency(np.vstack([before, after]), correction=False).pvalue
    assert 0.1 < found / exact < 3
    assert pearson / exact < 0.1


def test_p_values_are_uniform_without_drift_in_the_tail_too() -> None:
    rng = np.random.default_rng(7)
    share = np.linspace(0.2, 1.8, 40) / 40  # of a cell unlike its bank
    upper = np.arange(1, 41) / 40
    scores = ranks.rank_scores(upper - 1 / 40, upper, 4)
    for n, m in ((100, 100), (500, 100), (500, 1000)):
        before = rng.multinomial(n, share / share.sum(), 20_000).astype(float)
        after = rng.multinomial(m, share / share.sum(), 20_000).astype(float)
        p = score_test(Block(before, after, scores), 30).p_value
        for level in (0.5, 0.1, 0.05, 0.01):
            assert (p < level).mean() == pytest.approx(level, rel=0.15)
        assert (p < 1e-3).mean() < 1.6e-3


def test_a_rare_value_is_not_tested_on_fewer_than_five_expected_customers() -> None:
    before, after = np.array([[498.0, 2.0]]), np.array([[97.0, 3.0]])
    found = score_test(Block(before, after, np.eye(2)), 30)
    assert found.freedom[0] == 0
    assert found.p_value[0] == 1


def test_nothing_to_test_is_no_drift() -> None:
    eye = np.eye(2)
    empty, full, flat = np.zeros((1, 2)), np.array([[50.0, 50.0]]), np.array([[100.0, 0.0]])
    for before, after in ((empty, full), (full, empty), (empty, empty), (flat, flat)):
        assert score_test(Block(before, after, eye), 30).p_value[0] == 1


def test_samples_without_a_common_value_have_a_finite_likelihood_ratio() -> None:
    found = likelihood_ratio(np.eye(2)[:, :1], np.array([100.0, 0]), np.array([0, 100.0]))
    assert found == pytest.approx(400 * np.log(2), rel=1e-3)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_q_values_are_benjamini_and_hochbergs(p_values: list[float]) -> None:
    p = np.array(p_values)
    q, count = q_values(p), len(p)
    for at in range(count):
        worse = [value * count / (p <= value).sum() for value in p if value >= p[at]]
        assert q[at] == pytest.approx(min(1.0, *worse), abs=1e-12)


def test_no_tests_have_no_q_values() -> None:
    assert len(q_values(np.array([]))) == 0
