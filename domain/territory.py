"""Merging pieces of land into territories that reach a floor of customers.

Empty pieces first join the populated one nearest to them; then the smallest territory under the
floor joins the neighbour with which it stays smallest and most compact, until none that has a
neighbour is left under the floor. What is large enough is cut in two, and at last pieces on the
edge change sides (`domain.exchange`) for balance, then for compactness.
"""

import heapq
from collections import deque
from collections.abc import Collection, Mapping, Sequence

from domain.exchange import balance, compact, split
from domain.land import Land, Territories


def merge_to_floor(land: Land, floor: int, kept: Sequence[Collection[int]] = ()) -> list[int]:
    """The territory of every piece: contiguous, of `floor` customers or more where it can be.

    A territory's number is that of one of its pieces. Each group of pieces in `kept` is a
    territory from the start, numbered by its first piece: it loses no piece, and gains one only
    where a neighbour under the floor has nowhere else to go. Any other territory is under the
    floor only when it has no neighbour at all.

    >>> row = Land([5, 4, 0, 3, 6], [{1: 1}, {0: 1, 2: 1}, {1: 1, 3: 1}, {2: 1, 4: 1}, {3: 1}])
    >>> merge_to_floor(row, floor=8)
    [1, 1, 2, 2, 2]
    """
    frozen = frozenset(min(group) for group in kept)
    state = Territories(land, _settled(land, kept))
    _merge(state, floor, frozen)
    split(state, floor, frozen)
    balance(state, floor, frozen)
    compact(state, floor, frozen)
    return state.of


def _settled(land: Land, kept: Sequence[Collection[int]]) -> list[int]:
    """Empty pieces belong to the nearest populated one, to a kept territory only as a last resort.

    Breadth first, ties to the first piece; an empty piece that nobody reaches is its own.
    """
    owner = {piece: min(group) for group in kept for piece in group}
    fresh = {p: p for p, count in enumerate(land.customers) if count and p not in owner}
    reached = _reach(land, fresh, _reach(land, {}, owner))
    everyone = _reach(land, reached, {})
    return [everyone.get(piece, piece) for piece in range(len(land.customers))]


def _reach(land: Land, owner: Mapping[int, int], closed: Mapping[int, int]) -> dict[int, int]:
    """`closed`, and every piece that the pieces in `owner` reach without crossing it."""
    found, queue = {**closed, **owner}, deque(owner)
    while queue:
        piece = queue.popleft()
        for near in land.neighbours[piece]:
            if near not in found:
                found[near] = found[piece]
                queue.append(near)
    return found


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
