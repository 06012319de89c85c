"""Who a customer is: what the bank knows today, without history."""

from typing import TYPE_CHECKING

from features.dialect import days_since
from features.feature import feature

if TYPE_CHECKING:
    from ibis.expr.types import NumericValue, StringValue, Table


# Clocks drift by themselves, everywhere and by design: watching them would only cry wolf.
@feature(unit="days", low=0, over="customers", monitored=False)
def tenure_days(row: "Table") -> "NumericValue":
    """Days as a customer."""
    return days_since(row.as_of, row.onboarded_on)


@feature(unit="years", low=0, high=150, over="customers", monitored=False)
def age_years(row: "Table") -> "NumericValue":
    """Age in years of 365.25 days."""
    return days_since(row.as_of, row.birth_date) * 4 / 1461


@feature(unit="words", over="customers", kind="category")
def customer_occupation(row: "Table") -> "StringValue":
    """Occupation."""
    return row.occupation


@feature(unit="words", over="customers", kind="category")
def customer_income_band(row: "Table") -> "StringValue":
    """Income band, in the bank's words."""
    return row.income_band


@feature(unit="words", over="customers", kind="category")
def customer_kind(row: "Table") -> "StringValue":
    """Kind of customer (person, business, ...)."""
    return row.kind
