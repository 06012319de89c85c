"""The measures of data quality against plain counting, row by row."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cutoffs import cutoff_instant
from domain.intervals import wilson
from domain.tables import CUSTOMERS
from features.engine import frame_of, tables_of
from features.local_time import local_midnight
from features.quality.measure import measure
from features.quality.measured import Measure, Measured
from features.quality.report import ColumnQuality, QualityReport, TableQuality

ZONE = "Europe/Prague"
DAY = date(2020, 3, 1)


def found(measured: Measured, table: str, words: str, cell: str = "all") -> tuple[int, int]:
    """Rows that could be judged by the rule and those that are right; (0, 0) without any."""
    rows = measured.rows
    chosen = rows[(rows.table == table) & rows.rule.str.contains(words) & (rows.cell_id == cell)]
    assert len(chosen) <= 1
    return (int(chosen.checked.iloc[0]), int(chosen.good.iloc[0])) if len(chosen) else (0, 0)


def day(offset: int | None) -> date | None:
    return None if offset is None else DAY + timedelta(days=offset)


def moment(minutes: int | None) -> datetime | None:
    return None if minutes is None else datetime(2020, 3, 1) + timedelta(minutes=minutes)


OFFSET = st.integers(-3, 3)
PEOPLE = st.lists(
    st.tuples(
        OFFSET,  # joined
        st.none() | st.integers(-2, 1) | st.just(-50_000),  # born, days after joining
        st.sampled_from([(0.0, 0.0), (None, None), (30.5, None), (30.5, 121.5), (30.50001, 121.5)]),
        st.sampled_from(["F", "M", None]),
        st.none() | st.integers(-2, 2),  # left, days after joining
        st.sampled_from(["north", "south"]),
    ),
    min_size=1,
    max_size=12,
)
POSTED = st.lists(
    st.tuples(
        st.integers(0, 11),  # whose, modulo their number
        st.integers(-5_000, 5_000),  # minutes
        st.none() | st.integers(-3_000, 6_000),  # minutes until it arrived
        st.integers(-3, 3),
        st.none() | st.integers(-3, 3),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=12, deadline=None)
@given(PEOPLE, POSTED)
def test_every_rule_counts_what_a_loop_over_the_rows_counts(people: list, posted: list) -> None:
    customers = [
        {
            "customer_id": f"c{at}",
            "onboarded_on": day(joined),
            "birth_date": None if born is None else day(joined + born),
            "latitude": place[0],
            "longitude": place[1],
            "sex": sex,
        }
        for at, (joined, born, place, sex, _, _) in enumerate(people)
    ]
    closures = [
        {"customer_id": f"c{at}", "closed_on": day(one[0] + one[4])}
        for at, one in enumerate(people)
        if one[4] is not None
    ]
    rows = [
        {
            "transaction_id": f"t{at:02}",
            "customer_id": f"c{who % len(people)}",
            "posted_at": moment(minutes),
            "available_at": None if delay is None else moment(minutes + delay),
            "amount": float(amount),
            "balance_after": None if balance is None else float(balance),
        }
        for at, (who, minutes, delay, amount, balance) in enumerate(posted)
    ]
    frames = {"customers": pd.DataFrame(customers), "transactions": pd.DataFrame(rows)}
    if closures:
        frames["closures"] = pd.DataFrame(closures)
    cells = pd.DataFrame({"customer_id": [c["customer_id"] for c in customers]})
    cells["cell_id"] = [one[5] for one in people]
    measured = measure(tables_of(frames, ZONE), 2.0, cells)
    for cell in ("all", "north", "south"):
        mine = {c["customer_id"] for c, one in zip(customers, people, strict=True)}
        if cell != "all":
            mine &= set(cells.customer_id[cells.cell_id == cell])
        expected = counted(customers, closures, rows, mine)
        for (table, words), counts in expected.items():
            assert found(measured, table, words, cell) == counts, (cell, table, words)


def counted(
    customers: list[dict], closures: list[dict], rows: list[dict], mine: set[str]
) -> dict[tuple[str, str], tuple[int, int]]:
    """Known and good rows of each rule, by plain reading."""
    left = {c["customer_id"]: c["closed_on"] for c in closures}
    joined = {c["customer_id"]: c["onboarded_on"] for c in customers}
    seen: dict[tuple, int] = {}
    birth, map_, alike, record = [], [], [], []
    for c in sorted(customers, key=lambda one: one["customer_id"]):
        verdicts = []
        if c["birth_date"] is not None:
            age = (c["onboarded_on"] - c["birth_date"]).days
            verdicts.append((birth, 0 < age <= 120 * 365.25))
        lat, lon = c["latitude"], c["longitude"]
        if lat is not None or lon is not None:
            verdicts.append((map_, None not in (lat, lon) and (lat, lon) != (0, 0)))
        who = (c["birth_date"], c["sex"], lat and round(lat, 4), lon and round(lon, 4))
        if None not in who:
            verdicts.append((alike, who not in seen))
            seen[who] = 1
        if c["customer_id"] in mine:
            for kept, good in verdicts:
                kept.append(good)
            record.append(all(good for _, good in verdicts))
    own = [t for t in rows if t["customer_id"] in mine]
    at = [(t, joined[t["customer_id"]], left.get(t["customer_id"])) for t in own]
    after = [t["posted_at"] >= cutoff_instant(first, ZONE) for t, first, _ in at]
    until = [
        t["posted_at"] < cutoff_instant(last + timedelta(days=1), ZONE) for t, _, last in at if last
    ]
    arrived = [t for t in own if t["available_at"] is not None]
    in_time = [t["available_at"] - t["posted_at"] <= timedelta(days=2) for t in arrived]
    closed = [
        c["closed_on"] >= joined[c["customer_id"]] for c in closures if c["customer_id"] in mine
    ]
    rules = {
        ("customers", "born before"): birth,
        ("customers", "latitude and longitude"): map_,
        ("customers", "same birth date"): alike,
        ("customers", "record is"): record,
        ("transactions", "posted no earlier"): after,
        ("transactions", "posted no later"): until,
        ("transactions", "arrived no"): [t["available_at"] >= t["posted_at"] for t in arrived],
        ("transactions", "within 2 days"): in_time,
        ("transactions", "balance is"): chained(own),
        ("closures", "left no earlier"): closed,
    }
    return {rule: (len(verdicts), sum(verdicts)) for rule, verdicts in rules.items()}


def chained(rows: list[dict]) -> list[bool]:
    """Whether each balance follows from the one before, where the order of rows is certain."""
    verdicts = []
    for who in {t["customer_id"] for t in rows}:
        own = sorted((t for t in rows if t["customer_id"] == who), key=lambda t: t["posted_at"])
        times = [t["posted_at"] for t in own]
        alone = [t for t in own if times.count(t["posted_at"]) == 1]
        for before, after in pairwise(own):
            known = None not in (before["balance_after"], after["balance_after"])
            if known and before in alone and after in alone:
                verdicts.append(before["balance_after"] + after["amount"] == after["balance_after"])
    return verdicts


def test_what_lies_on_the_bound_of_a_rule_is_right() -> None:
    """Chance seldom draws the bound itself."""
    joined, posted = date(2020, 1, 10), datetime(2020, 2, 1)
    longest = timedelta(days=120 * 365.25)
    customers = pd.DataFrame({"customer_id": ["a", "b"], "onboarded_on": joined})
    customers["birth_date"] = [joined - longest, joined - longest - timedelta(days=1)]
    arrived = [posted + timedelta(days=2), posted + timedelta(days=2, seconds=1)]
    transactions = pd.DataFrame({"transaction_id": ["1", "2"], "customer_id": "a", "amount": 1.0})
    transactions = transactions.assign(posted_at=posted, available_at=arrived)
    measured = measure(tables_of({"customers": customers, "transactions": transactions}), 2.0)
    assert found(measured, "customers", "born before") == (2, 1)
    assert found(measured, "transactions", "within 2 days") == (2, 1)


def test_the_rules_of_holdings_and_service_events_count_their_rows() -> None:
    frames = {
        "customers": pd.DataFrame({"customer_id": ["a"], "onboarded_on": ["2020-01-10"]}),
        "transactions": pd.DataFrame(
            {
                "transaction_id": ["1"],
                "customer_id": ["a"],
                "posted_at": ["2020-02-01"],
                "amount": [1],
            }
        ),
        "holdings": pd.DataFrame(
            {
                "customer_id": ["a"] * 3,
                "product": ["card", "loan", "fund"],
                "opened_on": ["2020-01-09", "2020-01-10", "2020-02-01"],
                "closed_on": ["2020-01-08", None, "2020-02-01"],
            }
        ),
        "service_events": pd.DataFrame(
            {
                "event_id": ["1", "2", "3"],
                "customer_id": ["a"] * 3,
                "occurred_at": ["2020-01-20 10:00", "2020-01-20 10:00", "2020-01-28"],
                "kind": ["visit"] * 3,
                "resolved_at": ["2020-01-20 09:59", "2020-01-20 10:00", None],
                "available_at": ["2020-01-20 09:00", "2020-01-30", None],
            }
        ),
    }
    measured = measure(tables_of(frames), 3)
    assert found(measured, "holdings", "closed no earlier") == (2, 1)
    assert found(measured, "holdings", "opened no earlier") == (3, 2)
    assert found(measured, "service_events", "settled") == (2, 1)
    assert found(measured, "service_events", "arrived") == (2, 1)
    assert found(measured, "service_events", "within 3 days") == (2, 1)
    assert [(one.table, one.days_behind) for one in measured.freshness] == [
        ("transactions", 0),
        ("service_events", 4),
    ]
    assert found(measured, "transactions", "days with rows") == (28, 1)
    assert found(measured, "service_events", "days with rows") == (28, 2)


ONE_POSTED = pd.DataFrame(
    {"transaction_id": ["1"], "customer_id": ["c1"], "posted_at": ["2020-02-01"], "amount": [1]}
)


def test_the_rules_of_outlets_count_their_rows_and_the_homes_of_customers() -> None:
    customers = {"customer_id": list("abcd"), "onboarded_on": "2020-01-10"}
    posted = {"transaction_id": ["1"], "customer_id": ["a"], "posted_at": [DAY], "amount": [1]}
    frames = {
        "customers": pd.DataFrame(customers | {"outlet_id": ["B1", "B1", "B9", None]}),
        "transactions": pd.DataFrame(posted),
    }
    without = measure(tables_of(frames), 3)
    assert found(without, "customers", "home outlet") == (0, 0)
    frames["outlets"] = pd.DataFrame(
        {
            "outlet_id": ["B1", "B2", "B3", "B4"],
            "latitude": [30.5, 0.0, None, None],
            "longitude": [120.5, 0.0, 120.5, None],
            "opened_on": ["2020-01-10", "2020-01-10", None, "2020-01-10"],
            "closed_on": ["2020-01-09", "2020-01-10", "2020-01-01", None],
        }
    )
    cells = pd.DataFrame({"customer_id": list("abcd"), "cell_id": ["x", "x", "x", "y"]})
    measured = measure(tables_of(frames), 3, cells)
    assert found(measured, "customers", "home outlet") == (3, 2)
    assert found(measured, "customers", "home outlet", "x") == (3, 2)
    assert found(measured, "outlets", "latitude and longitude") == (3, 1)
    assert found(measured, "outlets", "closed no earlier") == (2, 1)
    wanted = [one for one in measured.bank if one.table == "outlets"]
    wanted = [one.column for one in wanted if one.dimension == "completeness"]
    assert wanted == ["outlet_id", "latitude", "longitude"]
    assert measured.accuracy.good == 4  # told, and no part of the accuracy of customers


@pytest.mark.parametrize(("rare", "right"), [(4, 96), (5, 100)])
def test_a_district_that_is_rare_in_its_cell_is_told(rare: int, right: int) -> None:
    places = ["north"] * (100 - rare) + ["south"] * rare
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{at}" for at in range(100)],
            "onboarded_on": "2020-01-10",
            "latitude": 30.0,
            "longitude": 120.0,
            "district": places,
        }
    )
    frames = {"customers": customers, "transactions": ONE_POSTED}
    cells = pd.DataFrame({"customer_id": customers.customer_id, "cell_id": "h3-1"})
    measured = measure(tables_of(frames), 3, cells)
    assert found(measured, "customers", "at least 5 %", "h3-1") == (100, right)
    assert measured.accuracy.good == 100  # told, and no part of the accuracy
    assert found(measure(tables_of(frames), 3), "customers", "at least 5 %") == (0, 0)


@pytest.mark.parametrize(("apart", "good"), [(0.00001, 1), (0.001, 2)])
def test_persons_are_alike_within_eleven_metres_and_not_in_the_next_street(
    apart: float, good: int
) -> None:
    customers = pd.DataFrame(
        {
            "customer_id": ["c1", "c2"],
            "onboarded_on": "2020-01-10",
            "birth_date": "1980-05-05",
            "sex": "F",
            "latitude": [30.5, 30.5 + apart],
            "longitude": [121.5, 121.5],
        }
    )
    frames = {"customers": customers, "transactions": ONE_POSTED}
    assert found(measure(tables_of(frames), 3), "customers", "same birth date") == (2, good)


def test_customers_without_a_cell_are_in_the_figures_of_the_bank_and_no_cell() -> None:
    ids = ["c1", "c2", "c3"]
    customers = pd.DataFrame({"customer_id": ids, "onboarded_on": "2020-01-10"})
    cells = pd.DataFrame({"customer_id": ["c1"], "cell_id": ["north"]})
    frames = {"customers": customers, "transactions": ONE_POSTED}
    measured = measure(tables_of(frames), 3, cells)
    assert measured.accuracy.checked == 3
    assert [(one.cell_id, one.checked) for one in measured.cells] == [("north", 1)]


def test_balances_of_very_many_transactions_are_those_of_a_share_of_whole_customers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = [f"c{at:03}" for at in range(200)]
    customers = pd.DataFrame({"customer_id": ids, "onboarded_on": "2020-01-10"})
    posted = pd.DataFrame(
        [
            {
                "transaction_id": f"{who}-{at}",
                "customer_id": who,
                "posted_at": f"2020-02-0{at}",
                "amount": 1.0,
                "balance_after": float(at),
            }
            for who in ids
            for at in (1, 2, 3)
        ]
    )
    monkeypatch.setattr("features.quality.measure.BALANCE_ROWS", 150)
    measured = measure(tables_of({"customers": customers, "transactions": posted}), 3)
    checked, good = found(measured, "transactions", "balance is")
    assert checked == good
    assert checked % 2 == 0  # of each of them every row but the first
    assert 25 <= checked / 2 <= 75  # one in four: 50 customers, give or take four deviations
    assert "balances were compared for one customer in 4" in measured.notes


def test_what_the_door_refused_counts_as_wrong_in_the_figures_of_the_bank() -> None:
    column = ColumnQuality(column="birth_date", missing=10, not_parsable=3, out_of_range=2)
    others = [ColumnQuality(column=name) for name in ("customer_id", "onboarded_on")]
    named = {one.column for one in (column, *others)}
    rest = [
        ColumnQuality(column=name, missing=100) for name in CUSTOMERS.names if name not in named
    ]
    table = TableQuality(
        table="customers",
        delivered=100,
        accepted=1,
        rejected=6,
        duplicates=93,
        conflicts=4,
        columns=(column, *others, *rest),
    )
    frames = {
        "customers": pd.DataFrame({"customer_id": ["a"], "onboarded_on": ["2020-01-10"]}),
        "transactions": pd.DataFrame(
            {"transaction_id": ["1"], "customer_id": ["a"], "posted_at": [DAY], "amount": [1]}
        ),
    }
    measured = measure(tables_of(frames), 3, door=QualityReport(tables=(table,)))
    assert measured.accuracy[6:8] == (7, 1)
    rows = {(one.column, one.dimension): one for one in measured.bank if one.table == "customers"}
    assert rows["birth_date", "validity"][6:8] == (90, 85)
    assert rows["birth_date", "completeness"][6:8] == (100, 90)
    assert rows["customer_id", "uniqueness"][6:8] == (98, 1)
    assert ("sex", "validity") not in rows  # nothing delivered, nothing to judge


def test_every_share_has_its_wilson_interval() -> None:
    customers = [f"c{at}" for at in range(30)]
    frames = {
        "customers": pd.DataFrame(
            {
                "customer_id": customers,
                "onboarded_on": "2020-01-10",
                "birth_date": ["1980-01-01"] * 27 + ["2021-01-01"] * 3,
            }
        ),
        "transactions": pd.DataFrame(
            {"transaction_id": ["1"], "customer_id": ["c1"], "posted_at": [DAY], "amount": [1]}
        ),
    }
    accuracy = measure(tables_of(frames), 3).accuracy
    assert isinstance(accuracy, Measure)
    assert (accuracy.share, accuracy.low, accuracy.high) == pytest.approx((0.9, *wilson(27, 30)))


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Africa/Cairo", "UTC"])
def test_a_day_begins_in_a_query_when_it_begins_in_the_bank(zone: str) -> None:
    days = [date(1970, 1, 1) + timedelta(days=9 * at) for at in range(2_300)]
    frames = {
        "customers": pd.DataFrame(
            {"customer_id": [str(at) for at in range(len(days))], "onboarded_on": days}
        )
    }
    rows = tables_of(frames).customers
    begins = local_midnight(rows.onboarded_on, zone, date(1960, 1, 1), date(2040, 1, 1))
    got = frame_of(rows.mutate(begins=begins)).set_index("onboarded_on").begins
    assert [got[one].to_pydatetime() for one in days] == [cutoff_instant(one, zone) for one in days]
