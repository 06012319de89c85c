"""Merging pieces of land into territories that reach a floor of customers.

Empty pieces first join the populated one nearest to them; then the smallest territory under the
floor joins the neighbour with which it stays smallest and most compact, until none that has a
neighbour is left under the floor. What is large enough is cut in two, and at last pieces on the
edge change sides (`domain.exchange`) for balance, then for compactness.
"""

import heapq
from collections import deque
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
            self.customers[territory] = (
                self.customers.get(territory, 0) + land.customers[piece]
            )

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


def merge_to_floor(
    land: Land, floor: int, start: Sequence[int] | None = None, kept: Collection[int] = ()
) -> list[int]:
    """The territory of every piece: contiguous, of `floor` customers or more where it can be.

    `start` is a partition to begin from (one piece, one territory when absent); a territory's
    number is that of one of its pieces in `start`. Those in `kept` lose no piece, and gain one
    only where a neighbour under the floor has nowhere else to go. A territory is under the floor
    only when it has no neighbour at all.

    >>> row = Land([5, 4, 0, 3, 6], [{1: 1}, {0: 1, 2: 1}, {1: 1, 3: 1}, {2: 1, 4: 1}, {3: 1}])
    >>> merge_to_floor(row, floor=8)
    [0, 0, 0, 4, 4]
    """
    from domain.exchange import balance, compact, split

    own = list(start) if start is not None else list(range(len(land.customers)))
    frozen = frozenset(kept)
    state = Territories(land, _settled(land, own) if start is None else own)
    _merge(state, floor, frozen)
    split(state, floor, frozen)
    balance(state, floor, frozen)
    compact(state, floor, frozen)
    return state.of


def _settled(land: Land, own: Sequence[int]) -> list[int]:
    """Empty pieces belong to the nearest populated one, breadth first, ties to the first."""
    owner = [mine if count else -1 for mine, count in zip(own, land.customers, strict=True)]
    queue = deque(piece for piece, mine in enumerate(owner) if mine >= 0)
    while queue:
        piece = queue.popleft()
        for near in land.neighbours[piece]:
            if owner[near] < 0:
                owner[near] = owner[piece]
                queue.append(near)
    return [mine if mine >= 0 else own[piece] for piece, mine in enumerate(owner)]


def _merge(state: Territories, floor: int, kept: frozenset[int]) -> None:
    borders = _borders(state)
    heap = [(n, t) for t, n in state.customers.items() if n < floor and t not in kept]
    heapq.heapify(heap)
    while heap:
        count, small = heapq.heappop(heap)
        if state.customers.get(small) != count or not borders[small]:
            continue  # grown or merged since it was queued, or alone behind a border
        target = min(borders[small], key=lambda near: _cost(state, borders, small, near, kept))
        _join(state, borders, small, target)
        if state.customers[target] < floor and target not in kept:
            heapq.heappush(heap, (state.customers[target], target))


def _cost(
    state: Territories,
    borders: Mapping[int, Mapping[int, int]],
    small: int,
    near: int,
    kept: frozenset[int],
) -> tuple[bool, float, int]:
    shared = borders[small][near]
    return near in kept, (state.customers[near] + 1) / shared, near


def _join(state: Territories, borders: dict[int, dict[int, int]], small: int, target: int) -> None:
    state.move(list(state.pieces[small]), target)
    for near, length in borders.pop(small).items():
        del borders[near][small]
        if near != target:
            borders[near][target] = borders[near].get(target, 0) + length
            borders[target][near] = borders[target].get(near, 0) + length


def _borders(state: Territories) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {territory: {} for territory in state.pieces}
    for piece, mine in enumerate(state.of):
        for other, length in state.borders(piece).items():
            if other != mine:
                found[mine][other] = found[mine].get(other, 0) + length
    return found
