"""From numbers and codes to the arrays that tables are made of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from features.simulation.settings import UTC_OFFSET_SECONDS, Bools, Floats, Ints

MICROSECONDS = 1_000_000


def customer_ids(number: Ints) -> Any:
    """Ids of customers by number.

    >>> customer_ids(np.array([0, 41])).to_pylist()
    ['C00000001', 'C00000042']
    """
    return pa.array([f"C{one + 1:08d}" for one in number.tolist()], pa.string())


def words(code: Ints, names: Sequence[str]) -> Any:
    """The name of each code; null for a code beyond the names.

    >>> words(np.array([1, 2, 0]), ("a", "b")).to_pylist()
    ['b', None, 'a']
    """
    return pa.array([*names, None], pa.string()).take(
        pa.array(np.where((code < 0) | (code >= len(names)), len(names), code))
    )


def dates(day: Ints, known: Bools | None = None) -> Any:
    """Days counted from 1970-01-01 as dates; null where not known."""
    mask = None if known is None else ~known
    return pa.array(day.astype(np.int32), mask=mask, type=pa.int32()).cast(pa.date32())


def instants(second: Ints, known: Bools | None = None) -> Any:
    """Local seconds as naive UTC timestamps; null where not known.

    >>> str(instants(np.array([8 * 3600]))[0])
    '1970-01-01 00:00:00'
    """
    mask = None if known is None else ~known
    moved = (second - UTC_OFFSET_SECONDS) * MICROSECONDS
    return pa.array(moved, mask=mask, type=pa.int64()).cast(pa.timestamp("us"))


def numbers(value: Floats, known: Bools) -> Any:
    """Numbers, null where not known."""
    return pa.array(value, mask=~known, type=pa.float64())


def labels(prefix: str, number: Ints, width: int) -> Any:
    """Ids made of a prefix and a number of fixed width; null for a number below zero.

    >>> labels("M", np.array([7, -1, 7]), 4).to_pylist()
    ['M0007', None, 'M0007']
    """
    distinct, position = np.unique(number, return_inverse=True)
    names = [f"{prefix}{one:0{width}d}" if one >= 0 else None for one in distinct.tolist()]
    return pa.array(names, pa.string()).take(pa.array(position))
