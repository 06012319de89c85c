"""From transactions to measures: rows in panes, partials, and what each cut-off sees of them.

A row is visible at a cut-off when it was posted before the cut-off's first moment in the bank's
time zone and had reached the warehouse by then. `seen` is the number of the first cut-off of
the plan that sees a row, so that late rows are told apart from those before them.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

import ibis
from ibis.expr.types import Table, Value

from features.dialect import days_between, last_in_place, last_row, of_last
from features.engine import Tables
from features.feature import WINDOWS
from features.local_time import arrival_day, local_day, local_month, local_weekend
from features.measures import History, Partial
from features.panes import Panes

KEY = ("customer_id", "as_of")
RING = ("customer_id", "as_of", "ring")
LATEST = ("last", "own_posted_at")
PANE = ("customer_id", "pane", "seen")
# what every plan needs of a row; the measures name the rest
ROW = ("customer_id", "pane", "seen", "posted_at", "transaction_id", "balance_after", "own")
LAST = (("posted_at", "transaction_id"), ("balance_after",))


class PlanTables(NamedTuple):
    """The small tables of `Panes`, as tables of the engine."""

    days: Table
    arrivals: Table
    rings: Table
    instants: Table

    @classmethod
    def of(cls, panes: Panes) -> "PlanTables":
        """In memory, for any engine."""
        tables = (panes.days(), panes.arrivals(), panes.rings(), panes.instants())
        return cls(*(ibis.memtable(table) for table in tables))


def year_rows(tables: Tables, panes: Panes, plan: PlanTables) -> Table:
    """One row per transaction that a cut-off sees in its last 365 days, with pane and `seen`.

    `sees_Wd` holds a bit for each cut-off whose window of W days sees the row.
    """
    posted = _arrived(tables, panes)
    posted = posted.filter(posted.posted_at >= panes.instant(panes.first_day))
    rows = _in_rings(posted, panes) if panes.single else _in_panes(posted, panes, plan)
    span = (panes.timezone, panes.instant(panes.first_day), panes.instant(panes.cutoffs[-1]))
    return rows.mutate(
        own=rows.initiated_by_customer.fill_null(True),
        month=local_month(rows.posted_at, *span),
        weekend=local_weekend(rows.posted_at, *span),
    )


def older_rows(tables: Tables, panes: Panes, plan: PlanTables) -> Table:
    """One row per transaction before all windows, with `seen`: only the last of them matters."""
    posted = _arrived(tables, panes)
    posted = posted.filter(posted.posted_at < panes.instant(panes.first_day))
    own = posted.initiated_by_customer.fill_null(True)
    if panes.single:
        return posted.mutate(own=own, seen=ibis.literal(0, "int16"))
    # whatever came in before the first window counts as of the day before it
    before = ibis.literal(panes.first_day - timedelta(days=1))
    came_on = ibis.greatest(_came_on(posted, panes).fill_null(before), before)
    return posted.mutate(own=own, came_on=came_on).join(plan.arrivals, "came_on")


def _arrived(tables: Tables, panes: Panes) -> Table:
    """Transactions that the last cut-off sees."""
    posted, last = tables.transactions, panes.instant(panes.cutoffs[-1])
    arrived = posted.available_at.isnull() | (posted.available_at <= last)
    return posted.filter((posted.posted_at < last) & arrived)


def _in_rings(posted: Table, panes: Panes) -> Table:
    """For one cut-off: its windows cut the year into rings, the youngest pane is the last."""
    day = panes.cutoffs[0]
    starts = {window: panes.instant(day - timedelta(days=window)) for window in WINDOWS}
    inside = {window: posted.posted_at >= start for window, start in starts.items()}
    youngest = len(WINDOWS) - 1
    pane = ibis.cases(
        *((inside[window], youngest - ring) for ring, window in enumerate(WINDOWS[:-1])), else_=0
    )
    return posted.mutate(
        pane=pane.cast("int16"),
        seen=ibis.literal(0, "int16"),
        **{f"sees_{w}d": inside[w].cast("int64") for w in WINDOWS},
    )


def _in_panes(posted: Table, panes: Panes, plan: PlanTables) -> Table:
    day = local_day(posted.posted_at, panes.timezone, panes.first_day, panes.cutoffs[-1])
    came_on = ibis.greatest(_came_on(posted, panes).fill_null(day), day)
    rows = posted.mutate(day=day, came_on=came_on)
    rows = rows.join(plan.days, "day").join(plan.arrivals, "came_on")
    return rows.mutate(**{f"sees_{w}d": rows[f"upto_{w}d"] & rows.since for w in WINDOWS})


def _came_on(posted: Table, panes: Panes) -> Value:
    """The day of the bank by whose end the row was there."""
    return arrival_day(posted.available_at, panes.timezone, panes.first_day, panes.cutoffs[-1])


def partials(rows: Table, history: History) -> Table:
    """One row per customer, pane and `seen`: what the rows there add up to."""
    columns = _merged(partial.over_rows() for partial in history.partials.values())
    return rows.group_by(*PANE).aggregate(
        **columns, last=_last(rows), own_posted_at=rows.posted_at.max(where=rows.own)
    )


def always_known(parts: Table) -> Table:
    """Customers with an own row in `parts` at every cut-off: older rows cannot matter."""
    first = parts.filter((parts.seen == 0) & parts.own_posted_at.notnull())
    return first.select("customer_id").distinct()


def latest_older(older: Table) -> Table:
    """One row per customer and `seen`: the last of the rows before all windows."""
    return older.group_by("customer_id", "seen").aggregate(
        last=_last(older), own_posted_at=older.posted_at.max(where=older.own)
    )


def _last(rows: Table) -> Value:
    """Aggregate: the last row, as a struct. A place for an id (`engine.by_place`) is an order."""
    in_place = rows.transaction_id.type().is_integer()
    return last_in_place(rows, *LAST) if in_place else last_row(rows, *LAST)


def windows(parts: Table, history: History, panes: Panes, plan: PlanTables) -> Table:
    """One row per customer and cut-off with a row in 365 days: measures, and the latest row."""
    rings = in_windows(parts, plan) if panes.single else _rings(parts, history, plan)
    asked = [(history.named(name), days) for name, days in history.windows]
    found = rings.group_by(*KEY).aggregate(
        **_merged(one.over_rings(rings, days) for one, days in asked),
        last=rings["last"].max(),
        own_posted_at=rings.own_posted_at.max(),
    )
    spreads = [(one, days) for one, days in asked if one.kind == "spread"]
    for step in (Partial.window_mean, Partial.deviation):
        found = found.mutate(**_merged(step(one, found, days) for one, days in spreads))
    return found.select(*KEY, *LATEST, *(f"{name}_{days}d" for name, days in history.windows))


def _rings(parts: Table, history: History, plan: PlanTables) -> Table:
    """Panes added up to rings; a spread in a second pass, around the mean that the first found."""
    measures = history.partials.values()
    spreads = [one for one in measures if one.kind == "spread"]
    seen = in_windows(parts, plan)
    rings = seen.group_by(*RING).aggregate(
        **_merged(one.over_panes(seen) for one in measures),
        last=seen["last"].max(),
        own_posted_at=seen.own_posted_at.max(),
    )
    around = rings.select(*RING, **_merged(one.ring_mean(rings) for one in spreads))
    # narrow on its own: the wide rows are then read once and never kept
    narrow = parts.select(*PANE, *(name for one in spreads for name in one.parts))
    near = in_windows(narrow, plan).join(around, RING)
    second = near.group_by(*RING).aggregate(**_merged(one.around_mean(near) for one in spreads))
    return rings.join(second, RING)


def latest(people: Table, found: Table, parts: Table, older: Table, plan: PlanTables) -> Table:
    """One row per customer and cut-off: the latest transaction, ties by the largest id.

    Most have one in the windows (`found`); only for the others the rows before them are looked at.
    """
    known = found.filter(found.own_posted_at.notnull())
    others = people.select(*KEY, "cutoff").anti_join(known, KEY)
    columns = ("customer_id", "seen", "last", "own_posted_at")
    before = parts.select(*columns).union(older.select(*columns))
    near = others.join(
        before, [others.customer_id == before.customer_id, before.seen <= others.cutoff]
    )
    earlier = near.group_by(*KEY).aggregate(
        last=near["last"].max(), own_posted_at=near.own_posted_at.max()
    )
    both = known.select(*KEY, "last", "own_posted_at").union(earlier)
    both = both.join(plan.instants.select("as_of", "at"), "as_of")
    return both.select(
        *KEY,
        balance_after=of_last(both["last"], *LAST, "balance_after", "float64"),
        days_ago=days_between(
            both["at"], of_last(both["last"], *LAST, "posted_at", "timestamp(6)")
        ),
        own_days_ago=days_between(both["at"], both.own_posted_at),
    )


def _merged(parts: Iterable[dict[str, Value]]) -> dict[str, Value]:
    return {name: value for part in parts for name, value in part.items()}


def in_windows(parts: Table, plan: PlanTables) -> Table:
    """Partials of every cut-off's last 365 days, with their ring."""
    rings = plan.rings
    return parts.join(rings, [parts.pane == rings.pane, parts.seen <= rings.cutoff]).drop(
        "pane_right"
    )
