"""Cut-offs: the days at which history ends and the future begins."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def cutoff_instant(as_of: date, timezone: str = "UTC") -> datetime:
    """The first moment of `as_of` in the bank's time zone, as naive UTC.

    >>> cutoff_instant(date(2026, 3, 1), "Asia/Shanghai")
    datetime.datetime(2026, 2, 28, 16, 0)
    """
    local = datetime.combine(as_of, time.min, tzinfo=ZoneInfo(timezone))
    return local.astimezone(UTC).replace(tzinfo=None)


def local_day(instant: datetime, timezone: str = "UTC") -> date:
    """The day of a naive UTC time in the bank's time zone.

    >>> local_day(datetime(2026, 2, 28, 16), "Asia/Shanghai")
    datetime.date(2026, 3, 1)
    """
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone)).date()


def months_before(day: date, months: int) -> date:
    """The same day `months` earlier, or the last day of a shorter month.

    >>> months_before(date(2026, 3, 31), 1)
    datetime.date(2026, 2, 28)
    >>> months_before(date(2026, 1, 1), -2)
    datetime.date(2026, 3, 1)
    """
    index = day.year * 12 + day.month - 1 - months
    year, month = index // 12, index % 12 + 1
    following = date(year + (month == 12), month % 12 + 1, 1)
    return date(year, month, min(day.day, (following - date(year, month, 1)).days))


def month_starts(first: date, last: date) -> list[date]:
    """Every first of a month from `first` to `last`, both included.

    >>> month_starts(date(2025, 12, 2), date(2026, 2, 1))
    [datetime.date(2026, 1, 1), datetime.date(2026, 2, 1)]
    """
    day = first if first.day == 1 else months_before(first.replace(day=1), -1)
    days = []
    while day <= last:
        days.append(day)
        day = months_before(day, -1)
    return days
