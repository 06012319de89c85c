from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.segments.tiers import HELD, held_values, months_behind, with_held

EDGES = np.array([10.0, 20.0])
values = st.one_of(st.just(float("nan")), st.sampled_from([5.0, 9.9, 10.0, 15.0, 20.0, 25.0]))
histories = st.integers(1, 9).flatmap(
    lambda months: st.lists(
        st.lists(values, min_size=months, max_size=months), min_size=1, max_size=4
    )
)


def tier(value: float) -> int:
    return 0 if np.isnan(value) else int(value >= 10) + int(value >= 20)


def tiers_of_one_customer(history: list[float], months: int) -> list[int]:
    """Month by month: up at once; down to the best of the last months once all were below."""
    raw = [tier(value) for value in history]
    held = [raw[0]]
    for now in range(1, len(raw)):
        below = 0
        while below <= now and raw[now - below] < held[-1]:
            below += 1
        if below == 0:
            held.append(raw[now])
        elif below >= months:
            held.append(max(raw[now - months + 1 : now + 1]))
        else:
            held.append(held[-1])
    return held


@given(histories, st.integers(1, 5))
def test_tiers_rise_at_once_and_fall_after_the_months_below(histories, months):
    held = held_values(np.array(histories), months)
    found = [[tier(value) for value in row] for row in held]
    assert found == [tiers_of_one_customer(history, months) for history in histories]


def test_a_month_in_which_a_customer_was_not_there_holds_nothing_and_loses_nothing():
    def month(**value: float) -> pd.DataFrame:
        return pd.DataFrame({"customer_id": list(value), "balance": list(value.values())})

    frames = [month(a=30.0, b=1.0), month(b=2.0), month(c=3.0, a=4.0)]
    held = with_held(frames, "balance", months=3)
    assert held[0][HELD].tolist() == [30.0, 1.0]
    assert held[1][HELD].tolist() == [2.0]
    assert held[2].set_index("customer_id")[HELD].to_dict() == {"c": 3.0, "a": 30.0}
    assert with_held(frames, "balance", months=1)[2][HELD].tolist() == [3.0, 4.0]


@pytest.mark.parametrize(("months", "count"), [(1, 1), (3, 3), (9, 4)])
def test_the_months_behind_end_where_the_data_begin(months, count):
    days = months_behind(date(2026, 5, 1), months, date(2026, 1, 20))
    assert len(days) == count
    assert days[-1] == date(2026, 5, 1)
