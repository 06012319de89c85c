"""Point-in-time properties of the feature query: what must never change a feature."""

import re
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from features.customer import customer_features
from features.engine import Tables, frame_of, tables_of
from features.registry import FEATURES
from tests.features.statements import feature_rows, statement

CUTOFFS = [date(2025, 12, 31), date(2026, 1, 31), date(2026, 3, 1)]
KEY = ["as_of", "customer_id"]
NOON = datetime(2025, 1, 1, 12)
LAST = datetime(2026, 3, 1)
LEAVER, JOINER = "d", "z"  # closed on 31 January; onboarded in February
PEOPLE = [*"abcdefghijklm", JOINER]
people = st.sampled_from(PEOPLE[:-1])
few = settings(
    max_examples=3,  # what a bank of four had in eight, one query asks about in one of more people
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

posted = st.builds(
    lambda who, hours, cents, balance, channel, delay: {
        "customer_id": who,
        "posted_at": NOON + timedelta(hours=hours),
        "amount": cents / 100,
        "balance_after": balance,
        "channel": channel,
        "category": "salary" if cents > 5000 else channel,
        "available_at": None if delay is None else NOON + timedelta(hours=hours + delay),
    },
    people,
    st.integers(-24 * 90, 24 * 440),  # some before the first window of all
    st.integers(-10_000, 10_000),
    st.none() | st.integers(-500, 5000).map(float),
    st.sampled_from(["atm", "web", None]),
    st.none() | st.integers(0, 24 * 40),
)
happened = st.builds(
    lambda who, hours, kind, settled: {
        "customer_id": who,
        "occurred_at": NOON + timedelta(hours=hours),
        "kind": kind,
        "resolved_at": None if settled is None else NOON + timedelta(hours=hours + settled),
        "satisfaction": 3.0 if kind == "survey" else None,
    },
    people,
    st.integers(0, 24 * 440),
    st.sampled_from(["complaint", "contact", "survey"]),
    st.none() | st.integers(0, 24 * 60),
)
held = st.builds(
    lambda who, product, day, length: {
        "customer_id": who,
        "product": product,
        "opened_on": NOON.date() + timedelta(days=day),
        "closed_on": None if length is None else NOON.date() + timedelta(days=day + length),
    },
    people,
    st.sampled_from(["card", "loan", "savings"]),
    st.integers(0, 440),
    st.none() | st.integers(0, 200),
)
Rows = list[dict[str, object]]
histories = st.lists(posted, min_size=30, max_size=90)
contacts = st.lists(happened, min_size=10, max_size=30)
products = st.lists(held, min_size=10, max_size=20)


def bank(transactions: Rows, events: Rows = (), holdings: Rows = (), extra: Rows = ()) -> Tables:  # type: ignore[assignment]
    numbered = [{"transaction_id": f"{at:04d}"} | row for at, row in enumerate(transactions)]
    frames = {
        "customers": pd.DataFrame(
            {"customer_id": PEOPLE, "onboarded_on": ["2025-01-01"] * 13 + ["2026-02-01"]}
        ),
        "closures": pd.DataFrame({"customer_id": [LEAVER], "closed_on": ["2026-01-31"]}),
    }
    if numbered or extra:
        frames["transactions"] = pd.DataFrame([*numbered, *extra])
    if events:
        frames["service_events"] = pd.DataFrame(
            [{"event_id": str(at)} | row for at, row in enumerate(events)]
        )
    if holdings:
        frames["holdings"] = pd.DataFrame(holdings).drop_duplicates(
            ["customer_id", "product", "opened_on"]
        )
    return tables_of(frames, "Asia/Shanghai")


def rows_of(tables: Tables, as_of: date | list[date] = CUTOFFS, **narrow: object) -> pd.DataFrame:
    days = as_of if isinstance(as_of, list) else [as_of]
    frame = feature_rows(tables, days, **narrow)  # type: ignore[arg-type]
    return frame.sort_values(KEY, ignore_index=True)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-9)


@few
@given(
    histories,
    st.lists(posted, min_size=1, max_size=8),
    contacts,
    products,
)
def test_the_future_never_leaks(past: Rows, later: Rows, events: Rows, holdings: Rows) -> None:
    known = bank(past, events, holdings)
    ahead = [
        row
        | {
            "transaction_id": f"z{at}",
            "posted_at": LAST + timedelta(hours=at),
            "available_at": None,
        }
        for at, row in enumerate(later)
    ]
    events_ahead = [
        {"customer_id": "a", "occurred_at": LAST, "kind": "complaint"},
        {"customer_id": "b", "occurred_at": LAST, "kind": "survey", "satisfaction": 1.0},
    ]
    opened_ahead = [{"customer_id": "a", "product": "card", "opened_on": LAST.date()}]
    more = bank(past, [*events, *events_ahead], [*holdings, *opened_ahead], extra=ahead)
    assert_same(rows_of(more), rows_of(known))


@few
@given(histories, st.lists(posted, min_size=1, max_size=30))
def test_what_arrives_after_the_cutoff_never_counts(past: Rows, late: Rows) -> None:
    arrived = [
        row | {"transaction_id": f"late{at}", "available_at": LAST + timedelta(hours=1)}
        for at, row in enumerate(late)
    ]
    assert_same(rows_of(bank(past, extra=arrived)), rows_of(bank(past)))


@few
@given(histories, st.randoms(use_true_random=False))
def test_order_and_repetition_of_rows_never_matter(past: Rows, random: object) -> None:
    numbered = [{"transaction_id": f"{at:04d}"} | row for at, row in enumerate(past)]
    shuffled = [*numbered, numbered[0], numbered[-1]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert_same(rows_of(bank([], extra=shuffled)), rows_of(bank(past)))


@few
@given(
    histories,
    contacts,
    products,
    people,
)
def test_one_customer_alone_gives_the_row_of_the_whole_bank(
    past: Rows, events: Rows, holdings: Rows, who: str
) -> None:
    tables = bank(past, events, holdings)
    whole = rows_of(tables)
    narrowed = rows_of(tables, customers=[who])
    own = [[row for row in rows if row["customer_id"] == who] for rows in (events, holdings)]
    mine = [
        {"transaction_id": f"{at:04d}"} | row
        for at, row in enumerate(past)
        if row["customer_id"] == who
    ]
    alone = rows_of(bank([], *own, extra=mine))
    expected = whole[whole["customer_id"] == who].reset_index(drop=True)
    assert_same(narrowed, expected)
    assert_same(alone[alone["customer_id"] == who].reset_index(drop=True), expected)


@few
@given(histories, contacts, products)
def test_many_cutoffs_at_once_equal_one_by_one(past: Rows, events: Rows, holdings: Rows) -> None:
    tables = bank(past, events, holdings)
    single = [rows_of(tables, day) for day in CUTOFFS]
    assert_same(rows_of(tables, [*CUTOFFS[::-1], CUTOFFS[0]]), pd.concat(single, ignore_index=True))


def test_every_customer_of_the_day_has_a_row() -> None:
    found = rows_of(bank([]))
    ids = found.groupby("as_of")["customer_id"].agg("".join)
    # who leaves on 31 January is still there at that cut-off, gone at the next
    assert ids.tolist() == ["abcdefghijklm", "abcdefghijklm", "abcefghijklmz"]


def test_a_customer_onboarded_on_the_cutoff_is_not_there_yet() -> None:
    days = ["2026-01-30", "2026-01-31"]
    customers = pd.DataFrame({"customer_id": ["before", "then"], "onboarded_on": days})
    found = rows_of(tables_of({"customers": customers}, "Asia/Shanghai"))
    there = found.groupby("as_of")["customer_id"].agg(list).to_dict()
    assert there == {CUTOFFS[1]: ["before"], CUTOFFS[2]: ["before", "then"]}


def test_a_statement_depends_on_no_row() -> None:
    posted = {"customer_id": "a", "posted_at": NOON, "amount": 1.0, "channel": "web"}
    tables = bank([posted], [{"customer_id": "b", "occurred_at": LAST, "kind": "visit"}])
    memory = r"ibis_\w+_memtable_\w+"  # tables that the query brings along: names are drawn
    for customers in (None, ["a"]):
        query = customer_features(tables, CUTOFFS, customers)
        kept = statement("Asia/Shanghai", tuple(CUTOFFS), customers and tuple(customers))
        fresh = tables.connection.compile(query)
        assert re.sub(memory, "", kept.sql) == re.sub(memory, "", fresh)
    expected = frame_of(query.order_by(KEY))
    pd.testing.assert_frame_equal(rows_of(tables, customers=customers), expected)


def test_columns_are_the_key_and_the_registry_in_order() -> None:
    found = rows_of(bank([]))
    assert list(found.columns) == ["customer_id", "as_of", *FEATURES]
    numbers = [name for name, known in FEATURES.items() if known.kind == "number"]
    assert set(found[numbers].dtypes) == {np.dtype("float64")}
    assert isinstance(found["as_of"][0], date)


@pytest.mark.parametrize("as_of", [[], datetime(2026, 1, 1), [datetime(2026, 1, 1)]])
def test_a_cutoff_is_one_or_more_days(as_of: object) -> None:
    with pytest.raises(BadInput, match="cut-off"):
        customer_features(bank([]), as_of)  # type: ignore[arg-type]
