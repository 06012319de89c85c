"""How many customers the drift page tells of a cell: in steps, and only where the grid tells it."""

from collections.abc import Collection, Mapping

from domain.told import in_steps
from monitoring.pooling import Pooling


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
