"""Delivered dates and times: local becomes naive UTC, text is read strictly.

A local time that the clock skipped in spring does not exist and is a fault; one that it
showed twice in autumn is the earlier of the two (PEP 495's fold 0).
"""

from datetime import UTC, datetime
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from features.door.text import Form, Read, as_text, spelled

MICROSECONDS: Literal["datetime64[us]"] = "datetime64[us]"
EARLIEST = pd.Timestamp("1678-01-01")  # time zones are known from here on: nanoseconds begin
TOO_EARLY = "a time before 1678, outside the range of local times"
DAY = r"\d{4}-\d{2}-\d{2}|\d{8}"
OFFSET = r"(?:[Zz]|[+-]\d{2}(?::?\d{2})?)"
TIME = r"\d{2}(?::?\d{2}(?::?\d{2}(?:[.,]\d{1,9})?)?)?"
ISO = rf"(?:{DAY})(?:[T ]{TIME}(?: ?{OFFSET})?)?"
ISO_WITH_OFFSET = rf"(?:{DAY})[T ]{TIME} ?{OFFSET}"


class Moments(NamedTuple):
    """Wall-clock readings and instants (one of the two per row), and the rows that are neither."""

    local: pd.Series
    utc: pd.Series
    bad: pd.Index


def times(given: pd.Series, form: Form) -> Read:
    """Naive UTC, in microseconds, of times in any of the ways that tables have them.

    >>> times(pd.Series(["2026-07-01 12:00", "2026-07-01T12:00Z"]), Form(timezone="Europe/Prague")
    ... ).values.dt.hour.tolist()
    [10, 12]
    """
    moments = _moments(given, form)
    placed = moments.local.dt.tz_localize(
        form.timezone, ambiguous=np.ones(len(given), dtype=bool), nonexistent="NaT"
    )
    lost = moments.local.notna() & placed.isna()
    early = lost & (moments.local < EARLIEST)
    here = placed.dt.tz_convert("UTC").dt.tz_localize(None)
    values = here.where(moments.utc.isna(), moments.utc).astype(MICROSECONDS)
    skipped = f"a time that the clocks of {form.timezone} skipped"
    return Read(
        values,
        {
            "not a time": moments.bad,
            TOO_EARLY: given.index[early.to_numpy(bool)],
            skipped: given.index[(lost & ~early).to_numpy(bool)],
        },
    )


def days(given: pd.Series, form: Form) -> Read:
    """Dates (as midnights); a moment has the date that it has in the bank's time zone.

    >>> days(pd.Series(["2026-01-31", "2026-01-31T23:30:00Z"]), Form(bank_timezone="Asia/Shanghai")
    ... ).values.dt.day.tolist()
    [31, 1]
    """
    moments = _moments(given, form)
    abroad = (
        moments.utc.dt.tz_localize("UTC").dt.tz_convert(form.bank_timezone).dt.tz_localize(None)
    )
    values = moments.local.where(moments.utc.isna(), abroad).dt.floor("D").astype(MICROSECONDS)
    return Read(values, {"not a date": moments.bad})


def _moments(given: pd.Series, form: Form) -> Moments:
    nothing = pd.Series(np.datetime64("NaT"), given.index, dtype=MICROSECONDS)
    if isinstance(given.dtype, pd.DatetimeTZDtype):
        utc = given.dt.tz_convert("UTC").dt.tz_localize(None).astype(MICROSECONDS)
        return Moments(nothing, utc, given.index[:0])
    if pd.api.types.is_datetime64_dtype(given):
        return Moments(given.astype(MICROSECONDS), nothing, given.index[:0])
    return _read_text(as_text(given), form, nothing)


def _read_text(text: pd.Series, form: Form, nothing: pd.Series) -> Moments:
    if form.date_format is None:
        fits, zoned = spelled(text, ISO), spelled(text, ISO_WITH_OFFSET)
    else:
        fits = text.notna().to_numpy(bool)
        zoned = fits & ("%z" in form.date_format)
    local, utc = nothing.copy(), nothing.copy()
    local[fits & ~zoned] = _parsed(text[fits & ~zoned], form.date_format, utc=False)
    utc[zoned] = _parsed(text[zoned], form.date_format, utc=True)
    unread = text.notna() & local.isna() & utc.isna()
    return Moments(local, utc, text.index[unread.to_numpy(bool)])


def _parsed(text: pd.Series, date_format: str | None, *, utc: bool) -> pd.Series:
    fast = pd.to_datetime(
        text.astype(object), format=date_format or "ISO8601", errors="coerce", utc=utc
    )
    naive = fast.dt.tz_localize(None) if utc else fast
    values = naive.to_numpy().astype(MICROSECONDS)
    # nanoseconds end in 2262, and banks write 9999-12-31 for "open": those one by one
    unread = np.isnat(values)
    values[unread] = [_far(str(one), date_format) for one in text[unread]]
    return pd.Series(values, text.index)


def _far(text: str, date_format: str | None) -> np.datetime64:
    try:
        moment = (
            datetime.strptime(text, date_format) if date_format else datetime.fromisoformat(text)
        )
        naive = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):  # the second: in UTC before the year 1 or after 9999
        return np.datetime64("NaT")
    return np.datetime64(naive, "us")
