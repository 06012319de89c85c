"""What a customer told the bank: contacts, complaints, answers to surveys."""

from typing import TYPE_CHECKING

from features.feature import feature, windowed

if TYPE_CHECKING:
    from ibis.expr.types import NumericValue, Table


@windowed((90,), unit="contacts", low=0, over="service_events", empty=0)
def contacts(history: "Table", days: int) -> "NumericValue":
    """Number of contacts in the last {days} days."""
    return history.count(where=history[f"within_{days}d"] & (history.kind == "contact"))


@windowed((90, 365), unit="complaints", low=0, over="service_events", empty=0)
def complaints(history: "Table", days: int) -> "NumericValue":
    """Number of complaints in the last {days} days."""
    return history.count(where=history[f"within_{days}d"] & (history.kind == "complaint"))


@feature(unit="complaints", low=0, over="service_events", empty=0)
def open_complaints(history: "Table") -> "NumericValue":
    """Number of complaints not settled yet, however old."""
    return history.count(where=~history.resolved & (history.kind == "complaint"))


@feature(unit="points", low=0, high=10, over="service_events")
def satisfaction_mean_365d(history: "Table") -> "NumericValue":
    """Mean satisfaction that the customer stated in the last 365 days."""
    return history.satisfaction.mean(where=history.within_365d)
