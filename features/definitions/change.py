"""Change: a customer against their own past, never against others."""

from typing import TYPE_CHECKING

from features.dialect import ratio
from features.feature import feature

if TYPE_CHECKING:
    from ibis.expr.types import NumericValue, Table


@feature(unit="ratio", low=0, high=3, over="customers")
def transactions_trend(row: "Table") -> "NumericValue":
    """Transactions a month in the last 30 days against the last 90 days (1: unchanged)."""
    return ratio(row.transactions_30d * 3, row.transactions_90d)


@feature(unit="ratio", low=0, high=4.06, over="customers")
def transactions_trend_365d(row: "Table") -> "NumericValue":
    """Transactions a day in the last 90 days against the last 365 days (1: unchanged)."""
    return ratio(row.transactions_90d * 365, row.transactions_365d * 90)


@feature(unit="ratio", low=0, high=4.06, over="customers")
def debit_trend(row: "Table") -> "NumericValue":
    """Spending a day in the last 90 days against the customer's own last 365 days."""
    return ratio(row.debit_90d * 365, row.debit_365d * 90)


@feature(unit="ratio", low=0, high=4.06, over="customers")
def credit_trend(row: "Table") -> "NumericValue":
    """Money received a day in the last 90 days against the customer's own last 365 days."""
    return ratio(row.credit_90d * 365, row.credit_365d * 90)


@feature(unit="ratio", low=0, high=3, over="customers")
def debit_trend_30d(row: "Table") -> "NumericValue":
    """Spending a month in the last 30 days against the last 90 days (1: unchanged)."""
    return ratio(row.debit_30d * 3, row.debit_90d)


@feature(unit="ratio", low=0, high=3, over="customers")
def credit_trend_30d(row: "Table") -> "NumericValue":
    """Money received a month in the last 30 days against the last 90 days (1: unchanged)."""
    return ratio(row.credit_30d * 3, row.credit_90d)
