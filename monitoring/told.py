"""How many customers the drift page tells of a cell: in steps, and only where the grid tells it."""

from collections.abc import Collection, Mapping
from typing import Any

from monitoring.pooling import Pooling

STEP = 10  # customers: less than the page of the grid tells, so that no difference gives a few


def in_steps(customers: int, customers_min: int) -> str:
    """A number of customers, rounded down to whole steps of `customers_min`, of 10 at least.

    >>> in_steps(68, 10), in_steps(168, 50), in_steps(7, 1), in_steps(0, 10)
    ('60+', '150+', 'under 10', 'none')
    """
    step = max(STEP, customers_min)
    if customers < step:
        return f"under {step}" if customers else "none"
    return f"{customers // step * step:,}+"


def is_told_alone(about: Mapping[str, Any], customers_min: int) -> bool:
    """Whether a grid version tells the customers of a cell alone, and today's rule would too.

    `about`: the properties of the cell in `cells.geojson`.

    >>> [is_told_alone({"customers": told}, 10) for told in (None, 9, 10)]
    [False, False, True]
    """
    customers = about.get("customers")
    return customers is not None and customers >= customers_min and not about.get("told_with")


def told_sizes(
    pooling: Pooling, customers: Mapping[str, int], alone: Collection[str], customers_min: int
) -> dict[str, str]:
    """Cell or pool -> its customers in steps; absent when one of its cells is not told alone.

    >>> pooling = Pooling({"A": "A", "B": "B", "C": "bank:rest", "D": "bank:rest"}, ())
    >>> told_sizes(pooling, {"A": 68, "B": 70, "bank:rest": 31}, {"A", "C"}, 10)
    {'A': '60+'}
    """
    hidden = {group for cell, group in pooling.group_of.items() if cell not in alone}
    told = set(pooling.group_of.values()) - hidden
    return {group: in_steps(customers[group], customers_min) for group in sorted(told)}
