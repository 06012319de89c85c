"""Counterparties, and what flows out to other banks."""

from typing import TYPE_CHECKING

from features.definitions.bank_words import OTHER_BANKS
from features.dialect import ratio
from features.feature import feature, windowed

if TYPE_CHECKING:
    from ibis.expr.types import NumericValue, Table

    from features.measures import History


@windowed((90, 365), unit="counterparties", low=0, empty=0)
def counterparties(history: "History", days: int) -> "NumericValue":
    """Number of different counterparties in the last {days} days."""
    return history.distinct(history.counterparty_id, days)


# both its parts are watched
@feature(unit="ratio", low=0, high=1, over="customers", monitored=False)
def counterparties_active_share(row: "Table") -> "NumericValue":
    """Share of the counterparties of the last 365 days that were there in the last 90 days."""
    return ratio(row.counterparties_90d, row.counterparties_365d)


@windowed((90, 365), unit="money", low=0, empty=0)
def outflow_other_banks(history: "History", days: int) -> "NumericValue":
    """Money moved to other banks in the last {days} days."""
    moved = history.category.isin(OTHER_BANKS) & (history.amount < 0)
    return history.total(-history.amount, days, where=moved)


@feature(unit="ratio", low=0, high=1, over="customers")
def outflow_other_banks_share_90d(row: "Table") -> "NumericValue":
    """Money moved to other banks against all money spent in the last 90 days."""
    return ratio(row.outflow_other_banks_90d, row.debit_90d)
