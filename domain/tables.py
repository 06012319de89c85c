"""Contracts of the source tables: names, types and ranges of every column, said once.

Times are naive UTC, money is in the bank's currency (received > 0, spent < 0).
A contract table on disk holds every column of its contract; an optional column that the
source does not have is null throughout.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "float", "timestamp", "date", "boolean"]
# What becomes of a value outside the range or the list of its column: the row is refused, the
# value is kept and told, or only the value is left out and told.
Outside = Literal["refused", "kept", "missing"]


@dataclass(frozen=True)
class Column:
    """One column: its kind, whether the source must have it, the values it may take, and others."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] | None = None
    outside: Outside = "refused"


@dataclass(frozen=True)
class Contract:
    """One table: a row per `key`; rows that repeat a key with the same content are one row."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    required: bool = False
    may_be_absent: bool = False  # an engine without the table has no rows of it

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order.

        >>> CLOSURES.names
        ('customer_id', 'closed_on', 'reason')
        """
        return tuple(column.name for column in self.columns)

    @property
    def of_customers(self) -> bool:
        """Whether every row is of a customer.

        >>> [table.name for table in CONTRACTS.values() if not table.of_customers]
        ['outlets']
        """
        return "customer_id" in self.names

    @property
    def placed(self) -> bool:
        """Whether its rows have coordinates.

        >>> [table.name for table in CONTRACTS.values() if table.placed]
        ['customers', 'outlets']
        """
        return "latitude" in self.names

    def column(self, name: str) -> Column:
        """The column of that name.

        >>> TRANSACTIONS.column("amount").kind
        'float'
        """
        return next(column for column in self.columns if column.name == name)


# A bank's ledger entry beyond a trillion is a wrong unit or a wrong column, not money.
LARGEST_AMOUNT = 1e12

CUSTOMERS = Contract(
    "customers",
    ("customer_id",),
    (
        Column("customer_id", "string", "customer", required=True),
        Column("onboarded_on", "date", "first day as a customer", required=True),
        Column("birth_date", "date", "date of birth"),
        Column("sex", "string", "F, M or X", values=("F", "M", "X"), outside="missing"),
        Column("occupation", "string", "occupation"),
        Column("income_band", "string", "income band, in the bank's words"),
        Column("latitude", "float", "degrees north, WGS-84", low=-90, high=90, outside="kept"),
        Column("longitude", "float", "degrees east, WGS-84", low=-180, high=180, outside="kept"),
        Column("district", "string", "administrative district of residence"),
        Column("outlet_id", "string", "home outlet"),
        Column("kind", "string", "kind of customer (person, business, ...)"),
        Column("marketing_opt_out", "boolean", "asked not to be contacted"),
    ),
    required=True,
)

TRANSACTIONS = Contract(
    "transactions",
    ("transaction_id",),
    (
        Column("transaction_id", "string", "transaction", required=True),
        Column("customer_id", "string", "customer", required=True),
        Column("posted_at", "timestamp", "when it was posted", required=True),
        Column(
            "amount",
            "float",
            "received > 0, spent < 0",
            required=True,
            low=-LARGEST_AMOUNT,
            high=LARGEST_AMOUNT,
        ),
        Column(
            "balance_after",
            "float",
            "balance after the transaction",
            low=-LARGEST_AMOUNT,
            high=LARGEST_AMOUNT,
        ),
        Column("channel", "string", "channel (counter, atm, mobile, ...)"),
        Column("category", "string", "category (salary, groceries, ...)"),
        Column("counterparty_id", "string", "other side of the transaction"),
        Column("initiated_by_customer", "boolean", "own transaction, not the bank's (null: own)"),
        Column("available_at", "timestamp", "when the row reached the bank's warehouse"),
        Column("currency", "string", "ISO 4217 code of the amount, the bank's own (null: it is)"),
    ),
    required=True,
)

HOLDINGS = Contract(
    "holdings",
    ("customer_id", "product", "opened_on"),
    (
        Column("customer_id", "string", "customer", required=True),
        Column("product", "string", "product", required=True),
        Column("opened_on", "date", "opened", required=True),
        Column("closed_on", "date", "closed (null: open)"),
        Column("balance", "float", "balance", low=-LARGEST_AMOUNT, high=LARGEST_AMOUNT),
    ),
)

SERVICE_EVENTS = Contract(
    "service_events",
    ("event_id",),
    (
        Column("event_id", "string", "event", required=True),
        Column("customer_id", "string", "customer", required=True),
        Column("occurred_at", "timestamp", "when it happened", required=True),
        Column("kind", "string", "contact, complaint, visit or survey", required=True),
        Column("channel", "string", "channel"),
        Column("resolved_at", "timestamp", "when it was settled (null: open)"),
        Column("satisfaction", "float", "answer, 1 to 5", low=0, high=10),
        Column("available_at", "timestamp", "when the row reached the bank's warehouse"),
    ),
)

CLOSURES = Contract(
    "closures",
    ("customer_id",),
    (
        Column("customer_id", "string", "customer", required=True),
        Column("closed_on", "date", "day of leaving", required=True),
        Column("reason", "string", "reason given"),
    ),
)

OUTLETS = Contract(
    "outlets",
    ("outlet_id",),
    (
        Column("outlet_id", "string", "outlet", required=True),
        Column("latitude", "float", "degrees north, WGS-84", low=-90, high=90, outside="kept"),
        Column("longitude", "float", "degrees east, WGS-84", low=-180, high=180, outside="kept"),
        Column("opened_on", "date", "first day (null: before all data)"),
        Column("closed_on", "date", "day of closing (null: open)"),
    ),
    may_be_absent=True,
)

CONTRACTS = {
    contract.name: contract
    for contract in (CUSTOMERS, TRANSACTIONS, HOLDINGS, SERVICE_EVENTS, CLOSURES, OUTLETS)
}

# Deliveries of these only add rows; the other tables are pictures of a state.
EVENTS = ("transactions", "service_events")
