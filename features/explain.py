"""What is to be known of one feature: definition, sources, SQL, and how its values are spread."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from domain.errors import BadInput
from domain.near import near
from features.feature import Feature
from features.registry import FEATURES

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BINS = 10


@dataclass(frozen=True)
class Bar:
    """How many customers have a value in a range, or a word."""

    label: str
    customers: int


@dataclass(frozen=True)
class Spread:
    """The values of a feature at one cut-off; `quantiles` maps shares like "0.5" to values."""

    as_of: date
    customers: int
    missing_share: float
    low: float | None
    high: float | None
    quantiles: dict[str, float]
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Explanation:
    """One feature; `spread` is None where no values are at hand, and `note` says why."""

    name: str
    family: str
    meaning: str
    unit: str
    range: str
    without_history: str
    watched: bool
    sources: tuple[str, ...]
    definition: str
    as_of: date
    sql: str
    spread: Spread | None
    note: str


def registered(name: str) -> Feature:
    """The feature of that name; BadInput with near names when there is none.

    >>> registered("recency_day")
    Traceback (most recent call last):
    domain.errors.BadInput: there is no feature 'recency_day'; near it: recency_days, ...
    """
    if name in FEATURES:
        return FEATURES[name]
    found = near(name, FEATURES)
    hint = f"near it: {', '.join(found)}" if found else "all of them: docs/features.md"
    raise BadInput(f"there is no feature {name!r}; {hint}")


def explained(
    name: str,
    as_of: date,
    timezone: str = "UTC",
    values: "pd.Series[Any] | None" = None,
    note: str = "",
) -> Explanation:
    """What is to be known of a feature at a cut-off; `values` are those of all customers then."""
    from features.dictionary import range_of
    from features.one_cutoff import plain_query, sql_of, tables_in

    known = registered(name)
    query = plain_query(name, as_of, timezone)
    return Explanation(
        name=name,
        family=known.family,
        meaning=known.meaning,
        unit=known.unit,
        range=range_of(known),
        without_history="missing" if known.empty is None else f"{known.empty:g}",
        watched=known.monitored,
        sources=tables_in(query),
        definition=inspect.getsource(inspect.unwrap(known.expression)).strip(),
        as_of=as_of,
        sql=sql_of(name, as_of, timezone),
        spread=None if values is None else spread_of(values, as_of),
        note=note,
    )


def spread_of(values: "pd.Series[Any]", as_of: date) -> Spread:
    """Count, missing share, extremes, quantiles and a histogram of numbers or words.

    >>> found = spread_of(pd.Series([0.0, 1.0, 1.0, None]), date(2026, 1, 31))
    >>> found.missing_share, found.quantiles["0.5"], [bar.customers for bar in found.bars]
    (0.25, 1.0, [1, 0, 0, 0, 0, 0, 0, 0, 0, 2])
    """
    known = values.dropna()
    missing = 1 - len(known) / len(values) if len(values) else 0.0
    if known.empty or not pd.api.types.is_numeric_dtype(known):
        words = known.value_counts().head(BINS)
        bars = tuple(Bar(str(word), int(count)) for word, count in words.items())
        return Spread(as_of, len(values), missing, None, None, {}, bars)
    numbers = known.to_numpy("float64")
    quantiles = {f"{at:g}": float(np.quantile(numbers, at)) for at in QUANTILES}
    low, high = float(numbers.min()), float(numbers.max())
    return Spread(as_of, len(values), missing, low, high, quantiles, _histogram(numbers))


def _histogram(numbers: "np.ndarray[Any, Any]") -> tuple[Bar, ...]:
    """Ten equal ranges between the 1st and the 99th percentile; the ends hold what lies beyond."""
    low, high = np.quantile(numbers, [0.01, 0.99])
    if low == high:
        low, high = numbers.min(), numbers.max()
    if low == high:
        return (Bar(f"{low:.6g}", len(numbers)),)
    edges = np.linspace(low, high, BINS + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], numbers, side="right"), minlength=BINS)
    labels = [_label(edges.tolist(), at) for at in range(BINS)]
    return tuple(Bar(label, int(n)) for label, n in zip(labels, counts, strict=True))


def _label(edges: Sequence[float], at: int) -> str:
    if at == 0:
        return f"below {edges[1]:.4g}"
    if at == BINS - 1:
        return f"{edges[at]:.4g} or more"
    return f"{edges[at]:.4g} to {edges[at + 1]:.4g}"
