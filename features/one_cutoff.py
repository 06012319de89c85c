"""The plain query of one feature at one cut-off, for people to read and to check by hand.

The feature query proper shares its work between all features and cut-offs; this one asks the
same definition directly, so that a reader sees nothing but that feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import ibis
from ibis.expr.types import Table, Value

from domain.cutoffs import cutoff_instant
from domain.tables import CONTRACTS
from features.dialect import days_between, last_row
from features.engine import IBIS, Tables
from features.feature import WINDOWS, Feature
from features.history import YEAR, holding_history, service_history
from features.local_time import local_month, local_weekend
from features.places import PLACE
from features.plain_places import plain_places
from features.registry import FEATURES

DERIVED = {"own": "boolean", "month": "int32", "weekend": "boolean", "gap_days": "float64"}
PERSON = ("onboarded_on", "birth_date", "occupation", "income_band", "kind")
PERSONAL = {"customers": PERSON, "places": PLACE}  # of the customers, beside what is looked up


@dataclass(frozen=True)
class Cutoff:
    """A cut-off in a bank's time zone."""

    day: date
    timezone: str

    def instant(self, days: int = 0) -> datetime:
        """The first moment of the day so many days before, in UTC."""
        return cutoff_instant(self.day - timedelta(days=days), self.timezone)

    def literal(self, days: int = 0) -> Value:
        """The same as a value of a query."""
        return ibis.literal(self.instant(days), "timestamp(6)")


@dataclass(frozen=True)
class PlainHistory:
    """The visible transactions of the last 365 days, with the measures that definitions use."""

    rows: Table
    cutoff: Cutoff

    def __getattr__(self, column: str) -> Any:
        """A column of the rows."""
        if column.startswith("__"):
            raise AttributeError(column)
        return self.rows[column]

    def count(self, days: int, where: Value | None = None) -> Value:
        """Number of rows."""
        return self.rows.count(where=self._inside(days, where))

    def total(self, value: Value, days: int, where: Value | None = None) -> Value:
        """Sum of a value."""
        return value.sum(where=self._inside(days, where))

    def mean(self, value: Value, days: int, where: Value | None = None) -> Value:
        """Mean of a value where it is known."""
        return value.mean(where=self._inside(days, where))

    def std(self, value: Value, days: int, where: Value | None = None) -> Value:
        """Sample standard deviation of a value."""
        return value.std(how="sample", where=self._inside(days, where))

    def largest(self, value: Value, days: int, where: Value | None = None) -> Value:
        """Largest value."""
        return value.max(where=self._inside(days, where))

    def smallest(self, value: Value, days: int, where: Value | None = None) -> Value:
        """Smallest value."""
        return value.min(where=self._inside(days, where))

    def days_since(self, days: int, where: Value | None = None) -> Value:
        """Days from the last row to the cut-off."""
        return days_between(self.cutoff.literal(), self.largest(self.rows.posted_at, days, where))

    def distinct(self, value: Value, days: int, where: Value | None = None) -> Value:
        """Number of different values."""
        return value.nunique(where=self._inside(days, where))

    def gap_mean(self) -> Value:
        """Mean days from one row to the next."""
        return self.rows.gap_days.mean()

    def gap_std(self) -> Value:
        """Sample standard deviation of the days between rows."""
        return self.rows.gap_days.std(how="sample")

    def _inside(self, days: int, where: Value | None) -> Value | None:
        if days == YEAR:
            return where
        inside = self.rows.posted_at >= self.cutoff.literal(days)
        return inside if where is None else inside & where


def sql_of(name: str, as_of: date, timezone: str = "UTC") -> str:
    """DuckDB SQL over the contract tables: `customer_id` and the feature at one cut-off.

    >>> print(sql_of("products_held", date(2026, 1, 31)).splitlines()[0])
    SELECT
    """
    return str(ibis.to_sql(plain_query(name, as_of, timezone), dialect="duckdb"))


def plain_query(name: str, as_of: date, timezone: str = "UTC") -> Table:
    """One row per customer with the bank at the cut-off, by id: the value of one feature."""
    tables, cutoff, known = _contract_tables(timezone), Cutoff(as_of, timezone), FEATURES[name]
    people = _people(tables, cutoff, PERSONAL.get(known.over, ()))
    for needed in _needed(known):
        found = _OVER[needed.over](tables, cutoff, people, needed)
        joined = people.left_join(found, "customer_id")
        value = joined[needed.name]
        value = value if needed.empty is None else value.fill_null(needed.empty)
        people = joined.select(*people.columns, value.name(needed.name))
    value = known.expression(people) if known.over == "customers" else people[name]
    kind = "string" if known.kind == "category" else "float64"
    return people.select("customer_id", value.cast(kind).name(name)).order_by("customer_id")


def _contract_tables(timezone: str) -> Tables:
    tables = {
        name: ibis.table({column.name: IBIS[column.kind] for column in contract}, name=name)
        for name, contract in CONTRACTS.items()
    }
    return Tables(**tables, timezone=timezone)


def _needed(known: Feature) -> Sequence[Feature]:
    """The features that are looked up: this one, or those that it is made of."""
    if known.over != "customers":
        return [known]
    looked_up = {one.name: one for one in FEATURES.values() if one.over != "customers"}
    columns = dict.fromkeys(looked_up, "float64") | dict.fromkeys(("as_of", *PERSON[:2]), "date")
    wide = ibis.table(columns | dict.fromkeys(PERSON[2:], "string"), name="wide")
    used = _columns(known.expression(wide))
    return [one for name, one in looked_up.items() if name in used]


def _people(tables: Tables, cutoff: Cutoff, columns: Sequence[str]) -> Table:
    day = ibis.literal(cutoff.day)
    left = tables.closures.filter(tables.closures.closed_on < day)
    there = tables.customers.filter(tables.customers.onboarded_on < day)
    return there.anti_join(left, "customer_id").select("customer_id", *columns, as_of=day)


def _visible(tables: Tables, cutoff: Cutoff) -> Table:
    rows, at = tables.transactions, cutoff.literal()
    return rows.filter(
        (rows.posted_at < at) & (rows.available_at.isnull() | (rows.available_at <= at))
    )


def _of_transactions(tables: Tables, cutoff: Cutoff, people: Table, known: Feature) -> Table:
    schema = dict(tables.transactions.schema().items()) | DERIVED
    used = _columns(known.expression(PlainHistory(ibis.table(schema, name="rows"), cutoff)))
    seen = _visible(tables, cutoff)
    seen = seen.filter(seen.posted_at >= cutoff.literal(YEAR))
    columns = [_row_column(seen, name, cutoff) for name in sorted(used | {"posted_at"})]
    rows = seen.select("customer_id", *columns)
    return _by_customer(rows, known, PlainHistory(rows, cutoff))


def _row_column(rows: Table, name: str, cutoff: Cutoff) -> Value:
    span = (cutoff.timezone, cutoff.instant(YEAR), cutoff.instant())
    match name:
        case "own":
            return rows.initiated_by_customer.fill_null(True).name(name)
        case "month":
            return local_month(rows.posted_at, *span).name(name)
        case "weekend":
            return local_weekend(rows.posted_at, *span).name(name)
        case "gap_days":
            before = ibis.window(group_by="customer_id", order_by="posted_at")
            return days_between(rows.posted_at, rows.posted_at.lag().over(before)).name(name)
    return rows[name]


def _latest(tables: Tables, cutoff: Cutoff, people: Table, known: Feature) -> Table:
    seen, at = _visible(tables, cutoff), cutoff.literal()
    own = seen.initiated_by_customer.fill_null(True)
    found = seen.group_by("customer_id").aggregate(
        last=last_row(seen, ("posted_at", "transaction_id"), ("balance_after",)),
        own_posted_at=seen.posted_at.max(where=own),
    )
    latest = found.select(
        "customer_id",
        balance_after=found["last"].balance_after,
        days_ago=days_between(at, found["last"].posted_at),
        own_days_ago=days_between(at, found.own_posted_at),
    )
    return latest.select("customer_id", known.expression(latest).name(known.name))


def _of_holdings(tables: Tables, cutoff: Cutoff, people: Table, known: Feature) -> Table:
    rows = holding_history(tables, people.select("customer_id", "as_of"))
    return _by_customer(rows, known, rows)


def _of_events(tables: Tables, cutoff: Cutoff, people: Table, known: Feature) -> Table:
    starts = {f"from_{days}d": cutoff.literal(days) for days in WINDOWS}
    dated = people.select("customer_id", "as_of", at=cutoff.literal(), **starts)
    rows = service_history(tables, dated)
    return _by_customer(rows, known, rows)


def _of_places(tables: Tables, cutoff: Cutoff, people: Table, known: Feature) -> Table:
    rows = plain_places(people, tables.outlets, known)
    return _by_customer(rows, known, rows)


def _by_customer(rows: Table, known: Feature, history: Any) -> Table:
    value = known.expression(history).cast("float64")
    return rows.group_by("customer_id").aggregate(**{known.name: value})


def _columns(value: Value) -> set[str]:
    return {found.name for found in value.op().find(ibis.expr.operations.Field)}


_OVER = {
    "transactions": _of_transactions,
    "latest": _latest,
    "holdings": _of_holdings,
    "service_events": _of_events,
    "places": _of_places,
}


def tables_in(query: Table) -> tuple[str, ...]:
    """Names of the contract tables that a query reads.

    >>> tables_in(plain_query("products_held", date(2026, 1, 31)))
    ('customers', 'holdings', 'closures')
    """
    read = {table.name for table in query.op().find(ibis.expr.operations.UnboundTable)}
    return tuple(name for name in CONTRACTS if name in read)
