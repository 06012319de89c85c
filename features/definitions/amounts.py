"""How much money comes, goes and stays, and how regularly a salary arrives."""

from typing import TYPE_CHECKING

from features.dialect import ratio
from features.feature import feature, windowed

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, NumericValue, Table

    from features.measures import History

SALARY = ("salary", "pension")


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
    """Standard deviation of the amounts in the last {days} days."""
    return history.std(history.amount, days)


@windowed(unit="money", low=0)
def amount_max(history: "History", days: int) -> "NumericValue":
    """Largest amount, received or spent, in the last {days} days."""
    return history.largest(history.amount.abs(), days)


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


def _salary(history: "History") -> "BooleanValue":
    return history.category.isin(SALARY) & (history.amount > 0)


@feature(unit="months", low=0, high=7, empty=0)
def salary_months_180d(history: "History") -> "NumericValue":
    """Number of calendar months with a salary or pension in the last 180 days."""
    return history.distinct(history.month, 180, where=_salary(history))


@feature(unit="days", low=0, high=366)
def salary_days_since(history: "History") -> "NumericValue":
    """Days since the last salary or pension, at most a year back."""
    return history.days_since(365, where=_salary(history))


@feature(unit="ratio", low=0)
def salary_variation_365d(history: "History") -> "NumericValue":
    """Spread of salary or pension against its mean in the last 365 days (0: regular)."""
    paid = _salary(history)
    return ratio(
        history.std(history.amount, 365, where=paid), history.mean(history.amount, 365, where=paid)
    )
