"""No definition leaves the operations that gave the same values on every engine we measured."""

from datetime import date
from typing import Any

import ibis
import ibis.expr.operations as ops
import pytest

from domain.tables import CONTRACTS
from features.customer import customer_features
from features.dialect import days_between, last_row, mean_and_spread, ratio, unportable
from features.engine import IBIS, Tables
from features.feature import Feature
from features.measures import History
from features.registry import FEATURES

MEASURED = {name: known for name, known in FEATURES.items() if known.over == "transactions"}
OF_TRANSACTIONS = pytest.mark.parametrize("known", MEASURED.values(), ids=MEASURED)
ROWS = ibis.table(
    {
        "customer_id": "string",
        "as_of": "date",
        "at": "timestamp(6)",
        "posted_at": "timestamp(6)",
        "amount": "float64",
        "balance_after": "float64",
        "channel": "string",
        "category": "string",
        "counterparty_id": "string",
        "own": "boolean",
        "weekend": "boolean",
        "month": "int32",
    },
    name="rows",
)


def contract_tables() -> Tables:
    empty = {
        name: ibis.table({column.name: IBIS[column.kind] for column in contract}, name=name)
        for name, contract in CONTRACTS.items()
    }
    return Tables(**empty, timezone="Europe/Prague")


def measured(expression: Any) -> list[str]:
    """What is unportable in a definition over transactions: in its measures, or made of them."""
    history = History(ROWS)
    found = expression(history)
    parts = [part for one in history.partials.values() for part in (one.value, one.where)]
    for column in history.distincts.values():
        parts += [column.value, *(where for _, _, where in column.counts.values())]
    refused = [unportable(part) for part in parts if part is not None]
    columns = {f"{name}_{days}d": "float64" for name, days in history.windows}
    counts = [name for one in history.distincts.values() for name, _, _ in one.counts.values()]
    moments = [f"{one.name}_{d}d" for one in history.partials.values() for d in (90, 365)
               if one.value is not None and one.value.type().is_timestamp()]  # fmt: skip
    columns |= dict.fromkeys([*counts, "gap_mean", "gap_std"], "float64")
    columns |= dict.fromkeys([*moments, "at"], "timestamp(6)")
    wide = ibis.table(columns, name="wide")
    return sorted(
        {text for one in [*refused, unportable(wide.mutate(found=found))] for text in one}
    )


@OF_TRANSACTIONS
def test_a_definition_keeps_to_portable_operations(known: Feature) -> None:
    assert measured(known.expression) == []


@pytest.mark.parametrize("cutoffs", [[date(2024, 3, 1)], [date(2024, 2, 29), date(2024, 4, 1)]])
def test_the_whole_query_keeps_to_portable_operations(cutoffs: list[date]) -> None:
    query = customer_features(contract_tables(), cutoffs)
    assert unportable(query) == []
    assert len(query.op().find(ops.Aggregate)) > 5, "the walk did not see the query"


PLANTED = {
    "operation Mode": lambda rows: rows.channel.mode(),
    "operation First": lambda rows: rows.amount.first(order_by=rows.posted_at),
    "operation Last": lambda rows: rows.amount.last(order_by=rows.posted_at),
    "operation ArgMax": lambda rows: rows.amount.argmax(rows.posted_at),
    "operation Quantile": lambda rows: rows.amount.quantile(0.9),
    "operation Median": lambda rows: rows.amount.median(),
    "operation ExtractMicrosecond": lambda rows: rows.posted_at.microsecond(),
    "operation ExtractEpochSeconds": lambda rows: rows.posted_at.epoch_seconds(),
    "operation CountDistinct": lambda rows: rows.channel.nunique(),
    "operation FloorDivide": lambda rows: rows.month // 3,
    "operation MinRank": lambda rows: rows.amount.rank(),
    "difference of times in days": lambda rows: rows["at"].delta(rows.posted_at, unit="day"),
    "literal 0.1": lambda rows: rows.amount * 0.1,
    "literal 0.5": lambda rows: rows.amount.fill_null(0.5),
}


@pytest.mark.parametrize("refused", PLANTED)
def test_an_operation_that_engines_read_differently_is_refused(refused: str) -> None:
    assert refused in unportable(PLANTED[refused](ROWS))


def test_an_as_of_join_is_refused() -> None:
    joined = ROWS.asof_join(ROWS.view(), on="posted_at", predicates="customer_id")
    assert unportable(joined) == ["join asof"]


@pytest.mark.parametrize(
    ("planted", "refused"),
    [
        (lambda history: history.total(history.amount * 0.01, 90), "literal 0.01"),
        (lambda history: history.count(90, where=history.amount > 99.5), "literal 99.5"),
        (lambda history: history.distinct(history.channel.length(), 90), "operation StringLength"),
        (lambda history: history.total(history.amount, 90) * 1.5, "literal 1.5"),
        (lambda history: history.mean(history.amount.round(2), 30), "operation Round"),
    ],
)
def test_a_definition_that_leaves_them_is_refused(planted: Any, refused: str) -> None:
    assert refused in measured(planted)


def test_what_the_dialect_offers_is_portable() -> None:
    offered = [
        days_between(ROWS["at"], ROWS.posted_at),
        ratio(ROWS.amount, ROWS.balance_after),
        *mean_and_spread(ROWS.amount, ROWS.own),
        last_row(ROWS, ("posted_at",), ("balance_after",)),
    ]
    assert [unportable(each) for each in offered] == [[]] * len(offered)
