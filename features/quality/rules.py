"""What makes a row of a contract table right: every rule of the data-quality dimensions, once.

A rule looks at a table as `features.quality.rows` prepares it. It judges the rows where what it
compares is known; docs/quality.md says each in words.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import ibis

from domain.tables import CONTRACTS, Contract
from features.ground import has_place

Dimension = Literal[
    "accuracy", "validity", "consistency", "uniqueness", "timeliness", "completeness"
]
DIMENSIONS: tuple[Dimension, ...] = (
    "validity",
    "consistency",
    "uniqueness",
    "timeliness",
    "completeness",
)
Condition = Callable[[Any], Any]

LONGEST_LIFE_DAYS = 120 * 365.25
CENT = 0.005  # balances agree when they round to the same cent
COMMON_DISTRICT = 0.05  # a district with less of a cell's customers is out of place there
# null there says something: still open, unknown to the bank, or the customer's own
EMPTY_IS_FINE = {
    ("transactions", "initiated_by_customer"),
    ("holdings", "closed_on"),
    ("service_events", "resolved_at"),
    ("closures", "reason"),
    ("outlets", "opened_on"),
    ("outlets", "closed_on"),
}


class Rule(NamedTuple):
    """A condition on rows: `known` says which can be judged, `good` which of those are right.

    A rule that `gates` can keep a model from being trained; completeness does so where the
    configuration names the column.
    """

    table: str
    column: str
    dimension: Dimension
    words: str
    known: Condition
    good: Condition
    gates: bool = True


def rules(table: str, late_days: float) -> tuple[Rule, ...]:
    """Every rule of a table: its own, and one of completeness for each column.

    >>> [rule.words for rule in rules("closures", 3)][:2]
    ['left no earlier than joined', 'known']
    """
    own = {
        "customers": _CUSTOMERS,
        "transactions": (*_TRANSACTIONS, _arrival("transactions", "posted_at", late_days)),
        "holdings": _HOLDINGS,
        "service_events": (*_SERVICE_EVENTS, _arrival("service_events", "occurred_at", late_days)),
        "closures": _CLOSURES,
        "outlets": _OUTLETS,
    }
    return (*own[table], *completeness_of(CONTRACTS[table]))


def record_is_right(rows: Any) -> Any:
    """Whether every rule of the customer table that gates holds, or cannot be judged."""
    ours = [rule for rule in _CUSTOMERS if rule.gates]
    return ibis.and_(*((~rule.known(rows) | rule.good(rows)).fill_null(True) for rule in ours))


def not_by_row(rows: Any) -> Any:
    """The condition of what is counted otherwise than row by row."""
    raise NotImplementedError("counted by days or at the door, not by rows")


def _always(rows: Any) -> Any:
    return rows.customer_id.notnull()


def _known(*names: str) -> Condition:
    return lambda rows: ibis.and_(*(rows[name].notnull() for name in names))


def completeness_of(contract: Contract) -> tuple[Rule, ...]:
    """A rule for each column of a table in which an empty value says nothing.

    >>> from domain.tables import CLOSURES
    >>> [rule.column for rule in completeness_of(CLOSURES)]
    ['customer_id', 'closed_on']
    """
    return tuple(
        Rule(
            contract.name,
            name,
            "completeness",
            "known",
            _known(contract.key[0]),
            _known(name),
            gates=False,
        )
        for name in contract.names
        if (contract.name, name) not in EMPTY_IS_FINE
    )


def _arrival(table: str, time: str, late_days: float) -> Rule:
    words = f"in the warehouse within {late_days:g} days"
    span = ibis.interval(seconds=round(late_days * 86_400))
    return Rule(
        table,
        "available_at",
        "timeliness",
        words,
        _known("available_at"),
        lambda rows: rows.available_at <= rows[time] + span,
    )


def _born_before(rows: Any) -> Any:
    age = rows.onboarded_on.delta(rows.birth_date, unit="day")
    return (age > 0) & (age <= LONGEST_LIFE_DAYS)


def _on_the_map_of(table: str) -> Rule:
    return Rule(
        table,
        "latitude",
        "consistency",
        "latitude and longitude both known, degrees, and not both 0",
        lambda rows: rows.latitude.notnull() | rows.longitude.notnull(),
        has_place,
    )


_CUSTOMERS = (
    Rule(
        "customers",
        "birth_date",
        "consistency",
        "born before joining, at most 120 years",
        _known("birth_date"),
        _born_before,
    ),
    _on_the_map_of("customers"),
    Rule(
        "customers",
        "customer_id",
        "uniqueness",
        "no other customer of the same birth date, sex and place",
        _known("birth_date", "sex", "latitude", "longitude"),
        lambda rows: rows.namesakes == 0,
    ),
    Rule(
        "customers",
        "district",
        "consistency",
        "district is that of at least 5 % of the cell",
        _known("district_share"),
        lambda rows: rows.district_share >= COMMON_DISTRICT,
        gates=False,  # a cell merged of many places has rare districts that are right
    ),
    Rule(
        "customers",
        "outlet_id",
        "consistency",
        "home outlet is in the outlet table",
        _known("outlet_listed"),
        lambda rows: rows.outlet_listed,
        gates=False,  # a table of today's outlets lacks the closed ones
    ),
)

_TRANSACTIONS = (
    Rule(
        "transactions",
        "posted_at",
        "consistency",
        "posted no earlier than the customer joined",
        _always,
        lambda rows: rows.posted_at >= rows.joined_at,
    ),
    Rule(
        "transactions",
        "customer_id",
        "consistency",
        "posted no later than the day of leaving",
        _known("left_by"),
        lambda rows: rows.posted_at < rows.left_by,
    ),
    Rule(
        "transactions",
        "available_at",
        "consistency",
        "arrived no earlier than posted",
        _known("available_at"),
        lambda rows: rows.available_at >= rows.posted_at,
    ),
)

BALANCES = Rule(
    "transactions",
    "balance_after",
    "consistency",
    "balance is the one before plus the amount",
    _known("before", "balance_after"),
    lambda rows: (
        (rows.balance_after - rows.before - rows.amount).abs()
        <= CENT + 1e-9 * rows.balance_after.abs()
    ),
    gates=False,  # a customer with several accounts has several chains of balances
)

_HOLDINGS = (
    Rule(
        "holdings",
        "closed_on",
        "consistency",
        "closed no earlier than opened",
        _known("closed_on"),
        lambda rows: rows.closed_on >= rows.opened_on,
    ),
    Rule(
        "holdings",
        "opened_on",
        "consistency",
        "opened no earlier than the customer joined",
        _always,
        lambda rows: rows.opened_on >= rows.onboarded_on,
    ),
)

_SERVICE_EVENTS = (
    Rule(
        "service_events",
        "resolved_at",
        "consistency",
        "settled no earlier than it happened",
        _known("resolved_at"),
        lambda rows: rows.resolved_at >= rows.occurred_at,
    ),
    Rule(
        "service_events",
        "available_at",
        "consistency",
        "arrived no earlier than it happened",
        _known("available_at"),
        lambda rows: rows.available_at >= rows.occurred_at,
    ),
)

_CLOSURES = (
    Rule(
        "closures",
        "closed_on",
        "consistency",
        "left no earlier than joined",
        _always,
        lambda rows: rows.closed_on >= rows.onboarded_on,
    ),
)

_OUTLETS = (
    _on_the_map_of("outlets"),
    Rule(
        "outlets",
        "closed_on",
        "consistency",
        "closed no earlier than opened",
        _known("opened_on", "closed_on"),
        lambda rows: rows.closed_on >= rows.opened_on,
    ),
)
