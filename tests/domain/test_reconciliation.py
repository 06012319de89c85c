"""A line comes out, or says what is missing."""

from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.reconciliation import EXACT_TO, Line, Reconciliation, Unreconciled

COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**9), min_size=1)
MONEY = st.lists(st.decimals(-(10**7), 10**7, places=2).map(float), min_size=1, max_size=200)


@given(COUNTS, st.integers(-3, 3))
def test_counts_come_out_exactly_or_not_at_all(parts: dict[str, int], off: int) -> None:
    line = Line("rows", sum(parts.values()) + off, parts)
    assert line.holds == (off == 0)


@given(MONEY, st.randoms())
def test_money_comes_out_in_any_order_but_not_without_a_part(amounts: list[float], random) -> None:
    other = random.sample(amounts, len(amounts))
    total, size = 0.0, fsum(map(abs, amounts))
    for amount in other:
        total += amount
    assert Line("money", total, {"in the table": fsum(amounts)}, size).holds
    lost = amounts[0]
    line = Line("money", total, {"in the table": fsum(amounts[1:])}, size)
    assert line.holds == (abs(lost) <= EXACT_TO * size)


def test_what_does_not_come_out_is_raised_with_its_difference() -> None:
    right, wrong = Line("rows", 3, {"scored": 3}), Line("rows", 3, {"scored": 2, "gone": 0})
    assert Reconciliation((), (right,)).require().broken == ()
    with pytest.raises(Unreconciled, match=r"3 is not 2 scored \+ 0 gone \(difference 1\)"):
        Reconciliation((), (right, wrong)).require()
