"""Which products a customer holds, opened and gave up.

`holdings.balance` is not used: a table of today's balances says nothing of a past cut-off.
"""

from typing import TYPE_CHECKING

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
