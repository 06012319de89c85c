"""Cut-offs asked together give each exactly what it gives alone, and what time zones say.

Rows are posted, and arrive, close to where it matters: cut-offs, starts of windows, moments at
which clocks go back over midnight. Customers know nothing of one another, so that one query asks
about those of many small banks.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise, product
from random import Random
from statistics import fmean, stdev
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from features.customer import customer_features
from features.engine import Tables, frame_of, tables_of
from features.registry import WINDOWS


class Scenario(NamedTuple):
    """A bank's time zone, and its cut-offs around a change of its clocks."""

    zone: str
    cutoffs: tuple[date, ...]


SCENARIOS = {
    # 00:01 on 7 November 2010 was 23:01 on the 6th again
    "St Johns": Scenario(
        "America/St_Johns", (date(2010, 11, 6), date(2010, 11, 7), date(2011, 1, 6))
    ),
    # 24:00 on 6 April 2024 was 23:00 again; 8 September began at 01:00
    "Santiago": Scenario(
        "America/Santiago",
        (date(2024, 4, 6), date(2024, 4, 7), date(2024, 4, 8), date(2024, 9, 8), date(2025, 4, 6)),
    ),
    # 24:00 on 26 October 2024 was 23:00 again; 31 March began at 01:00
    "Beirut": Scenario("Asia/Beirut", (date(2024, 3, 31), date(2024, 10, 27))),
    # midnight came twice on 3 November 2024 and not at all on 10 March
    "Havana": Scenario("America/Havana", (date(2024, 3, 10), date(2024, 11, 3), date(2024, 12, 3))),
    # a single cut-off, and a window that begins where a day has 23 hours
    "Prague": Scenario("Europe/Prague", (date(2024, 4, 30),)),
    # windows begin and end on 29 February and on ends of months
    "Shanghai": Scenario(
        "Asia/Shanghai", (date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 31), date(2025, 2, 28))
    ),
}
# how many rows each group of three customers has
COUNTS = (1, 2, 4, 9, 20, 40, 70, 110, 160, 230, 300)


def local(moment: datetime, zone: str) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))


@cache
def day_begins(day: date, zone: str) -> datetime:
    """The first minute, in UTC, that a clock of the zone shows as that day."""
    moment = datetime.combine(day, datetime.min.time()) - timedelta(hours=15)
    while local(moment, zone).date() < day:
        moment += timedelta(minutes=1)
    return moment


def clock_changes(scenario: Scenario) -> Iterator[datetime]:
    first = day_begins(scenario.cutoffs[0] - timedelta(days=366), scenario.zone)
    hours = (scenario.cutoffs[-1] - scenario.cutoffs[0] + timedelta(days=370)) // timedelta(hours=1)
    offset = local(first, scenario.zone).utcoffset()
    for hour in range(hours):
        moment = first + timedelta(hours=hour)
        if local(moment, scenario.zone).utcoffset() != offset:
            offset = local(moment, scenario.zone).utcoffset()
            yield moment


@cache
def moments(scenario: Scenario) -> list[datetime]:
    """Where a second decides: cut-offs, starts of windows, changes of the clocks."""
    days = [day - timedelta(days=back) for day in scenario.cutoffs for back in (0, *WINDOWS)]
    days += [(day - timedelta(days=1)).replace(day=1) for day in scenario.cutoffs]
    near = [day_begins(day, scenario.zone) for day in sorted(set(days))]
    return [*near, *clock_changes(scenario)]


def transactions(scenario: Scenario, group: int, count: int) -> list[dict[str, Any]]:
    """Random rows of three customers, most of them within two hours of where a second decides."""
    draw = Random(group)

    def time() -> datetime:
        nudge = draw.choice(
            [
                timedelta(microseconds=draw.randint(-1, 1)),
                timedelta(minutes=draw.randint(-120, 120)),
            ]
        )
        return (
            draw.choice(moments(scenario)) + nudge - timedelta(days=draw.choice([0, 0, 0, 1, 40]))
        )

    def row() -> dict[str, Any]:
        return {
            "customer_id": draw.choice(people(group)),
            "posted_at": time(),
            "available_at": draw.choice([None, time()]),
            "amount": draw.randint(-100_000, 100_000) / 100,
            "balance_after": draw.choice([None, float(draw.randint(-500, 5000))]),
            "channel": draw.choice(["atm", "web", "mobile", "counter", None]),
            "category": draw.choice(["salary", "other_bank", "cash_out", "fee", None]),
            "counterparty_id": draw.choice(["x", "y", None]),
            "initiated_by_customer": draw.choice([True, False, None]),
        }

    return [row() for _ in range(count)]


def people(group: int) -> list[str]:
    return [f"{who}{group:02d}" for who in "abc"]


def bank(scenario: Scenario, rows: list[dict[str, Any]]) -> Tables:
    ids = [who for group in range(len(COUNTS)) for who in people(group)]
    customers = pd.DataFrame({"customer_id": ids, "onboarded_on": "2005-01-01"})
    numbered = pd.DataFrame(rows).assign(transaction_id=[f"{at:04d}" for at in range(len(rows))])
    tables = tables_of({"customers": customers, "transactions": numbered}, scenario.zone)
    tables.connection.raw_sql("SET threads = 1")
    return tables


def features_at(tables: Tables, days: tuple[date, ...]) -> pd.DataFrame:
    found = frame_of(customer_features(tables, list(days)))
    return found.sort_values(["as_of", "customer_id"], ignore_index=True)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_cutoffs_asked_together_equal_each_alone_and_the_banks_clocks(scenario: Scenario) -> None:
    drawn = [transactions(scenario, group, count) for group, count in enumerate(COUNTS)]
    tables = bank(scenario, [row for rows in drawn for row in rows])
    together = features_at(tables, scenario.cutoffs)
    if len(scenario.cutoffs) > 1:
        alone = pd.concat([features_at(tables, (day,)) for day in scenario.cutoffs])
        alone = alone.reset_index(drop=True)
        pd.testing.assert_frame_equal(together, alone, rtol=1e-12, atol=1e-12)
    found = together.set_index(["customer_id", "as_of"])
    for (group, rows), day in product(enumerate(drawn), scenario.cutoffs):
        for who in people(group):
            own = [row for row in rows if row["customer_id"] == who]
            expected = by_hand(own, day, scenario.zone)
            assert found.loc[(who, day), list(expected)].to_dict() == pytest.approx(
                expected, rel=1e-12, abs=1e-12, nan_ok=True
            )


def by_hand(rows: list[dict[str, Any]], day: date, zone: str) -> dict[str, float]:
    cutoff = day_begins(day, zone)
    seen = [row for row in rows if row["posted_at"] < cutoff]
    seen = [row for row in seen if row["available_at"] is None or row["available_at"] <= cutoff]
    expected = {}
    for window in WINDOWS:
        start = day_begins(day - timedelta(days=window), zone)
        inside = [row for row in seen if row["posted_at"] >= start]
        expected[f"transactions_{window}d"] = float(len(inside))
        expected[f"credit_{window}d"] = sum(max(row["amount"], 0.0) for row in inside)
    times = sorted(row["posted_at"] for row in inside)
    gaps = [(b - a) / timedelta(days=1) for a, b in pairwise(times)]
    months = {(local(time, zone).year, local(time, zone).month) for time in times}
    return expected | {
        "active_months_365d": float(len(months)),
        "gap_mean_365d": fmean(gaps) if gaps else float("nan"),
        "gap_std_365d": stdev(gaps) if len(gaps) > 1 else float("nan"),
        "recency_days": min(
            ((cutoff - row["posted_at"]) / timedelta(days=1) for row in seen), default=float("nan")
        ),
    }


def test_the_days_of_this_test_are_where_clocks_go_back_over_midnight() -> None:
    assert day_begins(date(2010, 11, 7), "America/St_Johns") == datetime(2010, 11, 7, 2, 30)
    assert local(datetime(2010, 11, 7, 2, 31), "America/St_Johns").day == 6
    assert day_begins(date(2024, 9, 8), "America/Santiago") == datetime(2024, 9, 8, 4)
    assert day_begins(date(2024, 11, 3), "America/Havana") == datetime(2024, 11, 3, 4)
    assert len(list(clock_changes(SCENARIOS["Havana"]))) >= 3
