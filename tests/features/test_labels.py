"""Labels against hand-made cases and a plain Python oracle."""

from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.cutoffs import cutoff_instant
from domain.errors import BadInput
from features.engine import Tables, frame_of, tables_of
from features.labels import churn_labels, label_end, lost_by, require_two_classes
from features.settings import LabelSettings

DAY = date(2026, 3, 1)
# observation 30 days: from 30 January; gap to 11 March; outcome 20 days: up to 31 March, excluded
WINDOWS = {"observation_days": 30, "gap_days": 10, "outcome_days": 20}
ZONE = "Asia/Shanghai"
Rows = list[dict[str, Any]]


def bank(transactions: Rows, closed: dict[str, str] | None = None, zone: str = "UTC") -> Tables:
    # z only moves the beginning and the end of the data
    edges = [{"customer_id": "z", "posted_at": day} for day in ("2024-01-01", "2026-04-30")]
    numbered = [
        {"transaction_id": f"{at:04d}", "amount": -1.0} | row
        for at, row in enumerate([*transactions, *edges])
    ]
    ids = [row["customer_id"] for row in transactions] + list(closed or {}) + ["z"]
    customers = pd.DataFrame({"customer_id": sorted(set(ids)), "onboarded_on": "2023-01-01"})
    frames = {"customers": customers, "transactions": pd.DataFrame(numbered)}
    if closed:
        frames["closures"] = pd.DataFrame(
            {"customer_id": list(closed), "closed_on": list(closed.values())}
        )
    return tables_of(frames, zone)


def churned(tables: Tables, kind: str, as_of: Any = DAY, **options: Any) -> dict[str, int]:
    label = LabelSettings.model_validate({"kind": kind} | WINDOWS | options)
    found = frame_of(churn_labels(tables, as_of, label))
    assert list(found.columns) == ["customer_id", "as_of", "churned"]
    found = found[found["customer_id"] != "z"]
    return dict(zip(found["customer_id"], found["churned"], strict=True))


def test_closed_is_leaving_within_the_outcome_window() -> None:
    days = {
        "before": "2026-02-28",
        "gap": "2026-03-01",
        "gap_end": "2026-03-10",
        "first": "2026-03-11",
        "last": "2026-03-30",
        "after": "2026-03-31",
    }
    assert churned(bank([], days), "closed") == {"first": 1, "last": 1, "after": 0}


def test_silent_is_no_own_transaction_in_the_outcome_window() -> None:
    def two(who: str, then: str, **more: Any) -> Rows:
        return [
            {"customer_id": who, "posted_at": "2026-02-01"},
            {"customer_id": who, "posted_at": then} | more,
        ]

    tables = bank(
        [
            *two("in the gap only", "2026-03-10 23:59"),
            *two("on the first day", "2026-03-11"),
            *two("on the last day", "2026-03-30 23:59"),
            *two("too late", "2026-03-31"),
            *two("by the bank only", "2026-03-15", initiated_by_customer=False),
            *two("by whom unknown", "2026-03-15", initiated_by_customer=None),
            {"customer_id": "gone already", "posted_at": "2026-01-29 23:59"},
            {"customer_id": "gone already", "posted_at": "2026-03-15"},
            {"customer_id": "seen on the first day", "posted_at": "2026-01-30"},
        ]
    )
    assert churned(tables, "silent") == {
        "in the gap only": 1,
        "on the first day": 0,
        "on the last day": 0,
        "too late": 1,
        "by the bank only": 1,
        "by whom unknown": 0,
        "seen on the first day": 1,
    }


def test_whoever_closes_within_the_gap_is_silent_and_lost() -> None:
    tables = bank([{"customer_id": "a", "posted_at": "2026-02-20"}], {"a": "2026-03-05"})
    assert churned(tables, "silent") == {"a": 1}
    assert churned(tables, "closed") == {}


def test_zero_balance_is_a_balance_that_ran_out() -> None:
    def balances(who: str, **by_day: float | None) -> Rows:
        return [
            {"customer_id": who, "posted_at": f"2026-{day[1:3]}-{day[3:]}", "balance_after": money}
            for day, money in by_day.items()
        ]

    tables = bank(
        [
            *balances("ran out", d0201=50.0, d0320=1.0),
            *balances("ran out in the gap", d0201=50.0, d0305=0.0),
            *balances("came back", d0201=50.0, d0305=0.0, d0330=9.0),
            *balances("ran out later", d0201=50.0, d0331=0.0),
            *balances("out already", d0201=50.0, d0228=0.5, d0320=0.0),
            *balances("not seen for long", d0101=50.0, d0320=-3.0),
            *balances("unknown at the end", d0201=50.0, d0320=None),
            *balances("never known", d0201=None),
        ]
    )
    assert churned(tables, "zero_balance") == {
        "ran out": 1,
        "ran out in the gap": 1,
        "came back": 0,
        "ran out later": 0,
        "not seen for long": 1,
        "unknown at the end": 0,
    }


def test_balance_attrition_compares_the_means_of_the_windows() -> None:
    def means(who: str, before: list[float], gap: list[float], after: list[float]) -> Rows:
        days = ("2026-02-10", "2026-03-05", "2026-03-20")
        return [
            {"customer_id": who, "posted_at": day, "balance_after": money}
            for day, values in zip(days, (before, gap, after), strict=True)
            for money in values
        ]

    tables = bank(
        [
            *means("fell", [100, 300], [], [99]),
            *means("just not", [100, 300], [], [100]),
            *means("fell in the gap", [200], [90, 80], []),
            *means("nothing happened", [300, 200], [], []),
            *means("the gap does not count", [200], [1], [200]),
            *means("never above zero", [-5, 5], [], [-50]),
            *means("not observed", [], [100], [1]),
        ]
    )
    assert churned(tables, "balance_attrition", balance_ratio=0.5) == {
        "fell": 1,
        "just not": 0,
        "fell in the gap": 1,
        "nothing happened": 0,
        "the gap does not count": 0,
    }


@pytest.mark.parametrize("kind", ["silent", "zero_balance", "balance_attrition"])
def test_the_set_goes_by_what_had_arrived_at_the_cutoff(kind: str) -> None:
    def seen(who: str, arrived: str | None) -> Rows:
        known = {"customer_id": who, "posted_at": "2026-02-01", "balance_after": 50.0}
        return [{**known, "available_at": arrived}]

    rows = [*seen("in time", "2026-03-01"), *seen("late", "2026-03-02"), *seen("at once", None)]
    assert set(churned(bank(rows), kind)) == {"in time", "at once"}


def test_the_outcome_goes_by_what_happened_whenever_it_arrived() -> None:
    late = {"posted_at": "2026-03-15", "available_at": "2026-06-01"}
    rows: Rows = [{"posted_at": "2026-02-01"}, late]
    assert churned(bank([{"customer_id": "a"} | row for row in rows]), "silent") == {"a": 0}


def test_windows_are_days_of_the_bank() -> None:
    posted = ["2026-02-20", "2026-03-10 16:00"]  # 11 March, 00:00 in Shanghai
    rows = [{"customer_id": "a", "posted_at": time} for time in posted]
    assert churned(bank(rows, zone=ZONE), "silent") == {"a": 0}
    assert churned(bank(rows), "silent") == {"a": 1}


def test_customers_closed_before_or_onboarded_after_are_not_in_the_set() -> None:
    tables = bank([{"customer_id": "a", "posted_at": "2026-02-20"}], {"a": "2026-02-28"})
    assert churned(tables, "silent") == {}


def test_data_end_on_the_day_after_the_last() -> None:
    assert label_end(bank([])) == date(2026, 5, 1)
    assert label_end(bank([], {"a": "2035-05-03"})) == date(2026, 5, 1)  # announced, not seen
    late = bank([{"customer_id": "a", "posted_at": "2026-04-30 20:00"}], zone=ZONE)
    assert label_end(late) == date(2026, 5, 2)


def test_an_outcome_window_may_end_with_the_data_and_not_later() -> None:
    tables = bank([])
    label = LabelSettings.model_validate({"kind": "silent"} | WINDOWS)
    churn_labels(tables, date(2026, 4, 1), label)
    with pytest.raises(BadInput, match=r"cut-off 2026-04-02 is known only from 2026-05-02 .*up to"):
        churn_labels(tables, [DAY, date(2026, 4, 2)], label)


def test_a_cutoff_before_all_data_is_refused() -> None:
    with pytest.raises(BadInput, match="cut-off 2024-01-01 is before all data"):
        churn_labels(bank([]), [DAY, date(2024, 1, 1)], LabelSettings())


def test_no_transaction_at_all_is_refused() -> None:
    customers = pd.DataFrame({"customer_id": ["a"], "onboarded_on": ["2020-01-01"]})
    with pytest.raises(BadInput, match="'transactions' is empty"):
        label_end(tables_of({"customers": customers}))


@pytest.mark.parametrize("values", [[], [0, 0], [1]])
def test_one_class_is_no_label(values: list[int]) -> None:
    with pytest.raises(BadInput, match="a model needs both"):
        require_two_classes(pd.DataFrame({"churned": values}))


def test_two_classes_are_a_label() -> None:
    require_two_classes(pd.DataFrame({"churned": [0, 1, 0]}))


posted = st.builds(
    lambda who, hours, balance, own, late: {
        "customer_id": who,
        "posted_at": datetime(2026, 1, 10) + timedelta(hours=hours),
        "available_at": late and datetime(2026, 1, 10) + timedelta(hours=hours + late),
        "balance_after": balance,
        "initiated_by_customer": own,
    },
    st.sampled_from("abcdef"),
    st.integers(0, 24 * 85),
    st.none() | st.sampled_from([-5.0, 0.0, 1.0, 2.0, 40.0, 100.0]),
    st.sampled_from([True, False, None]),
    st.none() | st.integers(1, 24 * 30),
)
left = st.dictionaries(
    st.sampled_from("abcdef"),
    st.integers(0, 90).map(lambda day: str(date(2026, 1, 15) + timedelta(days=day))),
    max_size=4,
)


def oracle(
    rows: Rows,
    closed: dict[str, str],
    kind: str,
    day: date,
    first_day: int = 10,
    last_day: int = 30,
) -> dict[str, int]:
    """The label of each customer of the set, customer by customer."""
    starts = [day - timedelta(30), day, day + timedelta(first_day), day + timedelta(last_day)]
    observed, at, first, end = (cutoff_instant(start, ZONE) for start in starts)
    labels = {}
    for who in sorted({row["customer_id"] for row in rows} | set(closed)):
        gone = date.fromisoformat(closed[who]) if who in closed else date.max
        if gone < day:
            continue
        mine = sorted(
            (
                row["posted_at"],
                place,
                row["balance_after"],
                row["initiated_by_customer"] is not False,
                row["available_at"] is None or row["available_at"] <= at,
            )
            for place, row in enumerate(rows)
            if row["customer_id"] == who and row["posted_at"] < end
        )
        known = [(time, money) for time, _, money, _, _ in mine if money is not None]
        told = [(time, money) for time, _, money, _, here in mine if money is not None and here]
        if kind == "closed" and gone >= starts[2]:
            labels[who] = int(gone < starts[3])
        if kind == "silent":
            times = [time for time, _, _, own, _ in mine if own]
            if any(observed <= time < at for time, _, _, own, here in mine if own and here):
                labels[who] = int(not any(time >= first for time in times))
        if kind == "zero_balance":
            before = [money for time, money in told if time < at]
            if before and before[-1] > 1:
                labels[who] = int(known[-1][1] <= 1)
        if kind == "balance_attrition":
            before = [money for time, money in told if observed <= time < at]
            after = [money for time, money in known if time >= first]
            after = after or [money for _, money in known[-1:]]
            if before and sum(before) > 0:
                labels[who] = int(sum(after) / len(after) < 0.5 * (sum(before) / len(before)))
    return labels


few = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
KINDS = ["closed", "silent", "zero_balance", "balance_attrition"]


@few
@given(st.lists(posted, min_size=5, max_size=60), left, st.sampled_from(KINDS))
def test_labels_equal_plain_python(rows: Rows, closed: dict[str, str], kind: str) -> None:
    tables = bank(rows, closed, ZONE)
    days = [date(2026, 2, 11), DAY]
    label = LabelSettings.model_validate({"kind": kind, "balance_ratio": 0.5} | WINDOWS)
    found = frame_of(churn_labels(tables, days, label))
    for day in days:
        mine = found[(found["as_of"] == day) & (found["customer_id"] != "z")]
        labels = dict(zip(mine["customer_id"], mine["churned"], strict=True))
        assert labels == oracle(rows, closed, kind, day)


@few
@given(st.lists(posted, min_size=5, max_size=60), left, st.sampled_from(KINDS))
def test_lost_by_equals_plain_python_and_looks_no_further_than_the_horizon(
    rows: Rows, closed: dict[str, str], kind: str
) -> None:
    tables, horizons = bank(rows, closed, ZONE), (5, 20, 40)
    label = LabelSettings.model_validate({"kind": kind, "balance_ratio": 0.5} | WINDOWS)
    found = frame_of(lost_by(tables, DAY, label, horizons))
    found = found[found["customer_id"] != "z"].set_index("customer_id")
    lost: dict[str, int] = {}
    for horizon in horizons:  # the oracle is given no row from the end of the horizon on
        first = 10 + horizon - 20 if kind == "silent" else 10
        now = oracle(rows, closed, kind, DAY, first, 10 + horizon)
        lost = {who: max(one, lost.get(who, 0)) for who, one in now.items()}
        assert found[f"lost_{horizon}d"].to_dict() == lost


def test_silence_takes_as_long_at_every_horizon_and_who_comes_back_stays_lost() -> None:
    # silent is 20 days; the first horizon ends on 15 March, excluded: silent from 24 February on
    days = {"back": "2026-02-23", "before": "2026-02-23", "on": "2026-02-24"}
    rows = [{"customer_id": who, "posted_at": day} for who, day in days.items()]
    rows.append({"customer_id": "back", "posted_at": "2026-03-20"})
    label = LabelSettings.model_validate({"kind": "silent"} | WINDOWS)
    found = frame_of(lost_by(bank(rows), DAY, label, (5, 20))).set_index("customer_id")
    assert found.loc[list(days), "lost_5d"].tolist() == [1, 1, 0]
    assert found.loc[list(days), "lost_20d"].tolist() == [1, 1, 1]


def test_a_horizon_may_end_with_the_data_and_not_later() -> None:
    label = LabelSettings.model_validate({"kind": "closed"} | WINDOWS)
    tables = bank([{"customer_id": "a", "posted_at": "2026-02-20"}])
    assert len(frame_of(lost_by(tables, DAY, label, (20, 51))))  # to the 1st of May, excluded
    with pytest.raises(BadInput, match="known only from 2026-05-02"):
        lost_by(tables, DAY, label, (20, 52))
