"""Margins of the year after a cut-off against plain Python, hour by hour."""

from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.cutoffs import cutoff_instant
from features.engine import frame_of, tables_of
from features.margins import yearly_margins
from features.settings import ValueSettings

DAY, ZONE = date(2025, 3, 1), "Asia/Shanghai"
RATES = ValueSettings(net_interest_margin=0.05, fee_on_turnover=0.01)
HOURS = 365 * 24

rows_of = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from("abc"),
            "hour": st.integers(-500, HOURS + 500),
            "amount": st.sampled_from([-30.0, 0.0, 12.5, 1000.0]),
            "balance_after": st.none() | st.sampled_from([-100.0, 0.0, 50.0, 4000.0]),
        }
    ),
    min_size=3,
    max_size=25,
    unique_by=lambda row: (row["customer_id"], row["hour"]),
)


def oracle(rows: list[dict[str, Any]], who: str, closed: int) -> float:
    """The balance of each hour of the year, and what was turned over in it."""
    mine = sorted((row for row in rows if row["customer_id"] == who), key=lambda row: row["hour"])
    known = [
        (row["hour"], row["balance_after"]) for row in mine if row["balance_after"] is not None
    ]
    held = 0.0
    for hour in range(HOURS):
        before = [money for at, money in known if at <= hour]
        held += max(before[-1], 0.0) if before and hour < closed else 0.0
    turned = sum(abs(row["amount"]) for row in mine if 0 <= row["hour"] < HOURS)
    return 0.05 * held / HOURS + 0.01 * turned


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # to shrink by the database takes minutes
)
@given(rows_of, st.none() | st.integers(1, 400))
def test_a_margin_is_what_balances_and_turnover_of_the_year_bring(rows, closed_day) -> None:
    start = cutoff_instant(DAY, ZONE)
    posted = [
        {**row, "transaction_id": f"{at:03d}", "posted_at": start + timedelta(hours=row["hour"])}
        for at, row in enumerate(rows)
    ]
    edges = [datetime(2024, 1, 1), datetime(2026, 6, 1)]
    posted += [
        {"customer_id": "z", "transaction_id": str(at), "posted_at": at, "amount": 1.0, "hour": 0}
        for at in edges
    ]
    frames = {
        "customers": pd.DataFrame({"customer_id": list("abcz"), "onboarded_on": "2023-01-01"}),
        "transactions": pd.DataFrame(posted).drop(columns="hour"),
    }
    if closed_day:
        gone = DAY + timedelta(days=closed_day)
        frames["closures"] = pd.DataFrame({"customer_id": ["a"], "closed_on": [gone]})
    found = frame_of(yearly_margins(tables_of(frames, ZONE), DAY, RATES)).set_index("customer_id")
    assert set(found.index) == set("abcz")
    for who in "abc":
        # a day of the bank, told in hours after the cut-off; the day is the bank's
        closed = 24 * closed_day if closed_day and who == "a" else HOURS
        assert found["margin"][who] == pytest.approx(oracle(rows, who, closed), abs=1e-9)
