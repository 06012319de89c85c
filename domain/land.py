"""Pieces of land that are neighbours, and their division into territories."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple


class Land(NamedTuple):
    """Pieces of land 0..n-1: customers of each, and neighbour -> length of the shared border.

    A border that nobody may cross is a pair of pieces that are no neighbours.
    """

    customers: Sequence[int]
    neighbours: Sequence[Mapping[int, int]]


class Territories:
    """A partition of a land that is being worked on: territory of a piece, pieces, customers."""

    def __init__(self, land: Land, of: Iterable[int]) -> None:
        self.land = land
        self.of = list(of)
        self.pieces: dict[int, set[int]] = {}
        self.customers: dict[int, int] = {}
        for piece, territory in enumerate(self.of):
            self.pieces.setdefault(territory, set()).add(piece)
            self.customers[territory] = self.customers.get(territory, 0) + land.customers[piece]

    def move(self, pieces: Collection[int], target: int) -> None:
        """Give pieces of one territory to another, which may be new; an empty one is gone."""
        for piece in pieces:
            source, count = self.of[piece], self.land.customers[piece]
            self.of[piece] = target
            self.pieces[source].discard(piece)
            self.pieces.setdefault(target, set()).add(piece)
            self.customers[source] -= count
            self.customers[target] = self.customers.get(target, 0) + count
            if not self.pieces[source]:
                del self.pieces[source], self.customers[source]

    def borders(self, piece: int) -> dict[int, int]:
        """Territory -> length of its border with a piece, the piece's own included."""
        found: dict[int, int] = {}
        for near, length in self.land.neighbours[piece].items():
            found[self.of[near]] = found.get(self.of[near], 0) + length
        return found
