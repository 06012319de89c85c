"""Rows of days that cannot have been delivered yet: one would move the end of all data."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

from domain.cutoffs import cutoff_instant
from domain.tables import CONTRACTS
from features.door.convert import Fault
from features.settings import SourceSettings

HAPPENED = {"transactions": "posted_at", "service_events": "occurred_at"}
# What is agreed today for a day to come is no error: an announced closure, a contract that
# begins next week. The end of a holding is always of this kind, so it is never judged.
AGREED = {"holdings": "opened_on", "closures": "closed_on"}


class LastDay(NamedTuple):
    """The last day of which rows are accepted, in which column of which table, and why."""

    day: date
    columns: Mapping[str, str]
    reason: str


def last_day(settings: SourceSettings, timezone: str, now: datetime | None) -> LastDay | None:
    """The configured last day, else the bank's today at `now`, else none.

    >>> from datetime import UTC
    >>> last_day(SourceSettings(), "Asia/Shanghai", datetime(2026, 1, 31, 20, tzinfo=UTC)).day
    datetime.date(2026, 2, 1)
    """
    if settings.data_until is not None:
        day = settings.data_until
        return LastDay(day, HAPPENED | AGREED, f"after sources.data_until = {day}")
    if now is None:
        return None
    today = now.astimezone(ZoneInfo(timezone)).date()
    return LastDay(today, HAPPENED, f"in the future, after {today}")


def too_late(typed: pd.DataFrame, table: str, last: LastDay | None, timezone: str) -> list[Fault]:
    """The rows of a batch that lie after the last day."""
    name = last.columns.get(table) if last else None
    if last is None or name is None:
        return []
    following = last.day + timedelta(days=1)
    is_day = CONTRACTS[table].column(name).kind == "date"
    end = cutoff_instant(following, "UTC" if is_day else timezone)
    late = typed.index[(typed[name] >= end).to_numpy(bool)]
    return [Fault(name, "out_of_range", last.reason, late)] if len(late) else []
