"""The tables as the bank knew them at a cut-off: all that came later is cut away.

Features look back by themselves; this is the other way to the same numbers, by which training
finds a feature that does not.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from domain.cutoffs import cutoff_instant
from features.engine import Tables


def known_at(tables: Tables, as_of: date) -> Tables:
    """The rows that were known before the first moment of `as_of` in the bank's time zone.

    An end that came later (of a product, an outlet, a complaint) is null again. What a table keeps
    no history of (a customer's home, the balance of a product) stays as delivered.

    >>> import pandas as pd
    >>> from features.engine import tables_of
    >>> told = {"customer_id": ["a", "b"], "onboarded_on": ["2026-01-01", "2026-03-01"]}
    >>> tables = tables_of({"customers": pd.DataFrame(told)})
    >>> known_at(tables, date(2026, 2, 1)).customers.count().execute()
    1
    """
    at = ibis.literal(cutoff_instant(as_of, tables.timezone), "timestamp(6)")
    day = ibis.literal(as_of, "date")
    services = _arrived(tables.service_events, "occurred_at", at)
    outlets = tables.outlets
    return tables._replace(
        customers=tables.customers.filter(tables.customers.onboarded_on < day),
        transactions=_arrived(tables.transactions, "posted_at", at),
        holdings=_open_again(
            tables.holdings.filter(tables.holdings.opened_on < day), "closed_on", day
        ),
        service_events=_open_again(services, "resolved_at", at),
        closures=tables.closures.filter(tables.closures.closed_on < day),
        outlets=_open_again(
            outlets.filter(outlets.opened_on.isnull() | (outlets.opened_on < day)), "closed_on", day
        ),
        folder=None,
    )


def rows_of(tables: Tables, customers: Sequence[str]) -> Tables:
    """The rows of some customers; who lives where and who left stay, for they make the map.

    >>> import pandas as pd
    >>> from features.engine import tables_of
    >>> joined = {"customer_id": ["a", "b"], "onboarded_on": ["2025-01-01", "2025-03-01"]}
    >>> held = {"customer_id": ["a", "b"], "product": "card", "opened_on": "2026-01-01"}
    >>> frames = {"customers": pd.DataFrame(joined), "holdings": pd.DataFrame(held)}
    >>> rows_of(tables_of(frames), ["a"]).holdings.count().execute()
    1
    """
    wanted = ibis.memtable(pa.table({"customer_id": pa.array(set(customers), pa.string())}))
    theirs = ("transactions", "holdings", "service_events")
    some = {name: getattr(tables, name).semi_join(wanted, "customer_id") for name in theirs}
    return tables._replace(**some, folder=None)


def _arrived(rows: Table, time: str, at: Any) -> Table:
    return rows.filter((rows[time] < at) & (rows.available_at.isnull() | (rows.available_at <= at)))


def _open_again(rows: Table, end: str, at: Any) -> Table:
    return rows.mutate(**{end: (rows[end] < at).ifelse(rows[end], ibis.null(rows[end].type()))})
