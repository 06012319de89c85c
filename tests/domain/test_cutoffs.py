"""Cut-offs in the bank's time zone."""

from datetime import date, datetime, timedelta

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from domain.cutoffs import cutoff_instant, month_starts, months_before

# pandas 2 reads time zones by pytz, whose tables end in 2037
days = st.dates(date(1990, 1, 1), date(2037, 1, 1))


@given(days, st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Prague", "America/New_York"]))
def test_the_instant_is_local_midnight_as_pandas_sees_it(day, zone):
    expected = pd.Timestamp(day, tz=zone).tz_convert("UTC").tz_localize(None)
    assert cutoff_instant(day, zone) == expected


@given(days, st.integers(0, 60))
def test_months_before_agrees_with_pandas(day, months):
    assert months_before(day, months) == (pd.Timestamp(day) - pd.DateOffset(months=months)).date()


@given(days, st.integers(0, 900))
def test_month_starts_are_all_the_firsts_between(day, span):
    last = day + timedelta(days=span)
    expected = [stamp.date() for stamp in pd.date_range(day, last, freq="MS")]
    assert month_starts(day, last) == expected


def test_a_day_of_spring_forward_begins_at_its_own_midnight():
    assert cutoff_instant(date(2026, 3, 29), "Europe/Prague") == datetime(2026, 3, 28, 23)
    assert cutoff_instant(date(2026, 3, 30), "Europe/Prague") == datetime(2026, 3, 29, 22)
