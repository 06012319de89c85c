"""One row per customer and cut-off: the feature query, composed from the registry."""

from collections.abc import Sequence
from datetime import date
from functools import reduce
from typing import Any

from ibis.expr.types import Table, Value

from features.dialect import runnable
from features.engine import Tables
from features.feature import Feature
from features.gap_arrays import GAP_ROW, pane_gaps
from features.gaps import gap_partials, gap_rows, gaps, gaps_of_panes
from features.history import days_of, holding_history, service_history, spine
from features.measures import History
from features.panes import Panes, plans
from features.places import Territory, place_history, territory
from features.registry import FEATURES
from features.steps import Keep, Merge, inline
from features.transactions import (
    ROW,
    PlanTables,
    always_known,
    latest,
    latest_older,
    older_rows,
    partials,
    windows,
    year_rows,
)
from features.window_arrays import merged_gaps, merged_windows

KEY = ("customer_id", "as_of")
PERSON = (
    *KEY,
    "onboarded_on",
    "birth_date",
    "occupation",
    "income_band",
    "kind",
)


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
    parts = [
        features_of(tables, panes, PlanTables.of(panes), customers)
        for panes in plans(days_of(as_of), tables.timezone)
    ]
    return runnable(reduce(lambda above, below: above.union(below), parts))


def features_of(
    tables: Tables,
    panes: Panes,
    plan: PlanTables,
    customers: Sequence[str] | None = None,
    keep: Keep = inline,
    chosen: Sequence[Feature] = tuple(FEATURES.values()),
    there: Territory | None = None,
) -> Table:
    """The features at the cut-offs of `plan`, which are those of `panes`.

    Steps that are looked at more than once are handed to `keep`, which may make tables of them.
    `chosen` are some of the features, with those that they are made of. `there` is the map as
    all customers make it, where `tables` are those of some.
    """
    rows = year_rows(tables, panes, plan)
    history, _ = _measures(rows, chosen)
    rows = keep("year_rows", rows.select(*ROW, *sorted(history.columns - set(ROW))))
    history, measured = _measures(rows, chosen)
    parts = keep("partials", partials(rows, history))
    in_time = Merge(rows.select(*GAP_ROW), pane_gaps)
    gap_parts = keep("gap_partials", gap_partials(gap_rows(rows)), in_time)
    older = older_rows(tables, panes, plan).anti_join(always_known(parts), "customer_id")
    older = keep("older", latest_older(older))
    people = spine(tables, plan.instants, customers)
    merge = Merge(parts, lambda table: merged_windows(table, panes, history))
    found = keep("windows", windows(parts, history, panes, plan), merge)
    merge = Merge(gap_parts, lambda table: merged_gaps(table, panes))
    in_order = keep("gaps", gaps_of_panes(gap_parts, plan), merge)
    grains = [
        found,
        gaps(rows, gap_parts, in_order, panes, plan),
        _selected(latest(people, found, parts, older, plan), "latest", chosen),
    ]
    for column in history.distincts.values():
        values = keep(f"values_{column.name}", column.values(rows))
        grains.append(column.count(values, plan.instants))
    grains += [
        _aggregated(holding_history(tables, people), "holdings", chosen),
        _aggregated(service_history(tables, people), "service_events", chosen),
    ]
    if _over("places", chosen):
        there = there or territory(spine(tables, plan.instants), tables.outlets, plan.instants)
        grains.append(_aggregated(place_history(people, there), "places", chosen))
    wide = _joined(people, grains).mutate(**measured)
    looked_up = [known for known in chosen if known.over != "customers"]
    wide = wide.select(*PERSON, **{known.name: _filled(wide, known) for known in looked_up})
    wide = wide.mutate(
        **{known.name: known.expression(wide) for known in _over("customers", chosen)}
    )
    return wide.select(*KEY, *(_typed(wide, known) for known in chosen))


def _joined(people: Table, grains: Sequence[Table]) -> Table:
    """One chain of joins: a step of its own for each grain would name every column again."""
    wide = people
    for at, grain in enumerate(grains):
        keys = {f"{name}_{at}": grain[name] for name in KEY}
        rest = [name for name in grain.columns if name not in KEY]
        grain = grain.select(*rest, **keys)
        wide = wide.left_join(grain, [wide[name] == grain[f"{name}_{at}"] for name in KEY])
    return wide


def _measures(rows: Table, chosen: Sequence[Feature]) -> tuple[History, dict[str, Any]]:
    history = History(rows)
    measured = {known.name: known.expression(history) for known in _over("transactions", chosen)}
    return history, measured


def _over(grain: str, chosen: Sequence[Feature]) -> list[Feature]:
    return [known for known in chosen if known.over == grain]


def _aggregated(history: Table, grain: str, chosen: Sequence[Feature]) -> Table:
    return history.group_by(*KEY).aggregate(
        **{known.name: known.expression(history) for known in _over(grain, chosen)}
    )


def _selected(latest_rows: Table, grain: str, chosen: Sequence[Feature]) -> Table:
    return latest_rows.select(
        *KEY, **{known.name: known.expression(latest_rows) for known in _over(grain, chosen)}
    )


def _filled(rows: Table, known: Feature) -> Value:
    value = rows[known.name].cast("float64")
    return value if known.empty is None else value.fill_null(known.empty)


def _typed(rows: Table, known: Feature) -> Value:
    kind = "string" if known.kind == "category" else "float64"
    return rows[known.name].cast(kind).name(known.name)
