"""Months, days and weekends of UTC times in the bank's time zone; no engine has to know zones."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import ibis
from ibis.expr.types import Value

from domain.cutoffs import cutoff_instant


def local_month(posted_at: Value, timezone: str, first: datetime, last: datetime) -> Value:
    """Number of the calendar month of a UTC time in a time zone, counted from year 0.

    The changes of the zone's offset from `first` to `last` become cases: no engine has to
    know time zones.
    """
    local = _local(posted_at, offset_changes(timezone, first, last))
    return local.year() * 12 + local.month()


def local_weekend(posted_at: Value, timezone: str, first: datetime, last: datetime) -> Value:
    """Whether a UTC time falls on a Saturday or Sunday in a time zone."""
    local = _local(posted_at, offset_changes(timezone, first, last))
    return local.date().day_of_week.index() >= 5


def local_day(moment: Value, timezone: str, first: date, last: date) -> Value:
    """The day of a UTC time in a time zone, where it lies from the day `first` to `last`.

    It is the day whose cut-off is the last one before the moment: clocks that go back over
    midnight do not bring the day before back.
    """
    return _local(moment, _day_changes(timezone, first, last)).date()


def arrival_day(moment: Value, timezone: str, first: date, last: date) -> Value:
    """The day by whose end a UTC time was over or just there; null stays null.

    A midnight belongs to the day before. What has come in on a day is there at later cut-offs.
    """
    return local_day(moment - ibis.interval(microseconds=1), timezone, first, last)


def _local(moment: Value, changes: list[tuple[datetime, int]]) -> Value:
    if {seconds for _, seconds in changes} == {0}:
        return moment
    offset: Any = ibis.literal(changes[0][1], "int64")
    if len(changes) > 1:
        late_first = [(moment >= start, seconds) for start, seconds in reversed(changes[1:])]
        offset = ibis.cases(*late_first, else_=changes[0][1])
    return moment + offset.as_interval("s")


def _day_changes(timezone: str, first: date, last: date) -> list[tuple[datetime, int]]:
    """Changes of the offset, those back over midnight late by what they went back."""
    begin, end = cutoff_instant(first, timezone), cutoff_instant(last, timezone)
    changes = offset_changes(timezone, begin - timedelta(days=1), end + timedelta(days=1))
    found = changes[:1]
    for (_, before), (start, after) in pairwise(changes):
        shown = start + timedelta(seconds=before) - timedelta(microseconds=1)
        crossed = (start + timedelta(seconds=after)).date() < shown.date()
        found.append((start + timedelta(seconds=before - after) if crossed else start, after))
    return found


def local_midnight(day: Value, timezone: str, first: date, last: date) -> Value:
    """UTC time at which a calendar day begins in a time zone, for days from `first` to `last`."""
    start, end = (datetime.combine(one, time.min) for one in (first, last + timedelta(days=2)))
    changes = offset_changes(timezone, start - timedelta(days=2), end)
    offset: Any = ibis.literal(changes[0][1], "int64")
    midnight = day.cast("timestamp(6)")
    if len(changes) > 1:
        # the first midnight that a change already rules, on the clock as it is set then
        late_first = [
            (midnight >= at + timedelta(seconds=seconds), seconds)
            for at, seconds in reversed(changes[1:])
        ]
        offset = ibis.cases(*late_first, else_=changes[0][1])
    return midnight - offset.as_interval("s")


def offset_changes(timezone: str, first: datetime, last: datetime) -> list[tuple[datetime, int]]:
    """From which UTC time on which offset (seconds) holds, from `first` to `last`.

    >>> offset_changes("Europe/Prague", datetime(1993, 1, 1), datetime(1993, 6, 1))
    [(datetime.datetime(1993, 1, 1, 0, 0), 3600), (datetime.datetime(1993, 3, 28, 1, 0), 7200)]
    """
    zone = ZoneInfo(timezone)
    changes = [(first, _offset(zone, first))]
    while first < last:
        following = min(first + timedelta(days=1), last)
        if _offset(zone, following) != changes[-1][1]:
            start = _change(zone, first, following)
            changes.append((start, _offset(zone, start)))
        first = following
    return changes


def _offset(zone: ZoneInfo, instant: datetime) -> int:
    shift = instant.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    return 0 if shift is None else round(shift.total_seconds())


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second at which the offset is no longer that of `before`."""
    old = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _offset(zone, middle) == old else (before, middle)
    return after
