"""What a feature is: a function named for its column, with its unit, range and meaning."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

WINDOWS = (30, 90, 180, 365)

Grain = Literal["transactions", "latest", "holdings", "service_events", "places", "customers"]
Expression = Callable[..., Any]


@dataclass(frozen=True)
class Feature:
    """One feature column.

    `over` names the table that `expression` is given (see `features.history`); over
    `customers` the expression is row-wise and may use the features above it. `empty` is the
    value of a customer without a row to look at; None means that there is no value.
    """

    name: str
    unit: str
    meaning: str
    over: Grain
    expression: Expression
    low: float | None = None
    high: float | None = None
    empty: float | None = None
    kind: Literal["number", "category"] = "number"
    monitored: bool = True

    @property
    def family(self) -> str:
        """The part of a customer's life that the feature is about: its module's name."""
        return str(self.expression.__module__).rpartition(".")[2]

    @property
    def text(self) -> str:
        """The meaning as words inside a sentence, for reason codes."""
        return self.meaning[0].lower() + self.meaning[1:].removesuffix(".")


REGISTERED: list[Feature] = []


def feature(
    *,
    unit: str,
    low: float | None = None,
    high: float | None = None,
    over: Grain = "transactions",
    empty: float | None = None,
    kind: Literal["number", "category"] = "number",
    monitored: bool = True,
) -> Callable[[Expression], Expression]:
    """Register the function as a feature; the first line of its docstring is the meaning.

    >>> @feature(unit="days", low=0, over="latest")
    ... def idle_days(latest):
    ...     '''Days since the last transaction.'''
    ...     return latest.days_ago
    >>> REGISTERED.pop().text
    'days since the last transaction'
    """

    def register(function: Expression) -> Expression:
        name, meaning = function.__name__, (function.__doc__ or "").partition("\n")[0].strip()
        if not meaning:
            raise ValueError(f"feature {name!r} has no docstring; say in one line what it means")
        if any(name == known.name for known in REGISTERED):
            raise ValueError(f"two features are named {name!r}")
        REGISTERED.append(
            Feature(name, unit, meaning, over, function, low, high, empty, kind, monitored)
        )
        return function

    return register


def windowed(
    days: Sequence[int] = WINDOWS, **options: Any
) -> Callable[[Expression], Sequence[Expression]]:
    """Register one feature a window: `NAME_30d`, `NAME_90d`, ...; `{days}` stands in the docstring.

    The function is given the table and the window's days.

    >>> @windowed((30, 90), unit="visits", empty=0)
    ... def branch_visits(history, days):
    ...     '''Number of visits in the last {days} days.'''
    ...     return history.count(where=history[f"within_{days}d"])
    >>> [function.__name__ for function in branch_visits]
    ['branch_visits_30d', 'branch_visits_90d']
    >>> REGISTERED.pop().meaning, REGISTERED.pop().name
    ('Number of visits in the last 90 days.', 'branch_visits_30d')
    """

    def register(family: Expression) -> Sequence[Expression]:
        return tuple(feature(**options)(_member(family, window)) for window in days)

    return register


def _member(family: Expression, days: int) -> Expression:
    def member(history: Any) -> Any:
        return family(history, days)

    member.__name__ = member.__qualname__ = f"{family.__name__}_{days}d"
    member.__module__ = family.__module__
    member.__dict__["__wrapped__"] = family  # whose source is the definition
    member.__doc__ = (family.__doc__ or "").format(days=days)
    return member
