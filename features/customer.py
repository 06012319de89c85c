"""One row per customer and cut-off: the feature query, composed from the registry."""

from collections.abc import Sequence
from datetime import date

from ibis.expr.types import Table, Value

from features.engine import Tables
from features.feature import Feature
from features.history import (
    cutoffs,
    days_of,
    holding_history,
    latest_transaction,
    service_history,
    spine,
    transaction_history,
)
from features.registry import FEATURES

KEY = ("customer_id", "as_of")


def customer_features(
    tables: Tables, as_of: date | Sequence[date], customers: Sequence[str] | None = None
) -> Table:
    """One row per (customer, cut-off): `customer_id`, `as_of`, then the features in order.

    Every customer onboarded before the cut-off and not closed before it has a row, with or
    without history; `customers` narrows the rows to those ids. Numbers are float64.

    >>> import pandas as pd
    >>> from features.engine import tables_of
    >>> customers = pd.DataFrame({"customer_id": ["a"], "onboarded_on": ["2026-01-01"]})
    >>> row = customer_features(tables_of({"customers": customers}), date(2026, 1, 31)).execute()
    >>> row[["tenure_days", "transactions_30d"]].values.tolist()
    [[30.0, 0.0]]
    """
    days = days_of(as_of)
    rows = spine(tables, cutoffs(days, tables.timezone), customers)
    grains: dict[str, Table] = {
        "transactions": _aggregated(transaction_history(tables, rows, days), "transactions"),
        "latest": _selected(latest_transaction(tables, rows), "latest"),
        "holdings": _aggregated(holding_history(tables, rows), "holdings"),
        "service_events": _aggregated(service_history(tables, rows), "service_events"),
    }
    for grain in grains.values():
        rows = rows.left_join(grain, KEY).drop("customer_id_right", "as_of_right")
    looked_up = [known for known in FEATURES.values() if known.over != "customers"]
    rows = rows.mutate(**{known.name: _filled(rows, known) for known in looked_up})
    rows = rows.mutate(**{known.name: known.expression(rows) for known in _over("customers")})
    return rows.select(*KEY, *(_typed(rows, known) for known in FEATURES.values()))


def _over(grain: str) -> list[Feature]:
    return [known for known in FEATURES.values() if known.over == grain]


def _aggregated(history: Table, grain: str) -> Table:
    return history.group_by(*KEY).aggregate(
        **{known.name: known.expression(history) for known in _over(grain)}
    )


def _selected(latest: Table, grain: str) -> Table:
    return latest.select(*KEY, **{known.name: known.expression(latest) for known in _over(grain)})


def _filled(rows: Table, known: Feature) -> Value:
    value = rows[known.name].cast("float64")
    return value if known.empty is None else value.fill_null(known.empty)


def _typed(rows: Table, known: Feature) -> Value:
    kind = "string" if known.kind == "category" else "float64"
    return rows[known.name].cast(kind).name(known.name)
