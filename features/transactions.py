"""From transactions to measures: rows in panes, partials, and what each cut-off sees of them.

A row is visible at a cut-off when it was posted before the cut-off's first moment in the bank's
time zone and had reached the warehouse by then. `seen` is the number of the first cut-off of
the plan that sees a row, so that late rows are told apart from those before them.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import NamedTuple

import ibis
from ibis.expr.types import Table, Value

from features.dialect import days_between, last_row, mean_and_spread, of_last, ratio
from features.engine import Tables
from features.feature import WINDOWS
from features.local_time import arrival_day, local_day, local_month
from features.measures import History, Partial
from features.panes import YEAR, Panes

KEY = ("customer_id", "as_of")
RING = ("customer_id", "as_of", "ring")
LATEST = ("last", "own_posted_at")
PANE = ("customer_id", "pane", "seen")
# what every plan needs of a row; the measures name the rest
ROW = ("customer_id", "pane", "seen", "posted_at", "transaction_id", "balance_after", "own")
LAST = (("posted_at", "transaction_id"), ("balance_after",))

Keep = Callable[[str, Table], Table]


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


def inline(name: str, table: Table) -> Table:
    """A step that stays part of the query; an engine that can keeps it as a table instead."""
    return table


def year_rows(tables: Tables, panes: Panes, plan: PlanTables) -> Table:
    """One row per transaction that a cut-off sees in its last 365 days, with pane and `seen`.

    `sees_Wd` holds a bit for each cut-off whose window of W days sees the row.
    """
    posted = _arrived(tables, panes)
    posted = posted.filter(posted.posted_at >= panes.instant(panes.first_day))
    rows = _in_rings(posted, panes) if panes.single else _in_panes(posted, panes, plan)
    return rows.mutate(
        own=rows.initiated_by_customer.fill_null(True),
        month=local_month(
            rows.posted_at,
            panes.timezone,
            panes.instant(panes.first_day),
            panes.instant(panes.cutoffs[-1]),
        ),
    )


def older_rows(tables: Tables, panes: Panes, plan: PlanTables) -> Table:
    """One row per transaction before all windows, with `seen`: only the last of them matters."""
    posted = _arrived(tables, panes)
    posted = posted.filter(posted.posted_at < panes.instant(panes.first_day))
    own = posted.initiated_by_customer.fill_null(True)
    if panes.single:
        return posted.mutate(own=own, seen=ibis.literal(0, "int16"))
    # whatever arrived before the first window counts as of its first day
    first = ibis.literal(panes.first_day)
    arrived = _arrival(posted, panes).fill_null(first)
    late = posted.mutate(own=own, seen_on=ibis.greatest(arrived, first))
    return late.join(plan.arrivals, "seen_on")


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
    tomorrow = day + ibis.interval(days=1)
    arrived = _arrival(posted, panes)
    rows = posted.mutate(day=day, seen_on=ibis.greatest(arrived.fill_null(tomorrow), tomorrow))
    rows = rows.join(plan.days, "day").join(plan.arrivals, "seen_on")
    return rows.mutate(**{f"sees_{w}d": rows[f"upto_{w}d"] & rows.since for w in WINDOWS})


def _arrival(posted: Table, panes: Panes) -> Value:
    """The first day of the bank at whose beginning the row was there."""
    return arrival_day(posted.available_at, panes.timezone, panes.first_day, panes.cutoffs[-1])


def partials(rows: Table, history: History) -> Table:
    """One row per customer, pane and `seen`: what the rows there add up to."""
    columns = _merged(partial.over_rows() for partial in history.partials.values())
    return rows.group_by(*PANE).aggregate(
        **columns, last=last_row(rows, *LAST), own_posted_at=rows.posted_at.max(where=rows.own)
    )


def latest_older(older: Table) -> Table:
    """One row per customer and `seen`: the last of the rows before all windows."""
    return older.group_by("customer_id", "seen").aggregate(
        last=last_row(older, *LAST), own_posted_at=older.posted_at.max(where=older.own)
    )


def windows(parts: Table, history: History, panes: Panes, plan: PlanTables) -> Table:
    """One row per customer and cut-off with a row in 365 days: measures, and the latest row."""
    rings = _seen(parts, plan) if panes.single else _rings(parts, history, plan)
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
    seen = _seen(parts, plan)
    rings = seen.group_by(*RING).aggregate(
        **_merged(one.over_panes(seen) for one in measures),
        last=seen["last"].max(),
        own_posted_at=seen.own_posted_at.max(),
    )
    around = rings.select(*RING, **_merged(one.ring_mean(rings) for one in spreads))
    # narrow on its own: the wide rows are then read once and never kept
    narrow = parts.select(*PANE, *(name for one in spreads for name in one.parts))
    near = _seen(narrow, plan).join(around, RING)
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


def _seen(parts: Table, plan: PlanTables) -> Table:
    """Partials of every cut-off's last 365 days, with their ring."""
    rings = plan.rings
    return parts.join(rings, [parts.pane == rings.pane, parts.seen <= rings.cutoff]).drop(
        "pane_right"
    )


def gap_rows(rows: Table) -> Table:
    """One row per row of the year: days since the one before, and whether that is in its pane."""
    before = ibis.window(group_by="customer_id", order_by="posted_at")
    previous = {name: rows[name].lag().over(before) for name in ("posted_at", "pane", "seen")}
    return rows.select(
        *PANE,
        "posted_at",
        gap_days=days_between(rows.posted_at, previous["posted_at"]),
        gap_from=previous["posted_at"],
        inside=(previous["pane"] == rows.pane).fill_null(False),
        overtaken=(previous["seen"] > rows.seen).fill_null(False),
    )


def gap_partials(rows: Table) -> Table:
    """One row per customer, pane and `seen`: gaps inside, and the one from the pane before."""
    gaps = zip(GAP, mean_and_spread(rows.gap_days, rows.inside), strict=True)
    return rows.group_by(*PANE).aggregate(
        **dict(gaps),
        gap_across=rows.gap_days.max(where=~rows.inside),
        gap_from=rows.gap_from.max(where=~rows.inside),
        overtaken=rows.overtaken.max(),
    )


GAP = ("gap_n", "gap_mean", "gap_m2")


def gaps(rows: Table, parts: Table, panes: Panes, plan: PlanTables) -> Table:
    """One row per customer and cut-off: mean and deviation of the gaps in 365 days.

    Gaps inside panes add up, and so does the one from a pane to the next, when both its ends are
    in the window. That holds where rows arrived in the order in which they were posted. Where a
    late row came in between, `gap_days` is not the gap that an earlier cut-off saw: the gaps
    of those customers are taken anew for each cut-off.
    """
    in_order = _gaps_of_panes(_seen(parts, plan), plan)
    if panes.single:
        return in_order
    mixed = parts.filter(parts.overtaken).select("customer_id").distinct()
    return in_order.anti_join(mixed, "customer_id").union(
        _gaps_of_rows(rows.semi_join(mixed, "customer_id"), plan)
    )


def _gaps_of_panes(seen: Table, plan: PlanTables) -> Table:
    starts = plan.instants.select("as_of", start=plan.instants[f"from_{YEAR}d"])
    near = seen.join(starts, "as_of")
    across = (near.gap_from >= near.start).ifelse(near.gap_across, None)
    near = near.select(*KEY, *GAP, across=across)
    count = near.gap_n.sum() + near.across.count()
    total = (near.gap_n * near.gap_mean).sum().fill_null(0.0) + near.across.sum().fill_null(0.0)
    found = near.group_by(*KEY).aggregate(count=count, total=total)
    found = found.select(*KEY, "count", around=ratio(found.total, found["count"]))
    near = near.join(found, KEY)
    between, jump = near.gap_mean - near.around, near.across - near.around
    inner = near.gap_m2 + near.gap_n * between * between
    squares = inner.sum().fill_null(0.0) + (jump * jump).sum().fill_null(0.0)
    second = near.group_by(*KEY).aggregate(
        squares=squares, count=near["count"].max(), gap_mean=near.around.max()
    )
    freedom = (second["count"] > 1).ifelse(second["count"] - 1, None)
    return second.select(*KEY, "gap_mean", gap_std=(second.squares / freedom).sqrt())


def _gaps_of_rows(rows: Table, plan: PlanTables) -> Table:
    seen = _seen(rows.select("customer_id", "posted_at", "pane", "seen"), plan)
    before = ibis.window(group_by=KEY, order_by="posted_at")
    seen = seen.mutate(gap=days_between(seen.posted_at, seen.posted_at.lag().over(before)))
    return seen.group_by(*KEY).aggregate(
        gap_mean=seen.gap.mean(), gap_std=seen.gap.std(how="sample")
    )
