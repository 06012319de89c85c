"""What contacting a customer is worth, against enumeration and brute force."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.profit import (
    ProfitSettings,
    contact_list,
    contact_threshold,
    contacted_shares,
    expected_profit,
)
from tests.profit_settings import drawn_settings

money = st.floats(0, 50)
settings = drawn_settings((50, 50), (0.5, 50), (1, 500))


def enumerated(p: float, value: float, given: ProfitSettings) -> float:
    """Every outcome of one contact with its probability, as the cost model words it."""
    accept = given.accept_alpha / (given.accept_alpha + given.accept_beta)
    outcomes = [
        (p * accept, value - given.offer_cost - given.contact_cost),  # would leave, accepts, stays
        (p * (1 - accept), -given.contact_cost),  # would leave, refuses, leaves
        (1 - p, -given.offer_cost - given.contact_cost),  # stays anyway, takes the offer
    ]
    return sum(chance * earned for chance, earned in outcomes)


@given(st.floats(0, 1), st.floats(-100, 1000), settings)
def test_the_expected_profit_is_the_sum_over_all_outcomes(p, value, chosen):
    ours = expected_profit([p], chosen, [value])
    assert ours[0] == pytest.approx(enumerated(p, value, chosen), abs=1e-9)
    usual = expected_profit(p, chosen)
    assert usual == pytest.approx(enumerated(p, chosen.customer_value, chosen), abs=1e-9)


def test_a_customer_whose_value_is_unknown_has_the_usual_one():
    chosen = ProfitSettings()
    known = expected_profit([0.4, 0.4], chosen, [np.nan, 900.0])
    assert known.tolist() == [expected_profit(0.4, chosen), expected_profit(0.4, chosen, 900.0)]
    assert known[0] < known[1]


@given(settings)
def test_a_contact_pays_above_the_threshold_and_nowhere_else(chosen):
    threshold = float(contact_threshold(chosen))
    for p in np.linspace(0, 1, 501):
        earned = enumerated(p, chosen.customer_value, chosen)
        if abs(earned) > 1e-9:
            assert (earned > 0) == (p > threshold)


@given(settings, st.lists(st.floats(-50, 2000), min_size=1, max_size=8))
def test_at_its_threshold_a_contact_is_worth_nothing_and_above_it_something(chosen, values):
    thresholds = contact_threshold(chosen, values)
    for threshold, value in zip(thresholds, values, strict=True):
        if threshold < 1:
            assert enumerated(threshold, value, chosen) == pytest.approx(0, abs=1e-8)
            assert enumerated((threshold + 1) / 2, value, chosen) >= -1e-8
        else:  # even a customer who surely leaves is not worth it
            assert enumerated(1.0, value, chosen) <= 1e-8


def test_a_gain_too_small_to_divide_by_is_no_reason_to_contact():
    tiny = ProfitSettings(offer_cost=1e-313)
    assert contact_threshold(tiny, [0.0, 1e-313]).tolist() == [np.inf, np.inf]


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.one_of(st.none(), st.floats(0, 900))), min_size=1, max_size=8
    ),
    st.one_of(st.none(), st.integers(1, 9)),
)
def test_no_other_list_within_the_capacity_earns_more(people, capacity):
    chosen = ProfitSettings(contact_capacity=capacity)
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{at}" for at in range(len(people))],
            "churn_probability": [p for p, _ in people],
            "worth": [np.nan if value is None else value for _, value in people],
        }
    )
    found = contact_list(frame, chosen, "worth")
    each = [enumerated(p, 200.0 if v is None else v, chosen) for p, v in people]
    sizes = range(min(len(people), capacity or len(people)) + 1)
    best = max(sum(part) for size in sizes for part in combinations(each, size))
    assert found["expected_profit"].sum() == pytest.approx(best, abs=1e-9)
    assert len(found) <= (capacity or len(people))
    assert (found["expected_profit"] > 0).all()
    assert found["expected_profit"].is_monotonic_decreasing


def test_a_list_names_customers_in_the_order_of_their_worth_and_ties_by_id():
    frame = pd.DataFrame(
        {"customer_id": ["d", "b", "a", "c"], "churn_probability": [0.5, 0.9, 0.5, 0.01]},
        index=[7, 7, 8, 9],
    )
    assert contact_list(frame, ProfitSettings())["customer_id"].tolist() == ["b", "a", "d"]
    first = ProfitSettings(contact_capacity=2)
    assert contact_list(frame, first)["customer_id"].tolist() == ["b", "a"]
    assert contact_list(frame.iloc[3:], first).empty
    assert frame.index.tolist() == [7, 7, 8, 9]


@given(
    st.lists(st.sampled_from([-2.0, 0.0, 1.0, 1.5, 3.0]), min_size=1, max_size=30),
    st.one_of(st.none(), st.floats(0.1, 40)),
)
def test_equal_customers_share_the_room_that_is_left(profits, capacity):
    profit = np.array(profits)
    shares = contacted_shares(profit, capacity)
    pays = (profit > 0).sum()
    assert shares.sum() == pytest.approx(pays if capacity is None else min(pays, capacity))
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (shares[profit <= 0] == 0).all()
    for one, other in combinations(range(len(profits)), 2):
        if profit[one] == profit[other]:
            assert shares[one] == shares[other]
        if profit[one] > profit[other] and shares[other] > 0:
            assert shares[one] == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30, unique=True), st.integers(1, 30))
def test_without_ties_shares_and_list_name_the_same_customers(probabilities, capacity):
    chosen = ProfitSettings(contact_capacity=capacity)
    frame = pd.DataFrame(
        {"customer_id": range(len(probabilities)), "churn_probability": probabilities}
    )
    profit = expected_profit(probabilities, chosen)
    assume(len(set(profit)) == len(profit))
    shares = contacted_shares(profit, capacity)
    assert set(shares) <= {0.0, 1.0}
    assert set(np.flatnonzero(shares)) == set(contact_list(frame, chosen)["customer_id"])


@pytest.mark.parametrize("wrong", [1.2, -0.1, np.nan])
def test_a_probability_or_an_acceptance_that_is_no_share_is_refused(wrong):
    with pytest.raises(BadInput, match=r"probability holds .*; write shares between 0 and 1"):
        expected_profit([0.2, wrong], ProfitSettings())
    with pytest.raises(BadInput, match="acceptance holds"):
        expected_profit([0.2], ProfitSettings(), acceptance=wrong)
