"""What is known of panes while cut-offs go by, on arrays of panes x customers.

The window of a cut-off is a run of panes, so that it is a slice of such an array. The cut-offs
are taken in order of time: what arrived since the one before is merged into its panes, then the
windows are added up from whole panes. Nothing is ever subtracted: small amounts would be lost
beside large ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.measures import PARTS
from features.panes import Panes

Array = NDArray[Any]
Shape = tuple[int, int]  # panes x customers


class Grid(Protocol):
    """One thing that is known of every pane."""

    def take_in(self, rows: Array, places: Array) -> None:
        """Merge rows into their panes; no two of them have the same place."""

    def windows(self, bounds: Sequence[int]) -> Array:
        """One row per window; `bounds` are those of a cut-off in `Panes.bounds`."""


class Folded:
    """A sum, a largest or a smallest value; `empty` where there is none."""

    def __init__(self, values: Array, fold: np.ufunc, empty: Any, shape: Shape) -> None:
        self.values, self.fold = values, fold
        self.grid = np.full(shape, empty, values.dtype)

    def take_in(self, rows: Array, places: Array) -> None:
        """Merge rows into their panes."""
        flat = self.grid.reshape(-1)
        flat[places] = self.fold(flat[places], self.values[rows])

    def windows(self, bounds: Sequence[int]) -> Array:
        """Windows from rings, the shortest first."""
        rings = [self.fold.reduce(self.grid[start:end], axis=0) for end, start in pairwise(bounds)]
        return np.stack(list(accumulate(rings, self.fold)))


class Spread:
    """Number, mean and sum of squares around it (`PARTS`)."""

    def __init__(self, parts: Array, shape: Shape) -> None:
        self.parts = parts
        self.grid = np.zeros((len(PARTS), *shape))

    def take_in(self, rows: Array, places: Array) -> None:
        """Merge rows into their panes, most of which were empty."""
        flat = self.grid.reshape(len(PARTS), -1)
        met = flat[0, places] > 0
        both = np.stack([flat[:, places[met]], self.parts[:, rows[met]]], axis=1)
        flat[:, places] = self.parts[:, rows]
        flat[:, places[met]] = pooled(both)

    def windows(self, bounds: Sequence[int]) -> Array:
        """Windows from rings, the shortest first, each around its own mean."""
        rings = [pooled(self.grid[:, start:end]) for end, start in pairwise(bounds)]
        together = np.stack(rings, axis=1)
        return np.stack([pooled(together[:, : at + 1]) for at in range(len(rings))])


class Gaps:
    """Gaps inside panes (`PARTS`) and the one from the pane `start` across to each pane."""

    def __init__(self, inside: Array, across: Array, start: Array, shape: Shape) -> None:
        self.inside, self.across = Spread(inside, shape), Spread(across, shape)
        self.start = Folded(start, np.maximum, -1, shape)

    def take_in(self, rows: Array, places: Array) -> None:
        """Merge rows into their panes."""
        for grid in (self.inside, self.across, self.start):
            grid.take_in(rows, places)

    def windows(self, bounds: Sequence[int]) -> Array:
        """The longest window: a gap across counts when it begins in it too."""
        end, start = bounds[0], bounds[-1]
        begun = self.start.grid[start:end] >= start
        spreads = [self.inside.grid[:, start:end], self.across.grid[:, start:end] * begun]
        return pooled(np.stack([pooled(one) for one in spreads], axis=1))[None]


class Latest:
    """The row that holds the latest transaction, -1 where there is none."""

    def __init__(self, posted: Array, ids: pa.Array, shape: Shape) -> None:
        self.posted, self.ids = posted, ids
        self.grid = np.full(shape, -1)

    def take_in(self, rows: Array, places: Array) -> None:
        """Put rows where they are later than what was there; ties fall to the largest id."""
        flat = self.grid.reshape(-1)
        before = flat[places]
        flat[places] = np.where(self._later(rows, before), rows, before)

    def windows(self, bounds: Sequence[int]) -> Array:
        """The longest window: the row of its youngest pane that has one."""
        youngest_first = self.grid[bounds[-1] : bounds[0]][::-1]
        pane = (youngest_first >= 0).argmax(axis=0)
        return np.take_along_axis(youngest_first, pane[None], axis=0)

    def _later(self, rows: Array, before: Array) -> Array:
        later: Array = (before < 0) | (self.posted[rows] > self.posted[before])
        tied = np.flatnonzero(~later & (self.posted[rows] == self.posted[before]))
        mine, other = (self.ids.take(pa.array(at[tied])) for at in (rows, before))
        later[tied] = pc.greater(mine, other).to_numpy(zero_copy_only=False)
        return later


def pooled(parts: Array) -> Array:
    """Spreads merged along the second axis, around their common mean (Chan et al., 1979).

    >>> pooled(np.array([[[1.0], [2.0]], [[4.0], [1.0]], [[0.0], [2.0]]])).ravel().tolist()
    [3.0, 2.0, 8.0]
    """
    n, mean, m2 = parts
    count = n.sum(axis=0)
    around = (n * mean).sum(axis=0) / np.maximum(count, 1)
    between = mean - around
    return np.stack([count, around, (m2 + n * between * between).sum(axis=0)])


@dataclass(frozen=True)
class PaneRows:
    """Rows of customer, pane and `seen`, each such key once, and where they belong.

    `arrived` has for each cut-off the rows that it is the first to see, and their places.
    """

    table: pa.Table
    panes: Panes
    customers: pa.Array
    arrived: Sequence[tuple[Array, Array]]

    @classmethod
    def of(cls, table: pa.Table, panes: Panes) -> "PaneRows":
        """The rows in any order; customers are numbers or texts."""
        customer = whole(table["customer_id"]).dictionary_encode()
        pane, seen = (table[name].to_numpy().astype("int64") for name in ("pane", "seen"))
        place = pane * len(customer.dictionary) + customer.indices.to_numpy()
        new = [np.flatnonzero(seen == cutoff) for cutoff in range(len(panes.cutoffs))]
        return cls(table, panes, customer.dictionary, [(rows, place[rows]) for rows in new])

    @property
    def shape(self) -> Shape:
        """Panes x customers."""
        return len(self.panes.edges) - 1, len(self.customers)

    def column(self, name: str) -> pa.Array:
        """A column in one piece, times as microseconds."""
        column = whole(self.table[name])
        return microseconds(column) if pa.types.is_timestamp(column.type) else column

    def seen(self, grid: Grid) -> Array:
        """What each cut-off sees: windows x cut-offs x whatever a window of the grid is."""
        found = []
        for (rows, places), bounds in zip(self.arrived, self.panes.bounds(), strict=True):
            grid.take_in(rows, places)
            found.append(grid.windows(bounds))
        return np.stack(found, axis=1)

    def any(self, known: Array) -> Array:
        """Whether any of the rows that are `known` is seen: windows x cut-offs x customers."""
        return self.seen(Folded(known, np.logical_or, False, self.shape))


def whole(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def microseconds(times: pa.Array) -> pa.Array:
    """Times as whole microseconds since 1970."""
    return times.cast(pa.timestamp("us")).cast(pa.int64())
