import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, poisson

from features.engine import tables_of
from training.evaluation.fairness import calibration, difference, fairness_table, groups_of, worst


def test_groups_are_by_age_sex_and_density_and_unknown_where_nothing_is_known() -> None:
    people = pd.DataFrame(
        {"customer_id": list("abcd"), "onboarded_on": "2026-01-01", "sex": ["F", "M", None, "X"]}
    )
    rows = pd.DataFrame(
        {
            "customer_id": list("dbaba"),
            "age_years": [29.99, 30.0, np.nan, 60.0, 45.0],
            "customers_per_km2": [10.0, 9.99, np.nan, 11.0, 0.0],
        }
    )
    found = groups_of(tables_of({"customers": people}), rows, town_density=10)
    assert found["sex"].tolist() == ["other", "men", "women", "men", "women"]
    assert found["age"].tolist() == ["under 30", "30 to 44", "unknown", "60 and over", "45 to 59"]
    assert found["place"].tolist() == ["town", "country", "unknown", "town", "country"]


def table(size: int = 4_000, seed: int = 0, scale: float = 1.0) -> pd.DataFrame:
    """Losses that a probability foretells, but for women, whose losses are `scale` times it."""
    random = np.random.default_rng(seed)
    sex = np.where(np.arange(size) % 2 == 0, "women", "men")
    p = random.uniform(0.02, 0.2, size)
    y = (random.random(size) < np.where(sex == "women", scale * p, p)).astype(float)
    groups = pd.DataFrame({"sex": sex, "place": "town"})
    people = pd.Series(np.arange(size).astype(str))
    return fairness_table(y, p, (p > 0.15).astype(float), people, groups, 10).set_index("group")


def test_rates_and_shares_are_those_of_the_rows_of_a_group() -> None:
    y, p = np.array([1.0, 0, 0, 1, 0, 0]), np.array([0.5, 0.5, 0.25, 0.25, 0.25, 0.25])
    groups = pd.DataFrame({"sex": ["women"] * 2 + ["men"] * 4})
    people = pd.Series(list("abcdee"))
    found = fairness_table(y, p, np.array([1, 0, 0, 0, 0, 0.5]), people, groups, 1)
    women = found[found["group"] == "women"].iloc[0]
    men = found[found["group"] == "men"].iloc[0]
    assert (women.customers, men.customers) == (2, 3)
    assert (women.observed, women.predicted, women.ratio) == (0.5, 0.5, 1.0)
    assert (men.observed, men.predicted, men.ratio) == (0.25, 0.25, 1.0)
    assert (women.listed, men.listed) == (0.5, 0.125)
    assert women.gap == -men.gap == 0.375


def test_a_group_that_is_foretold_too_low_is_beyond_its_interval_and_the_others_are_not() -> None:
    found = table(scale=2.0)
    assert found.loc["women", "ratio_low"] > 1.5
    assert found.loc["men", "ratio_low"] < 1 < found.loc["men", "ratio_high"]


def test_an_attribute_with_one_group_says_nothing_and_small_groups_are_left_out() -> None:
    assert set(table().index) == {"women", "men"}
    groups = pd.DataFrame({"sex": ["women"] * 9 + ["men"] * 11})
    half = np.full(20, 0.5)
    found = fairness_table(half, half, half, pd.Series(np.arange(20)), groups, 10)
    assert found["group"].tolist() == ["men"]


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({"women": 30, "men": 40}, {"women", "men"}),
        ({"women": 30, "men": 40, "other": 3}, {"men"}),  # else all less both gives the three
        ({"women": 30, "men": 40, "other": 3, "unknown": 7}, {"women", "men"}),
        ({"men": 40, "other": 3}, set()),
    ],
)
def test_no_difference_of_what_is_told_is_about_too_few(
    sizes: dict[str, int], told: set[str]
) -> None:
    groups = pd.DataFrame({"sex": np.repeat(list(sizes), list(sizes.values()))})
    half = np.full(len(groups), 0.5)
    people = pd.Series(np.arange(len(groups)))
    found = fairness_table(half, half, half, people, groups, 10)
    assert set(found["group"][found["told"]]) == told


def test_rows_of_one_customer_do_not_make_a_group_large() -> None:
    groups = pd.DataFrame({"sex": ["women"] * 30 + ["men"] * 40 + ["other"] * 12})
    people = pd.Series([*range(70), *[70, 71, 72] * 4])  # three people at four cut-offs
    half = np.full(82, 0.5)
    found = fairness_table(half, half, half, people, groups, 10)
    assert set(found["group"]) == {"women", "men"}
    assert set(found["group"][found["told"]]) == {"men"}


def test_intervals_of_a_whole_table_hold_together() -> None:
    missed = 0
    for seed in range(200):
        found = table(400, seed)  # of a bank whose ratios are 1 and whose gaps are 0
        held = (found["ratio_low"] <= 1) & (found["ratio_high"] >= 1)
        missed += not (held & (found["gap_low"] <= 0) & (found["gap_high"] >= 0)).all()
    assert missed <= 17  # of 200: a true 5 % gives more once in 50 times


def test_the_error_of_a_table_is_shared_among_both_intervals_of_every_group() -> None:
    groups = pd.DataFrame({"sex": ["F", "M"] * 100, "place": ["town"] * 50 + ["country"] * 150})
    y, p = np.tile([1.0, 0, 0, 0], 50), np.full(200, 0.2)
    listed = np.r_[np.ones(20), np.zeros(180)]
    found = fairness_table(y, p, listed, pd.Series(np.arange(200)), groups, 10)
    side = 0.05 / (4 * 2) / 2  # four groups, two figures, two ends
    for group, lost, expected in (
        ("F", 50, 20),
        ("M", 0, 20),
        ("town", 13, 10),
        ("country", 37, 30),
    ):
        row = found[found["group"] == group].iloc[0]
        assert row["ratio"] == pytest.approx(lost / expected)
        assert poisson.cdf(lost, expected * row["ratio_high"]) == pytest.approx(side)
    town = found[found["group"] == "town"].iloc[0]
    one, other = 21 / 52, 1 / 152  # Agresti and Caffo: a success and a failure more in each
    reach = norm.isf(side) * np.sqrt(one * (1 - one) / 52 + other * (1 - other) / 152)
    assert town["gap"] == 0.4
    assert (town["gap_low"], town["gap_high"]) == pytest.approx(
        (one - other - reach, one - other + reach)
    )


@pytest.mark.parametrize("lost", [0, 1, 7, 40])
def test_the_interval_of_a_ratio_is_that_of_a_poisson_count(lost: int) -> None:
    y = np.r_[np.ones(lost), np.zeros(100 - lost)]
    found = calibration(y, np.full(100, 0.1), customers=100)
    assert found.value == pytest.approx(lost / 10)
    assert poisson.cdf(lost, 10 * found.high) == pytest.approx(0.025)
    if lost:
        assert poisson.sf(lost - 1, 10 * found.low) == pytest.approx(0.025)
    else:
        assert found.low == 0


def test_cutoffs_of_the_same_customers_narrow_no_interval() -> None:
    y = np.r_[np.ones(10), np.zeros(90)]
    once = calibration(y, np.full(100, 0.1), 100)
    twice = calibration(np.tile(y, 2), np.full(200, 0.1), 100)
    assert twice == pytest.approx(once)


def test_a_difference_of_shares_is_covered_even_in_small_groups() -> None:
    random, missed = np.random.default_rng(0), 0
    for _ in range(500):
        few, many = random.binomial(12, 0.1) / 12, random.binomial(900, 0.3) / 900
        found = difference(few, 12, many, 900)
        missed += not found.low <= -0.2 <= found.high
    assert missed <= 35  # of 500


def test_the_figures_of_a_run_are_the_farthest_ones() -> None:
    assert worst(pd.DataFrame({"ratio": [], "gap": []})) == {}
    found = worst(pd.DataFrame({"ratio": [1.3, 0.5, np.nan], "gap": [0.1, -0.3, 0.2]}))
    assert found == {"fairness_ratio": 0.5, "fairness_gap": 0.3}
