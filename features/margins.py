"""Margins: what a customer earned the bank in the year after a cut-off. The future, as labels are.

Never seen by serving or monitoring. The rates come from the configuration ([value]).
"""

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from domain.cutoffs import cutoff_instant
from features.dialect import days_between, days_since
from features.engine import Tables
from features.history import days_of, require_history, spine
from features.settings import ValueSettings

KEY = ("customer_id", "as_of")
YEAR_DAYS = 365


def yearly_margins(tables: Tables, as_of: date | Sequence[date], settings: ValueSettings) -> Table:
    """One row per (customer, cut-off) with the bank at it: `customer_id`, `as_of`, `margin`.

    The margin, in the bank's currency, of the 365 days after the cut-off: the balance of every
    moment (a debt counts 0, nothing after the account is closed) at `net_interest_margin` a year,
    and `fee_on_turnover` of all that was paid in and out. Without balances the turnover alone.

    Raises BadInput for a cut-off before all data. That the year is over is for the caller to see.

    >>> from features.engine import tables_of
    >>> import pandas as pd
    >>> people = pd.DataFrame({"customer_id": ["a"], "onboarded_on": "2026-01-01"})
    >>> posted = pd.DataFrame(
    ...     {"transaction_id": ["1", "2"], "customer_id": "a", "amount": [0.0, -1000.0],
    ...      "posted_at": ["2026-01-01 00:00", "2026-07-02 12:00"], "balance_after": [1000.0, 0.0]})
    >>> bank = tables_of({"customers": people, "transactions": posted})
    >>> rates = ValueSettings(net_interest_margin=0.02, fee_on_turnover=0.001)
    >>> yearly_margins(bank, date(2026, 1, 2), rates).execute().margin.round(6).tolist()
    [10.945205]
    """
    days = days_of(as_of)
    require_history(tables, days)
    rows = spine(tables, _years(days, tables.timezone)).select(*KEY, "at", "to")
    held, turned = _balances(tables, rows), _turnovers(tables, rows)
    found = rows.left_join(held, KEY).drop("customer_id_right", "as_of_right")
    found = found.left_join(turned, KEY).drop("customer_id_right", "as_of_right")
    margin = found.balance.fill_null(0.0) * settings.net_interest_margin
    margin += found.turnover.fill_null(0.0) * settings.fee_on_turnover
    return found.select(*KEY, margin=margin)


def _years(days: Sequence[date], timezone: str) -> Table:
    ends = [day + timedelta(days=YEAR_DAYS) for day in days]
    columns = {"as_of": pa.array(days, pa.date32())}
    for name, moments in {"at": days, "to": ends}.items():
        instants = [cutoff_instant(day, timezone) for day in moments]
        columns[name] = pa.array(instants, pa.timestamp("us"))
    return ibis.memtable(pa.table(columns))


def _balances(tables: Tables, rows: Table) -> Table:
    """The mean balance of the year: each counts from its row (or the cut-off) to the next one."""
    known = tables.transactions.filter(tables.transactions.balance_after.notnull())
    seen = rows.join(known, [rows.customer_id == known.customer_id, known.posted_at < rows.to])
    left = tables.closures.group_by("customer_id").aggregate(
        closed_on=tables.closures.closed_on.min()
    )
    # in days since the cut-off: a closure is a day of the bank, a posting a moment
    seen = seen.select(
        *KEY, "transaction_id", "balance_after", day=days_between(seen.posted_at, seen["at"])
    )
    seen = seen.join(left, "customer_id", how="left")
    order = ibis.window(group_by=KEY, order_by=["day", "transaction_id"])
    year = ibis.literal(float(YEAR_DAYS))
    following = ibis.coalesce(seen.day.lead().over(order), year)
    closed = days_since(seen.closed_on, seen.as_of).fill_null(YEAR_DAYS)
    held = ibis.least(following, closed, year) - ibis.greatest(seen.day, 0.0)
    money = ibis.greatest(seen.balance_after, 0.0) * ibis.greatest(held, 0.0) / YEAR_DAYS
    seen = seen.select(*KEY, money=money)
    return seen.group_by(*KEY).aggregate(balance=seen.money.sum())


def _turnovers(tables: Tables, rows: Table) -> Table:
    moved = tables.transactions
    within = [
        rows.customer_id == moved.customer_id,
        moved.posted_at >= rows["at"],
        moved.posted_at < rows.to,
    ]
    return rows.join(moved, within).group_by(*KEY).aggregate(turnover=moved.amount.abs().sum())
