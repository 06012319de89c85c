"""Days from one transaction to the next: in panes, and what each cut-off sees of them."""

import ibis
from ibis.expr.types import Table

from features.dialect import days_between, mean_and_spread, ratio
from features.panes import YEAR, Panes
from features.transactions import KEY, PANE, PlanTables, in_windows

GAP = ("gap_n", "gap_mean", "gap_m2")


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


def gaps(rows: Table, parts: Table, in_order: Table, panes: Panes, plan: PlanTables) -> Table:
    """One row per customer and cut-off: mean and deviation of the gaps in 365 days.

    `in_order` are the `gaps_of_panes`. They hold where rows arrived in the order in which they
    were posted. Where a late row came in between, `gap_days` is not the gap that an earlier
    cut-off saw: the gaps of those customers are taken anew for each cut-off.
    """
    if panes.single:
        return in_order
    mixed = parts.filter(parts.overtaken).select("customer_id").distinct()
    return in_order.anti_join(mixed, "customer_id").union(
        _gaps_of_rows(rows.semi_join(mixed, "customer_id"), plan)
    )


def gaps_of_panes(parts: Table, plan: PlanTables) -> Table:
    """One row per customer and cut-off with a row in 365 days: mean and deviation of gaps.

    Gaps inside panes add up, and so does the one from a pane to the next, when both its ends are
    in the window.
    """
    starts = plan.instants.select("as_of", start=plan.instants[f"from_{YEAR}d"])
    near = in_windows(parts, plan).join(starts, "as_of")
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
    seen = in_windows(rows.select("customer_id", "posted_at", "pane", "seen"), plan)
    before = ibis.window(group_by=KEY, order_by="posted_at")
    seen = seen.mutate(gap=days_between(seen.posted_at, seen.posted_at.lag().over(before)))
    return seen.group_by(*KEY).aggregate(
        gap_mean=seen.gap.mean(), gap_std=seen.gap.std(how="sample")
    )
