"""Recency, frequency, amount: how lately, how often, how regularly, how much."""

from typing import TYPE_CHECKING

from features.definitions.bank_words import FEES
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


@feature(unit="months", low=0, high=13, empty=0)
def active_months_365d(history: "History") -> "NumericValue":
    """Number of calendar months with a transaction in the last 365 days."""
    return history.distinct(history.month, 365)


@feature(unit="days", low=0, high=366)
def gap_mean_365d(history: "History") -> "NumericValue":
    """Mean days between one transaction and the next in the last 365 days."""
    return history.gap_mean()


@feature(unit="days", low=0, high=366)
def gap_std_365d(history: "History") -> "NumericValue":
    """Sample standard deviation (n - 1) of the days between transactions in the last 365 days."""
    return history.gap_std()


@feature(unit="ratio", low=0, over="customers")
def recency_against_gap(row: "Table") -> "NumericValue":
    """Days since the last transaction against the usual days between two (above 1: overdue)."""
    return ratio(row.recency_days, row.gap_mean_365d)


@feature(unit="ratio", low=0, high=1)
def weekend_share_90d(history: "History") -> "NumericValue":
    """Share of own transactions of the last 90 days posted on a Saturday or Sunday."""
    return ratio(history.count(90, history.own & history.weekend), history.count(90, history.own))


@feature(unit="categories", low=0, empty=0)
def categories_365d(history: "History") -> "NumericValue":
    """Number of different categories of transaction in the last 365 days."""
    return history.distinct(history.category, 365)


@windowed(unit="money", low=0, empty=0)
def credit(history: "History", days: int) -> "NumericValue":
    """Money received in the last {days} days."""
    return history.total(history.amount, days, where=history.amount > 0)


@windowed(unit="money", low=0, empty=0)
def debit(history: "History", days: int) -> "NumericValue":
    """Money spent in the last {days} days."""
    return history.total(-history.amount, days, where=history.amount < 0)


@windowed(unit="money")
def amount_mean(history: "History", days: int) -> "NumericValue":
    """Mean amount (received minus spent) of a transaction in the last {days} days."""
    return history.mean(history.amount, days)


@windowed(unit="money", low=0)
def amount_std(history: "History", days: int) -> "NumericValue":
    """Sample standard deviation (n - 1) of the amounts in the last {days} days."""
    return history.std(history.amount, days)


@windowed(unit="money", low=0)
def amount_max(history: "History", days: int) -> "NumericValue":
    """Largest amount, received or spent, in the last {days} days."""
    return history.largest(history.amount.abs(), days)


@feature(unit="money", empty=0)
def net_flow_90d(history: "History") -> "NumericValue":
    """Money received minus money spent in the last 90 days."""
    return history.total(history.amount, 90)


@feature(unit="ratio", low=0, over="customers")
def debit_against_credit_90d(row: "Table") -> "NumericValue":
    """Money spent against money received in the last 90 days (1: all of it was spent)."""
    return ratio(row.debit_90d, row.credit_90d)


@feature(unit="ratio", low=0, high=1)
def largest_debit_share_90d(history: "History") -> "NumericValue":
    """Largest single spending against all money spent in the last 90 days."""
    spent, money = history.amount < 0, -history.amount
    return ratio(history.largest(money, 90, spent), history.total(money, 90, spent))


@feature(unit="money", low=0, empty=0)
def fees_365d(history: "History") -> "NumericValue":
    """Fees and penalties that the bank charged in the last 365 days."""
    charged = history.category.isin(FEES) & (history.amount < 0)
    return history.total(-history.amount, 365, where=charged)
