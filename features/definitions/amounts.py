"""How much money comes, goes and stays, and how regularly a salary arrives."""

from typing import TYPE_CHECKING

from features.dialect import distinct, ratio, sample_std
from features.feature import feature, windowed

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, NumericValue, Table

SALARY = ("salary", "pension")


@windowed(unit="money", low=0, empty=0)
def credit(history: "Table", days: int) -> "NumericValue":
    """Money received in the last {days} days."""
    return history.amount.sum(where=history[f"within_{days}d"] & (history.amount > 0))


@windowed(unit="money", low=0, empty=0)
def debit(history: "Table", days: int) -> "NumericValue":
    """Money spent in the last {days} days."""
    return (-history.amount).sum(where=history[f"within_{days}d"] & (history.amount < 0))


@windowed(unit="money")
def amount_mean(history: "Table", days: int) -> "NumericValue":
    """Mean amount (received minus spent) of a transaction in the last {days} days."""
    return history.amount.mean(where=history[f"within_{days}d"])


@windowed(unit="money", low=0)
def amount_std(history: "Table", days: int) -> "NumericValue":
    """Standard deviation of the amounts in the last {days} days."""
    return sample_std(history.amount, where=history[f"within_{days}d"])


@windowed(unit="money", low=0)
def amount_max(history: "Table", days: int) -> "NumericValue":
    """Largest amount, received or spent, in the last {days} days."""
    return history.amount.abs().max(where=history[f"within_{days}d"])


@feature(unit="money", over="latest")
def balance_last(latest: "Table") -> "NumericValue":
    """Balance after the last transaction."""
    return latest.balance_after


@windowed(unit="money")
def balance_mean(history: "Table", days: int) -> "NumericValue":
    """Mean balance over the transactions of the last {days} days."""
    return history.balance_after.mean(where=history[f"within_{days}d"])


# its two parts are watched: watching it too would count one shift twice
@feature(unit="money", over="customers", monitored=False)
def balance_usual(row: "Table") -> "NumericValue":
    """Mean balance of the last 90 days, or the last balance where nothing was posted in them."""
    return row.balance_mean_90d.coalesce(row.balance_last)


@feature(unit="money", over="customers")
def balance_change(row: "Table") -> "NumericValue":
    """Mean balance of the last 30 days minus that of the last 180 days."""
    return row.balance_mean_30d - row.balance_mean_180d


@feature(unit="ratio", low=0, high=4.06, over="customers")
def debit_trend(row: "Table") -> "NumericValue":
    """Spending a day in the last 90 days against the customer's own last 365 days."""
    return ratio(row.debit_90d * 365, row.debit_365d * 90)


@feature(unit="ratio", low=0, high=4.06, over="customers")
def credit_trend(row: "Table") -> "NumericValue":
    """Money received a day in the last 90 days against the customer's own last 365 days."""
    return ratio(row.credit_90d * 365, row.credit_365d * 90)


def _salary(history: "Table") -> "BooleanValue":
    return history.category.isin(SALARY) & (history.amount > 0)


@feature(unit="months", low=0, high=7, empty=0)
def salary_months_180d(history: "Table") -> "NumericValue":
    """Number of calendar months with a salary or pension in the last 180 days."""
    return distinct(history.month, where=history.within_180d & _salary(history))


@feature(unit="days", low=0, high=366)
def salary_days_since(history: "Table") -> "NumericValue":
    """Days since the last salary or pension, at most a year back."""
    return history.days_ago.min(where=_salary(history))


@feature(unit="ratio", low=0)
def salary_variation_365d(history: "Table") -> "NumericValue":
    """Spread of salary or pension against its mean in the last 365 days (0: regular)."""
    paid = _salary(history)
    return ratio(sample_std(history.amount, where=paid), history.amount.mean(where=paid))
