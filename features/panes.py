"""Panes: the stretches of days into which the windows of all cut-offs together cut the past.

Every window of every cut-off is a union of whole panes (Li et al., "No pane, no gain", 2005), so
that a transaction is summed once, into its pane, however many cut-offs look at it. All days are
days of the bank's time zone. Cut-offs are numbered from 0 in order of time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa

from domain.cutoffs import cutoff_instant
from features.arrow import column
from features.feature import WINDOWS

YEAR = max(WINDOWS)
MOST = 60  # cut-offs of one plan: each is a bit of a 64-bit integer


@dataclass(frozen=True)
class Panes:
    """The panes of up to MOST cut-offs, in order of time and each once."""

    cutoffs: tuple[date, ...]
    timezone: str = "UTC"

    @property
    def single(self) -> bool:
        """Whether there is one cut-off: then panes are the rings between its windows."""
        return len(self.cutoffs) == 1

    @property
    def first_day(self) -> date:
        """The first day of the longest window of the first cut-off."""
        return self.cutoffs[0] - timedelta(days=YEAR)

    @property
    def edges(self) -> list[date]:
        """First days of the panes, and the last cut-off, where the last pane ends.

        >>> [edge.isoformat() for edge in Panes((date(2026, 1, 1),)).edges]
        ['2025-01-01', '2025-07-05', '2025-10-03', '2025-12-02', '2026-01-01']
        """
        starts = {day - timedelta(days=window) for day in self.cutoffs for window in WINDOWS}
        return sorted(starts | set(self.cutoffs))

    def days(self) -> pa.Table:
        """One row per day that a window covers: its pane, and `upto_Wd`.

        Bit k of `upto_Wd` says that the window of W days of cut-off k begins on the day or before.
        """
        days = list(_days(self.first_day, self.cutoffs[-1]))
        columns = {"day": column(days, pa.date32())}
        columns["pane"] = column([bisect_right(self.edges, day) - 1 for day in days], pa.int16())
        for window in WINDOWS:
            starts = [day - timedelta(days=window) for day in self.cutoffs]
            bits = [(1 << bisect_right(starts, day)) - 1 for day in days]
            columns[f"upto_{window}d"] = column(bits, pa.int64())
        return pa.table(columns)

    def arrivals(self) -> pa.Table:
        """One row per day on which a row can have come in: the first cut-off that sees it.

        `seen` is the number of the first cut-off after that day; bit k of `since` says that
        cut-off k is after it. A row that comes in after the last cut-off has no row here.
        """
        days = list(_days(self.first_day - timedelta(days=1), self.cutoffs[-1]))
        seen = [bisect_right(self.cutoffs, day) for day in days]
        all_bits = (1 << len(self.cutoffs)) - 1
        since = [all_bits & ~((1 << at) - 1) for at in seen]
        return pa.table(
            {
                "came_on": column(days, pa.date32()),
                "seen": column(seen, pa.int16()),
                "since": column(since, pa.int64()),
            }
        )

    def rings(self) -> pa.Table:
        """One row per cut-off and pane in its longest window; ring r lies within WINDOWS[r:]."""
        rows = [
            (day, at, pane, _ring(day, start))
            for at, day in enumerate(self.cutoffs)
            for pane, start in enumerate(self.edges[:-1])
            if day - timedelta(days=YEAR) <= start < day
        ]
        as_of, at, pane, ring = zip(*rows, strict=True)
        return pa.table(
            {
                "as_of": column(as_of, pa.date32()),
                "cutoff": column(at, pa.int16()),
                "pane": column(pane, pa.int16()),
                "ring": column(ring, pa.int16()),
            }
        )

    def bounds(self) -> list[tuple[int, ...]]:
        """For each cut-off the pane after its last, then the first panes of its windows.

        >>> Panes((date(2026, 1, 1),)).bounds()
        [(4, 3, 2, 1, 0)]
        """
        edges = self.edges
        return [
            tuple(bisect_left(edges, day - timedelta(days=days)) for days in (0, *WINDOWS))
            for day in self.cutoffs
        ]

    def instants(self) -> pa.Table:
        """One row per cut-off: number, bit, its instant `at` (UTC), and where windows begin."""
        columns = {
            "as_of": column(self.cutoffs, pa.date32()),
            "cutoff": column(range(len(self.cutoffs)), pa.int16()),
            "bit": column([1 << at for at in range(len(self.cutoffs))], pa.int64()),
        }
        for name, days in {"at": 0, **{f"from_{w}d": w for w in WINDOWS}}.items():
            moments = [self.instant(day - timedelta(days=days)) for day in self.cutoffs]
            columns[name] = column(moments, pa.timestamp("us"))
        return pa.table(columns)

    def instant(self, day: date) -> datetime:
        """The first moment of a day of the bank, in UTC."""
        return cutoff_instant(day, self.timezone)


def plans(cutoffs: Sequence[date], timezone: str) -> list[Panes]:
    """The cut-offs in plans of at most MOST each."""
    return [
        Panes(tuple(cutoffs[start : start + MOST]), timezone)
        for start in range(0, len(cutoffs), MOST)
    ]


def _ring(as_of: date, start: date) -> int:
    return next(
        ring for ring, window in enumerate(WINDOWS) if start >= as_of - timedelta(days=window)
    )


def _days(first: date, end: date) -> Iterator[date]:
    for ahead in range((end - first).days):
        yield first + timedelta(days=ahead)
