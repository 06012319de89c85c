"""What a definition may measure of a customer's transactions, and how partial results add up.

A measure is taken in three steps, the same for one cut-off and for many: *partials* over the
rows of a pane, *rings* (the panes between two window edges of a cut-off) and *windows*. Means and
deviations are merged by the pairwise formula of Chan, Golub and LeVeque (1979), never by sums
of squares, which lose their digits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import ibis
from ibis.expr.types import BooleanValue, Column, Table, Value

from features.dialect import days_between, distinct_bits, mean_and_spread, ratio
from features.feature import WINDOWS

Kind = Literal["count", "total", "largest", "smallest", "spread"]
PARTS = ("n", "mean", "m2")  # of a spread: values, their mean, sum of squares around it


@dataclass(frozen=True)
class Partial:
    """One aggregate over the rows of a pane."""

    name: str
    kind: Kind
    value: Value | None
    where: BooleanValue | None

    def over_rows(self) -> dict[str, Value]:
        """Columns of the partial of a pane, from its rows."""
        if self.kind == "spread":
            return dict(zip(self.parts, mean_and_spread(self.value, self.where), strict=True))
        return {self.name: _AGGREGATE[self.kind](self.value, self.where)}

    def over_panes(self, panes: Table) -> dict[str, Value]:
        """Columns of a ring from those of its panes; of a spread only `n` and the sum of values."""
        if self.kind == "spread":
            n, mean, _ = (panes[part] for part in self.parts)
            return {f"{self.name}_n": n.sum(), f"{self.name}_total": (n * mean).sum()}
        return {self.name: _MERGE[self.kind](panes[self.name])}

    def ring_mean(self, rings: Table) -> dict[str, Value]:
        """For a spread, the mean of a ring."""
        return {f"{self.name}_around": ratio(rings[f"{self.name}_total"], rings[f"{self.name}_n"])}

    def around_mean(self, panes: Table) -> dict[str, Value]:
        """For a spread, mean and sum of squares of a ring from panes that know its mean."""
        n, mean, m2 = (panes[part] for part in self.parts)
        around = panes[f"{self.name}_around"]
        squares = (m2 + n * (mean - around) * (mean - around)).sum()
        return {f"{self.name}_mean": around.max(), f"{self.name}_m2": squares}

    def over_rings(self, rings: Table, days: int) -> dict[str, Value]:
        """Column of a window from the rings inside it; of a spread its parts, ring by ring."""
        ring = WINDOWS.index(days)
        if self.kind == "spread":
            return {
                f"{part}_{at}": rings[part].max(where=rings.ring == at).fill_null(0.0)
                for part in self.parts
                for at in range(ring + 1)
            }
        return {f"{self.name}_{days}d": _MERGE[self.kind](rings[self.name], rings.ring <= ring)}

    def window_mean(self, windows: Table, days: int) -> dict[str, Value]:
        """For a spread, number and mean of the values of a window, from its rings."""
        n, mean, _ = self._rings(windows, days)
        count = sum(n[1:], start=n[0])
        total = sum((k * m for k, m in zip(n[1:], mean[1:], strict=True)), start=n[0] * mean[0])
        return {f"{self.name}_{days}d_n": count, f"{self.name}_{days}d_mean": ratio(total, count)}

    def deviation(self, windows: Table, days: int) -> dict[str, Value]:
        """For a spread, the sample standard deviation of a window, around its mean."""
        count, around = (windows[f"{self.name}_{days}d_{part}"] for part in ("n", "mean"))
        squares = [
            k * (m - around) * (m - around) + s
            for k, m, s in zip(*self._rings(windows, days), strict=True)
        ]
        freedom = (count > 1).ifelse(count - 1, None)
        return {f"{self.name}_{days}d": (sum(squares[1:], start=squares[0]) / freedom).sqrt()}

    def _rings(self, windows: Table, days: int) -> list[list[Any]]:
        rings = range(WINDOWS.index(days) + 1)
        return [[windows[f"{part}_{at}"] for at in rings] for part in self.parts]

    @property
    def parts(self) -> list[str]:
        """Columns of a spread: number, mean and sum of squares around it."""
        return [f"{self.name}_{part}" for part in PARTS]


@dataclass
class History:
    """The visible transactions of a customer's last 365 days, as a definition looks at them.

    A column (`history.amount`) is a column of the rows. A method measures over the last `days`
    days, where a condition holds, and gives a column to calculate on.
    """

    rows: Table
    partials: dict[Any, Partial] = field(default_factory=dict)
    windows: dict[tuple[str, int], None] = field(default_factory=dict)
    distincts: dict[Any, "Distinct"] = field(default_factory=dict)

    def __getattr__(self, column: str) -> Any:
        """A column of the rows."""
        if column.startswith("__"):
            raise AttributeError(column)
        return self.rows[column]

    def named(self, name: str) -> Partial:
        """The partial of that name."""
        return next(one for one in self.partials.values() if one.name == name)

    @property
    def columns(self) -> set[str]:
        """Columns of the rows that the measures look at."""
        looked_at = [part for one in self.partials.values() for part in (one.value, one.where)]
        for column in self.distincts.values():
            looked_at.append(column.value)
            for _, days, where in column.counts.values():
                looked_at += [where, self.rows[f"sees_{days}d"]]
        found = [
            value.op().find(ibis.expr.operations.Field) for value in looked_at if value is not None
        ]
        return {field.name for fields in found for field in fields if field.rel == self.rows.op()}

    def count(self, days: int, where: BooleanValue | None = None) -> Any:
        """Number of rows; null where there is no row at all."""
        return self._measured("count", None, days, where)

    def total(self, value: Value, days: int, where: BooleanValue | None = None) -> Any:
        """Sum of a value; null where no row counts."""
        return self._measured("total", value, days, where)

    def mean(self, value: Value, days: int, where: BooleanValue | None = None) -> Any:
        """Mean of a value where it is known; null where it nowhere is."""
        known = value.notnull() if where is None else value.notnull() & where
        return ratio(self.total(value, days, where), self.count(days, known))

    def std(self, value: Value, days: int, where: BooleanValue | None = None) -> Any:
        """Sample standard deviation of a value (n - 1); null below two values."""
        return self._measured("spread", value, days, where)

    def largest(self, value: Value, days: int, where: BooleanValue | None = None) -> Any:
        """Largest value; null where none is known."""
        return self._measured("largest", value, days, where)

    def smallest(self, value: Value, days: int, where: BooleanValue | None = None) -> Any:
        """Smallest value; null where none is known."""
        return self._measured("smallest", value, days, where)

    def days_since(self, days: int, where: BooleanValue | None = None) -> Any:
        """Days from the last row to the cut-off; null without a row."""
        last = self.largest(self.rows.posted_at, days, where)
        return days_between(ibis._["at"], last)

    def distinct(self, value: Column, days: int, where: BooleanValue | None = None) -> Any:
        """Number of different values, missing ones apart; null without a row."""
        column = self.distincts.setdefault(value.op(), Distinct(f"d{len(self.distincts)}", value))
        return ibis._[column.counted(days, where)]

    def gap_mean(self) -> Any:
        """Mean days from one row to the next in the last 365 days; null below two rows."""
        return ibis._["gap_mean"]

    def gap_std(self) -> Any:
        """Sample standard deviation of the days between rows; null below three rows."""
        return ibis._["gap_std"]

    def _measured(
        self, kind: Kind, value: Value | None, days: int, where: BooleanValue | None
    ) -> Any:
        key = (kind, _op(value), _op(where))
        partial = self.partials.setdefault(
            key, Partial(f"p{len(self.partials)}", kind, value, where)
        )
        self.windows[partial.name, days] = None
        return ibis._[f"{partial.name}_{days}d"]


@dataclass
class Distinct:
    """The different values of one column, and in which windows and rows they are counted."""

    name: str
    value: Column
    counts: dict[Any, tuple[str, int, BooleanValue | None]] = field(default_factory=dict)

    def counted(self, days: int, where: BooleanValue | None) -> str:
        """The column that counts the values of a window."""
        name = f"{self.name}_{len(self.counts)}"
        return self.counts.setdefault((days, _op(where)), (name, days, where))[0]

    def values(self, rows: Table) -> Table:
        """One row per customer and value: for each count, the bits of the cut-offs that see it."""
        named = rows.mutate(value=self.value)
        bits = {
            name: distinct_bits(named[f"sees_{days}d"], where)
            for name, days, where in self.counts.values()
        }
        return (
            named.filter(named.value.notnull()).group_by("customer_id", "value").aggregate(**bits)
        )

    def count(self, values: Table, cutoffs: Table) -> Table:
        """One row per customer and cut-off: number of values that each count sees."""
        seen = values.cross_join(cutoffs.select("as_of", "bit"))
        counts = {
            name: seen.count(where=(seen[name] & seen.bit) != 0)
            for name, _, _ in self.counts.values()
        }
        return seen.group_by("customer_id", "as_of").aggregate(**counts)


def _op(value: Value | None) -> Any:
    return None if value is None else value.op()


_AGGREGATE: Mapping[str, Any] = {
    "count": lambda value, where: ibis._.count(where=where),
    "total": lambda value, where: value.sum(where=where),
    "largest": lambda value, where: value.max(where=where),
    "smallest": lambda value, where: value.min(where=where),
}
_MERGE: Mapping[str, Any] = {
    "count": lambda column, where=None: column.sum(where=where),
    "total": lambda column, where=None: column.sum(where=where),
    "largest": lambda column, where=None: column.max(where=where),
    "smallest": lambda column, where=None: column.min(where=where),
}
