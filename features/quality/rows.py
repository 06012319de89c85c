"""The contract tables as quality rules look at them: each row with its customer and cell."""

from datetime import date

import ibis
import pandas as pd
import pyarrow as pa
from ibis.expr.types import Table

from domain.tables import CONTRACTS
from features.engine import Tables
from features.local_time import local_midnight

EVERYONE = "all"  # the cell of everybody
DISTRICT_CUSTOMERS = 100  # with a district and coordinates, before a cell says what is rare
EARLIEST, LATEST = date(1900, 1, 1), date(2100, 1, 1)  # days beyond keep the offset of the edge


def people(tables: Tables, cells: pd.DataFrame | None) -> Table:
    """One row per customer: its columns and source, `cell_id`, `joined_at` and `left_by` in UTC.

    `left_by` is the end of the day of leaving; without cells everyone is in the cell 'all'.
    """
    left = tables.closures.group_by("customer_id").aggregate(
        left_on=tables.closures.closed_on.min()
    )
    rows = tables.customers.left_join(left, "customer_id").drop("customer_id_right")
    if cells is None:
        rows = rows.mutate(cell_id=ibis.literal(EVERYONE))
    else:
        rows = rows.left_join(_placed(cells), "customer_id").drop("customer_id_right")
    day, span = ibis.interval(days=1), _days(tables)
    return rows.mutate(
        cell_id=rows.cell_id.fill_null(EVERYONE),
        joined_at=local_midnight(rows.onboarded_on, tables.timezone, *span),
        left_by=local_midnight((rows.left_on + day).cast("date"), tables.timezone, *span),
    )


def customer_rows(everyone: Table, outlets: Table, with_cells: bool) -> Table:
    """People with `namesakes` (others before them alike) and `district_share` of their cell.

    `outlet_listed` says whether the home outlet is in the table, if there is such a table.
    """
    alike = ibis.window(
        group_by=["birth_date", "sex", "latitude_4", "longitude_4"], order_by="customer_id"
    )
    rows = everyone.mutate(
        latitude_4=everyone.latitude.round(4), longitude_4=everyone.longitude.round(4)
    )
    rows = _with_listed(rows.mutate(namesakes=ibis.row_number().over(alike)), outlets)
    if not with_cells:
        return rows.mutate(district_share=ibis.null("float64"))
    placed = rows.district.notnull() & rows.latitude.notnull() & rows.longitude.notnull()
    here = placed.ifelse(1, 0)
    total = here.sum().over(ibis.window(group_by="cell_id"))
    same = here.sum().over(ibis.window(group_by=["cell_id", "district"]))
    judged = placed & (total >= DISTRICT_CUSTOMERS)
    return rows.mutate(district_share=judged.ifelse(same / total.nullif(0), None))


def rows_of(tables: Tables, name: str, everyone: Table) -> Table:
    """The rows of a table other than customers, each with what is compared of its customer.

    Rows of no customer are in the cell 'all'.
    """
    if not CONTRACTS[name].of_customers:
        return getattr(tables, name).mutate(cell_id=ibis.literal(EVERYONE))
    about = everyone.select("customer_id", "cell_id", "onboarded_on", "joined_at", "left_by")
    table: Table = getattr(tables, name)
    return table.join(about, "customer_id")


def balance_rows(tables: Tables, everyone: Table, one_in: int) -> Table:
    """Transactions of one customer in `one_in`, with the balance `before` where it is certain.

    Rows of one customer and one moment have no known order: neither they nor the row after
    them have a certain balance before.
    """
    posted = tables.transactions.select(
        "customer_id", "posted_at", "transaction_id", "amount", "balance_after", "source"
    )
    if one_in > 1:
        posted = posted.filter(posted.customer_id.hash() % one_in == 0)
    order = ibis.window(group_by="customer_id", order_by=["posted_at", "transaction_id"])
    at, balance = posted.posted_at, posted.balance_after
    rows = posted.mutate(
        previous=balance.lag().over(order),
        at_1=at.lag().over(order),
        at_2=at.lag(2).over(order),
        following=at.lead().over(order),
    )
    alone = (
        (rows.at_1 < rows.posted_at)
        & (rows.at_2.isnull() | (rows.at_2 < rows.at_1))
        & (rows.following.isnull() | (rows.following > rows.posted_at))
    )
    rows = rows.mutate(before=alone.ifelse(rows.previous, None))
    return rows.join(everyone.select("customer_id", "cell_id"), "customer_id")


def _with_listed(rows: Table, outlets: Table) -> Table:
    listed = outlets.select(listed_id="outlet_id")
    rows = rows.left_join(listed, rows.outlet_id == listed.listed_id)
    told = rows.outlet_id.notnull() & (outlets.count().as_scalar() > 0)
    return rows.mutate(outlet_listed=told.ifelse(rows.listed_id.notnull(), None))


def _placed(cells: pd.DataFrame) -> Table:
    columns = {
        name: pa.Array.from_pandas(cells[name], type=pa.string())
        for name in ("customer_id", "cell_id")
    }
    return ibis.memtable(pa.table(columns))


def _days(tables: Tables) -> tuple[date, date]:
    """The first and the last day on which a customer joined or left, as far as zones are known."""
    joined, left = tables.customers.onboarded_on, tables.closures.closed_on
    first, last = (one.to_pyarrow().as_py() or EARLIEST for one in (joined.min(), joined.max()))
    gone = left.max().to_pyarrow().as_py() or last
    return min(max(first, EARLIEST), LATEST), max(min(max(last, gone), LATEST), EARLIEST)
