"""Service: contacts, visits, complaints, open cases, satisfaction."""

from typing import TYPE_CHECKING

from features.definitions.bank_words import COMPLAINTS, CONTACTS, VISITS
from features.dialect import days_between, last_row, of_last
from features.feature import feature, windowed

if TYPE_CHECKING:
    from ibis.expr.types import NumericValue, Table


@windowed((90,), unit="contacts", low=0, over="service_events", empty=0)
def contacts(history: "Table", days: int) -> "NumericValue":
    """Number of contacts in the last {days} days."""
    return history.count(where=history[f"within_{days}d"] & (history.kind.isin(CONTACTS)))


@windowed((90, 365), unit="complaints", low=0, over="service_events", empty=0)
def complaints(history: "Table", days: int) -> "NumericValue":
    """Number of complaints in the last {days} days."""
    return history.count(where=history[f"within_{days}d"] & (history.kind.isin(COMPLAINTS)))


@feature(unit="complaints", low=0, over="service_events", empty=0)
def open_complaints(history: "Table") -> "NumericValue":
    """Number of complaints not settled yet, however old."""
    return history.count(where=~history.resolved & (history.kind.isin(COMPLAINTS)))


# a clock: it goes on by itself while nothing is done
@feature(unit="days", low=0, over="service_events", monitored=False)
def open_complaint_days(history: "Table") -> "NumericValue":
    """Days that the oldest complaint not settled yet has been open."""
    return history.days_ago.max(where=~history.resolved & (history.kind.isin(COMPLAINTS)))


# a clock
@feature(unit="days", low=0, over="service_events", monitored=False)
def complaint_days_since(history: "Table") -> "NumericValue":
    """Days since the last complaint."""
    return history.days_ago.min(where=history.kind.isin(COMPLAINTS))


@feature(unit="days", low=0, over="service_events")
def resolution_days_mean_365d(history: "Table") -> "NumericValue":
    """Mean days until the complaints of the last 365 days were settled, where they were."""
    settled = history.within_365d & history.resolved & (history.kind.isin(COMPLAINTS))
    return days_between(history.resolved_at, history.occurred_at).mean(where=settled)


@windowed((90,), unit="visits", low=0, over="service_events", empty=0)
def visits(history: "Table", days: int) -> "NumericValue":
    """Number of visits in the last {days} days."""
    return history.count(where=history[f"within_{days}d"] & (history.kind.isin(VISITS)))


@feature(unit="points", low=0, high=10, over="service_events")
def satisfaction_last(history: "Table") -> "NumericValue":
    """Satisfaction that the customer stated last."""
    order, keep = ("occurred_at", "event_id"), ("satisfaction",)
    last = last_row(history, order, keep, where=history.satisfaction.notnull())
    return of_last(last, order, keep, "satisfaction", "float64")


@feature(unit="points", low=0, high=10, over="service_events")
def satisfaction_mean_365d(history: "Table") -> "NumericValue":
    """Mean satisfaction that the customer stated in the last 365 days."""
    return history.satisfaction.mean(where=history.within_365d)
