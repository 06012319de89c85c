"""Salary and pension: whether they arrive, how regularly, and how much hangs on them."""

from typing import TYPE_CHECKING

from features.definitions.bank_words import SALARY
from features.dialect import ratio
from features.feature import feature

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, NumericValue

    from features.measures import History


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
    """Sample deviation (n - 1) of salary or pension over its mean in the last 365 days."""
    paid = _salary(history)
    return ratio(
        history.std(history.amount, 365, where=paid), history.mean(history.amount, 365, where=paid)
    )


@feature(unit="money", low=0)
def salary_mean_365d(history: "History") -> "NumericValue":
    """Mean salary or pension of the last 365 days."""
    return history.mean(history.amount, 365, where=_salary(history))


@feature(unit="ratio", low=0, high=1)
def salary_share_365d(history: "History") -> "NumericValue":
    """Salary and pension against all money received in the last 365 days."""
    received = history.total(history.amount, 365, where=history.amount > 0)
    return ratio(history.total(history.amount, 365, where=_salary(history)).fill_null(0), received)


@feature(unit="ratio", low=0, high=4.06)
def salary_trend(history: "History") -> "NumericValue":
    """Salary and pension a day in the last 90 days against the last 365 days (1: unchanged)."""
    recent, year = (history.total(history.amount, days, _salary(history)) for days in (90, 365))
    return ratio(recent.fill_null(0) * 365, year * 90)
