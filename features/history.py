"""What was visible of each customer at each cut-off: the tables that features look at.

A row is visible when it was posted before the cut-off's first moment in the bank's time zone
and had reached the warehouse by then. Every table here has `customer_id` and `as_of`.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from domain.cutoffs import local_day
from domain.errors import BadInput
from features.dialect import days_between
from features.engine import Tables
from features.feature import WINDOWS

YEAR = max(WINDOWS)


def days_of(as_of: date | Sequence[date]) -> list[date]:
    """The cut-offs in order, each once.

    >>> days_of([date(2026, 2, 1), date(2026, 1, 1), date(2026, 2, 1)])
    [datetime.date(2026, 1, 1), datetime.date(2026, 2, 1)]
    """
    days = sorted({as_of} if isinstance(as_of, date) else set(as_of))
    if not days:
        raise BadInput("no cut-off was given; name at least one, like --as-of 2026-01-31")
    if any(isinstance(day, datetime) for day in days):
        raise BadInput("a cut-off is a day, not a time; write it like 2026-01-31")
    return days


def spine(tables: Tables, cuts: Table, customers: Sequence[str] | None = None) -> Table:
    """One row per customer and cut-off: onboarded before it and not closed before it."""
    people = tables.customers
    if customers is not None:
        wanted = ibis.memtable(pa.table({"customer_id": pa.array(set(customers), pa.string())}))
        people = people.semi_join(wanted, "customer_id")
    left = tables.closures.group_by("customer_id").aggregate(
        closed_on=tables.closures.closed_on.min()
    )
    rows = people.join(cuts, people.onboarded_on < cuts.as_of).join(left, "customer_id", how="left")
    return rows.filter(rows.closed_on.isnull() | (rows.closed_on >= rows.as_of)).drop(
        "closed_on", "customer_id_right"
    )


def holding_history(tables: Tables, rows: Table) -> Table:
    """One row per spine row and product opened before it, with what was known of its end."""
    held, days = tables.holdings, rows.select("customer_id", "as_of")
    seen = days.join(
        held, [days.customer_id == held.customer_id, held.opened_on < days.as_of]
    ).drop("customer_id_right")
    closed = (seen.closed_on < seen.as_of).fill_null(False)
    year_ago = seen.as_of - ibis.interval(days=YEAR)
    quarter_ago = seen.as_of - ibis.interval(days=90)
    return seen.mutate(
        held=~closed,
        opened_within_365d=seen.opened_on >= year_ago,
        closed_within_365d=closed & (seen.closed_on >= year_ago),
        closed_within_90d=closed & (seen.closed_on >= quarter_ago),
    )


def service_history(tables: Tables, rows: Table) -> Table:
    """One row per spine row and visible service event, and whether it was settled by then."""
    seen = _visible(rows, tables.service_events, "occurred_at")
    return seen.mutate(resolved=(seen.resolved_at < seen["at"]).fill_null(False))


def _visible(rows: Table, events: Table, time: str, since: str | None = None) -> Table:
    days = rows.select("customer_id", "as_of", "at", *(f"from_{window}d" for window in WINDOWS))
    conditions = [
        days.customer_id == events.customer_id,
        events[time] < days["at"],
        events.available_at.isnull() | (events.available_at <= days["at"]),
    ]
    if since is not None:
        conditions.append(events[time] >= days[since])
    seen = days.join(events, conditions).drop("customer_id_right")
    within = {f"within_{window}d": seen[time] >= seen[f"from_{window}d"] for window in WINDOWS}
    ago = days_between(seen["at"], seen[time])
    return seen.mutate(**within, days_ago=ago)


def data_days(tables: Tables) -> tuple[date, date]:
    """Days of the first and the last transaction in the bank's time zone.

    BadInput when there is no transaction at all.
    """
    posted = tables.transactions.posted_at
    found = tables.transactions.aggregate(first=posted.min(), last=posted.max()).execute()
    if found["first"].isna()[0]:
        raise BadInput("table 'transactions' is empty; deliver at least one transaction")
    first, last = (local_day(found[name][0].to_pydatetime(), tables.timezone) for name in found)
    return first, last


def require_history(tables: Tables, as_of: date | Sequence[date], option: str = "--as-of") -> None:
    """BadInput for a cut-off before all data, or so far past them that history is stale.

    `option` is where the user named it.
    """
    first, last = data_days(tables)
    days = days_of(as_of)
    if first >= days[0]:
        raise BadInput(
            f"cut-off {days[0]} is before all data (the first transaction is of {first}); "
            f"choose a later {option}"
        )
    past = (days[-1] - last).days - 1
    if past > tables.stale_days:
        raise BadInput(
            f"cut-off {days[-1]} is {past} days past the data (the last transaction is of "
            f"{last}); deliver newer transactions, choose {option} up to "
            f"{days[-1] - timedelta(days=past - tables.stale_days)}, or raise "
            f"sources.stale_days ({tables.stale_days})"
        )
