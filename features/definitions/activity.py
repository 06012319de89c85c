"""How often, how lately and how regularly a customer transacts."""

from typing import TYPE_CHECKING

from features.dialect import ratio
from features.feature import feature, windowed

if TYPE_CHECKING:
    from ibis.expr.types import NumericValue, Table

    from features.measures import History


@feature(unit="days", low=0, over="latest")
def recency_days(latest: "Table") -> "NumericValue":
    """Days since the last transaction."""
    return latest.days_ago


@feature(unit="days", low=0, over="latest")
def own_recency_days(latest: "Table") -> "NumericValue":
    """Days since the last transaction that the customer made, not the bank."""
    return latest.own_days_ago


@windowed(unit="transactions", low=0, empty=0)
def transactions(history: "History", days: int) -> "NumericValue":
    """Number of transactions in the last {days} days."""
    return history.count(days)


@feature(unit="transactions", low=0, empty=0)
def own_transactions_90d(history: "History") -> "NumericValue":
    """Number of transactions that the customer made, not the bank, in the last 90 days."""
    return history.count(90, where=history.own)


@feature(unit="ratio", low=0, high=3, over="customers")
def transactions_trend(row: "Table") -> "NumericValue":
    """Transactions a month in the last 30 days against the last 90 days (1: unchanged)."""
    return ratio(row.transactions_30d * 3, row.transactions_90d)


@feature(unit="months", low=0, high=13, empty=0)
def active_months_365d(history: "History") -> "NumericValue":
    """Number of calendar months with a transaction in the last 365 days."""
    return history.distinct(history.month, 365)


@feature(unit="channels", low=0, empty=0)
def channels_365d(history: "History") -> "NumericValue":
    """Number of different channels used in the last 365 days."""
    return history.distinct(history.channel, 365)


@feature(unit="categories", low=0, empty=0)
def categories_365d(history: "History") -> "NumericValue":
    """Number of different categories of transaction in the last 365 days."""
    return history.distinct(history.category, 365)


@feature(unit="counterparties", low=0, empty=0)
def counterparties_365d(history: "History") -> "NumericValue":
    """Number of different counterparties in the last 365 days."""
    return history.distinct(history.counterparty_id, 365)


@feature(unit="days", low=0, high=366)
def gap_mean_365d(history: "History") -> "NumericValue":
    """Mean days between one transaction and the next in the last 365 days."""
    return history.gap_mean()


@feature(unit="days", low=0, high=366)
def gap_std_365d(history: "History") -> "NumericValue":
    """Standard deviation of the days between transactions in the last 365 days."""
    return history.gap_std()
