"""Times at the ends of what can be read: each is refused for the reason that is true."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.layout import Layout
from features.door.clock import TOO_EARLY, times
from features.door.text import Form
from features.intake import take_in
from features.settings import SourceSettings

SKIPPED = "a time that the clocks of Europe/Berlin skipped"


def reasons(text: str, zone: str = "Europe/Berlin") -> list[str]:
    read = times(pd.Series([text]), Form(timezone=zone))
    return [reason for reason, rows in read.bad.items() if len(rows)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0001-01-01", [TOO_EARLY]),
        ("1677-01-01", [TOO_EARLY]),
        ("1677-09-21 00:12:43", [TOO_EARLY]),
        ("1678-01-01", []),
        ("9999-12-31", []),
        ("2026-03-29 02:30", [SKIPPED]),
        ("0001-01-01T00:00+02:00", ["not a time"]),
        ("9999-12-31T23:59-02:00", ["not a time"]),
    ],
)
def test_a_time_is_refused_for_the_reason_that_is_true(text: str, expected: list[str]) -> None:
    assert reasons(text) == expected


@given(
    moment=st.datetimes(datetime(1678, 1, 1), datetime(9998, 12, 31)),
    zone=st.sampled_from(["Europe/Berlin", "Asia/Shanghai", "America/New_York", "Africa/Monrovia"]),
)
def test_from_1678_on_only_times_that_the_clocks_skipped_are_refused(
    moment: datetime, zone: str
) -> None:
    there = moment.replace(tzinfo=ZoneInfo(zone))
    skipped = there.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != moment
    found = reasons(moment.isoformat(sep=" "), zone)
    assert found == ([f"a time that the clocks of {zone} skipped"] if skipped else [])


def test_the_message_of_a_time_before_the_range_says_so(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("customer_id,onboarded_on\nC1,2020-01-01\n", "utf-8")
    rows = "transaction_id,customer_id,posted_at,amount\nT1,C1,0001-01-01,1\nT2,C1,1677-01-01,1\n"
    (tmp_path / "transactions.csv").write_text(rows, "utf-8")
    given = {name: {"file": f"{name}.csv"} for name in ("customers", "transactions")}
    settings = SourceSettings.model_validate(given)
    report = take_in(settings, tmp_path, Layout(tmp_path / "out"), "Europe/Berlin")
    said = "\n".join(report.quality.broken)
    assert "2 values that are times before 1678, outside the range of local times" in said
    assert "(first: '0001-01-01' in row 2)" in said
    assert "where the day is not known, leave the field empty" in said
    assert "skipped" not in said
