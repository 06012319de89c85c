"""Products: which are held, opened and given up.

`holdings.balance` is not used: a table of today's balances says nothing of a past cut-off.
"""

from typing import TYPE_CHECKING

from features.dialect import days_since, ratio
from features.feature import feature

if TYPE_CHECKING:
    from ibis.expr.types import NumericValue, Table


@feature(unit="products", low=0, over="holdings", empty=0)
def products_held(history: "Table") -> "NumericValue":
    """Number of products held."""
    return history.count(where=history.held)


@feature(unit="products", low=0, over="holdings", empty=0)
def products_opened_365d(history: "Table") -> "NumericValue":
    """Number of products opened in the last 365 days."""
    return history.count(where=history.opened_within_365d)


@feature(unit="products", low=0, over="holdings", empty=0)
def products_closed_365d(history: "Table") -> "NumericValue":
    """Number of products closed in the last 365 days."""
    return history.count(where=history.closed_within_365d)


@feature(unit="products", low=0, over="holdings", empty=0)
def products_closed_90d(history: "Table") -> "NumericValue":
    """Number of products closed in the last 90 days."""
    return history.count(where=history.closed_within_90d)


@feature(unit="ratio", low=0, high=1, over="holdings")
def products_kept_share(history: "Table") -> "NumericValue":
    """Share of all products ever held that are still held."""
    return ratio(history.count(where=history.held), history.count())


# clocks, like the time as a customer
@feature(unit="days", low=0, over="holdings", monitored=False)
def product_opened_days_since(history: "Table") -> "NumericValue":
    """Days since the customer last opened a product."""
    return days_since(history.as_of, history.opened_on).min()


@feature(unit="days", low=0, over="holdings", monitored=False)
def product_closed_days_since(history: "Table") -> "NumericValue":
    """Days since the customer last closed a product."""
    return days_since(history.as_of, history.closed_on).min(where=~history.held)


def _held(history: "Table", word: str) -> "NumericValue":
    return (history.held & history.product.lower().contains(word)).cast("int64").max()


@feature(unit="yes or no", low=0, high=1, over="holdings", empty=0)
def has_card(history: "Table") -> "NumericValue":
    """Whether a card is held (a product with "card" in its name; 1: yes)."""
    return _held(history, "card")


@feature(unit="yes or no", low=0, high=1, over="holdings", empty=0)
def has_loan(history: "Table") -> "NumericValue":
    """Whether a loan is held (a product with "loan" in its name; 1: yes)."""
    return _held(history, "loan")


@feature(unit="yes or no", low=0, high=1, over="holdings", empty=0)
def has_savings(history: "Table") -> "NumericValue":
    """Whether savings are held (a product with "savings" in its name; 1: yes)."""
    return _held(history, "savings")


@feature(unit="yes or no", low=0, high=1, over="holdings", empty=0)
def has_mobile(history: "Table") -> "NumericValue":
    """Whether mobile banking is held (a product with "mobile" in its name; 1: yes)."""
    return _held(history, "mobile")
