"""The balance: where it stands, its lows and highs, which way it goes."""

from typing import TYPE_CHECKING

from features.dialect import ratio
from features.feature import feature, windowed

if TYPE_CHECKING:
    from ibis.expr.types import NumericValue, Table

    from features.measures import History


@feature(unit="money", over="latest")
def balance_last(latest: "Table") -> "NumericValue":
    """Balance after the last transaction."""
    return latest.balance_after


@windowed(unit="money")
def balance_mean(history: "History", days: int) -> "NumericValue":
    """Mean balance over the transactions of the last {days} days."""
    return history.mean(history.balance_after, days)


# its two parts are watched: watching it too would count one shift twice
@feature(unit="money", over="customers", monitored=False)
def balance_usual(row: "Table") -> "NumericValue":
    """Mean balance of the last 90 days, or the last balance where nothing was posted in them."""
    return row.balance_mean_90d.coalesce(row.balance_last)


@feature(unit="money")
def balance_min_90d(history: "History") -> "NumericValue":
    """Lowest balance after a transaction of the last 90 days."""
    return history.smallest(history.balance_after, 90)


@feature(unit="money")
def balance_max_365d(history: "History") -> "NumericValue":
    """Highest balance after a transaction of the last 365 days."""
    return history.largest(history.balance_after, 365)


@feature(unit="ratio", low=0, high=1)
def overdrawn_share_90d(history: "History") -> "NumericValue":
    """Share of the known balances of the last 90 days that were below zero."""
    known, below = history.balance_after.notnull(), history.balance_after < 0
    return ratio(history.count(90, where=below), history.count(90, where=known))


@feature(unit="money", over="customers")
def balance_change(row: "Table") -> "NumericValue":
    """Mean balance of the last 30 days minus that of the last 180 days."""
    return row.balance_mean_30d - row.balance_mean_180d


@feature(unit="money", over="customers")
def balance_change_365d(row: "Table") -> "NumericValue":
    """Mean balance of the last 90 days minus that of the last 365 days."""
    return row.balance_mean_90d - row.balance_mean_365d


# the last balance and the highest are watched: watching this too would count one shift twice
@feature(unit="money", high=0, over="customers", monitored=False)
def balance_from_peak_365d(row: "Table") -> "NumericValue":
    """Last balance minus the highest of the last 365 days (0: at its highest)."""
    return row.balance_last - row.balance_max_365d
