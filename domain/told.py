"""How many customers a page tells of: in steps, and only of cells that the grid tells alone."""

from collections.abc import Mapping, Sequence
from typing import Any

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


def told_parts(sizes: Sequence[int], customers_min: int) -> list[bool]:
    """Which parts of a whole may be told, so that the rest is `customers_min` or nobody.

    >>> told_parts([30, 40, 3], 10), told_parts([30, 40, 6, 7], 10), told_parts([30, 40], 10)
    ([False, True, False], [True, True, False, False], [True, True])
    """
    told = sorted(
        (at for at, size in enumerate(sizes) if size >= customers_min), key=sizes.__getitem__
    )
    while told and 0 < sum(sizes) - sum(sizes[at] for at in told) < customers_min:
        told = told[1:]
    return [at in told for at in range(len(sizes))]
