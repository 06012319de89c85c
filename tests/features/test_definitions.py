"""Features beyond the canonical ones, and the edges of all, by hand-made cases."""

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.engine import tables_of
from tests.features.statements import feature_rows

DAY = date(2026, 3, 1)


def row(
    transactions: list[dict[str, Any]] | None = None,
    as_of: date = DAY,
    timezone: str = "UTC",
    holdings: list[dict[str, Any]] | None = None,
    events: list[dict[str, Any]] | None = None,
    **customer: Any,
) -> pd.Series:
    frames = {
        "customers": pd.DataFrame([{"customer_id": "a", "onboarded_on": "2020-01-01"} | customer])
    }
    if transactions:
        numbered = [
            {"transaction_id": f"{at:03d}", "customer_id": "a", "amount": -1.0} | posted
            for at, posted in enumerate(transactions)
        ]
        frames["transactions"] = pd.DataFrame(numbered)
    if holdings:
        frames["holdings"] = pd.DataFrame([{"customer_id": "a"} | held for held in holdings])
    if events:
        numbered = [
            {"event_id": str(at), "customer_id": "a"} | event for at, event in enumerate(events)
        ]
        frames["service_events"] = pd.DataFrame(numbered)
    found = feature_rows(tables_of(frames, timezone), [as_of])
    assert len(found) == 1
    return found.iloc[0]


def paid(posted_at: str, amount: float = 2000.0, category: str = "salary") -> dict[str, Any]:
    return {"posted_at": posted_at, "amount": amount, "category": category}


def test_a_row_at_the_cutoff_itself_is_the_future() -> None:
    found = row([{"posted_at": "2026-03-01 00:00:00"}, {"posted_at": "2026-02-28 23:59:59.999999"}])
    assert found["transactions_30d"] == 1
    assert found["recency_days"] == pytest.approx(1e-6 / 86400, rel=1e-12)


def test_a_row_at_the_start_of_a_window_is_inside_it() -> None:
    found = row([{"posted_at": "2026-01-30 00:00:00"}, {"posted_at": "2026-01-29 23:59:59"}])
    assert (found["transactions_30d"], found["transactions_90d"]) == (1, 2)


@pytest.mark.parametrize(("available", "seen"), [("2026-03-01", 1), ("2026-03-01 00:00:01", 0)])
def test_a_row_counts_from_the_moment_it_arrived(available: str, seen: int) -> None:
    posted = {"posted_at": "2026-02-20", "available_at": available}
    assert row([posted])["transactions_30d"] == seen


def test_the_cutoff_is_midnight_at_the_bank() -> None:
    # 16:00 UTC on 28 February is the first moment of March in Shanghai
    posted = [{"posted_at": "2026-02-28 15:59:59"}, {"posted_at": "2026-02-28 16:00:00"}]
    assert row(posted, timezone="Asia/Shanghai")["transactions_30d"] == 1


def test_a_window_over_the_change_to_summer_time_begins_at_local_midnight() -> None:
    # Prague leaves winter time on 29 March 2026: 30 days before 15 April is 16 March, 23:00 UTC
    posted = [{"posted_at": "2026-03-15 23:00:00"}, {"posted_at": "2026-03-15 22:59:59"}]
    found = row(posted, as_of=date(2026, 4, 15), timezone="Europe/Prague")
    assert found["transactions_30d"] == 1


def test_the_29th_of_february_is_a_day_like_others() -> None:
    posted = pd.DataFrame(
        {
            "transaction_id": ["1", "2"],
            "customer_id": "a",
            "amount": 1.0,
            "posted_at": ["2024-02-29 12:00", "2023-03-01 12:00"],
        }
    )
    customers = pd.DataFrame({"customer_id": ["a"], "onboarded_on": ["2020-01-01"]})
    days = [date(2024, 2, 29), date(2024, 3, 1), date(2025, 2, 28), date(2025, 3, 1)]
    found = feature_rows(tables_of({"customers": customers, "transactions": posted}), days)
    assert found.sort_values("as_of")["transactions_365d"].tolist() == [1, 1, 1, 0]


def test_months_are_those_of_the_banks_calendar() -> None:
    posted = [{"posted_at": "2026-01-31 15:59"}, {"posted_at": "2026-01-31 16:00"}]
    assert row(posted, timezone="Asia/Shanghai")["active_months_365d"] == 2
    assert row(posted)["active_months_365d"] == 1


def test_a_tie_in_time_is_settled_by_the_largest_id() -> None:
    posted = [
        {"posted_at": "2026-02-01", "transaction_id": "9", "balance_after": 9.0},
        {"posted_at": "2026-02-01", "transaction_id": "10", "balance_after": 10.0},
    ]
    assert row(posted)["balance_last"] == 9.0


def test_the_latest_row_without_a_balance_leaves_no_balance() -> None:
    posted = [
        {"posted_at": "2026-02-01", "balance_after": 5.0},
        {"posted_at": "2026-02-02", "balance_after": None},
    ]
    assert np.isnan(row(posted)["balance_last"])
    assert row(posted)["balance_mean_30d"] == 5.0


@pytest.mark.parametrize(
    ("posted", "usual"),
    [
        ([("2026-02-01", 100.0), ("2026-01-01", 300.0), ("2025-06-01", 9.0)], 200.0),
        ([("2025-06-01", 9.0), ("2025-05-01", 700.0)], 9.0),  # dormant for 9 months
        ([("2022-06-01", 7.0)], 7.0),  # dormant for years
        ([("2026-02-01", None), ("2026-01-01", 300.0)], 300.0),
        ([], None),
    ],
)
def test_the_usual_balance_is_the_last_one_of_a_customer_gone_quiet(
    posted: list[tuple[str, float | None]], usual: float | None
) -> None:
    found = row([{"posted_at": day, "balance_after": balance} for day, balance in posted])
    assert found["balance_usual"] == usual or (usual is None and np.isnan(found["balance_usual"]))


def test_gaps_are_between_rows_of_the_same_year_only() -> None:
    posted = [{"posted_at": "2025-02-28"}, {"posted_at": "2026-02-01"}, {"posted_at": "2026-02-04"}]
    found = row(posted)
    assert found["gap_mean_365d"] == 3.0
    assert np.isnan(found["gap_std_365d"])


def test_own_transactions_are_what_the_bank_did_not_initiate() -> None:
    posted = [
        {"posted_at": "2026-02-19", "initiated_by_customer": True},
        {"posted_at": "2026-02-20", "initiated_by_customer": None},
        {"posted_at": "2026-02-27", "initiated_by_customer": False},
    ]
    found = row(posted)
    assert (found["recency_days"], found["own_recency_days"]) == (2.0, 9.0)
    assert (found["transactions_90d"], found["own_transactions_90d"]) == (3, 2)


def test_trends_compare_a_customer_with_their_own_past() -> None:
    posted = [
        {"posted_at": "2026-02-20", "amount": -30.0, "balance_after": 100.0},
        {"posted_at": "2026-01-10", "amount": -30.0, "balance_after": 400.0},
        {"posted_at": "2025-06-10", "amount": -60.0, "balance_after": 9000.0},
    ]
    found = row(posted)
    assert found["transactions_trend"] == 1.5
    assert found["debit_trend"] == pytest.approx(60 / 90 / (120 / 365))
    assert np.isnan(found["credit_trend"])
    assert found["balance_change"] == 100.0 - 250.0


def test_salary_regularity_looks_at_salaries_and_pensions_received() -> None:
    posted = [
        paid("2025-12-25", 1000.0),
        paid("2026-01-25", 2000.0, "pension"),
        paid("2026-02-25", 3000.0),
        paid("2026-02-26", -9.0),
        paid("2026-02-27", 9.0, "gift"),
    ]
    found = row(posted)
    assert found["salary_months_180d"] == 3
    assert found["salary_days_since"] == 4.0
    assert found["salary_variation_365d"] == 0.5


def test_products_count_from_the_day_after_opening_to_the_day_of_closing() -> None:
    holdings = [
        {"product": "current", "opened_on": "2020-01-01", "closed_on": None},
        {"product": "Credit Card", "opened_on": "2026-02-28", "closed_on": "2026-03-01"},
        {"product": "loan", "opened_on": "2025-03-01", "closed_on": "2026-02-28"},
        {"product": "wealth", "opened_on": "2026-03-01", "closed_on": None},
    ]
    found = row(holdings=holdings)
    names = [
        "products_held",
        "products_opened_365d",
        "products_closed_365d",
        "has_card",
        "has_loan",
    ]
    assert found[names].tolist() == [2, 2, 1, 1, 0]


def test_a_complaint_is_open_until_it_was_settled_before_the_cutoff() -> None:
    events = [
        {"kind": "complaint", "occurred_at": "2024-01-01", "resolved_at": None},
        {"kind": "complaint", "occurred_at": "2025-12-31", "resolved_at": "2026-03-01"},
        {"kind": "complaint", "occurred_at": "2025-08-01", "resolved_at": "2026-02-28 23:59"},
        {"kind": "complaint", "occurred_at": "2026-02-01", "available_at": "2026-03-02"},
        {"kind": "contact", "occurred_at": "2026-02-01"},
        {"kind": "survey", "occurred_at": "2026-02-01", "satisfaction": 2.0},
        {"kind": "survey", "occurred_at": "2026-02-02", "satisfaction": 5.0},
        {"kind": "survey", "occurred_at": "2026-03-02", "satisfaction": 1.0},
    ]
    found = row(events=events)
    assert (found["complaints_90d"], found["complaints_365d"]) == (1, 2)
    assert (found["open_complaints"], found["contacts_90d"]) == (2, 1)
    assert found["satisfaction_mean_365d"] == 3.5


def test_attributes_come_from_the_customer() -> None:
    found = row(birth_date="1986-03-01", occupation="nurse", income_band="B", kind="person")
    assert found["age_years"] == pytest.approx(40, abs=0.01)
    assert found["tenure_days"] == (DAY - date(2020, 1, 1)).days
    assert found["customer_occupation"] == "nurse"
    assert (found["customer_income_band"], found["customer_kind"]) == ("B", "person")


def test_unknown_attributes_are_missing() -> None:
    found = row()
    assert np.isnan(found["age_years"])
    assert found["customer_kind"] is None


def test_times_may_be_python_datetimes() -> None:
    assert row([{"posted_at": datetime(2026, 2, 1)}])["transactions_30d"] == 1
