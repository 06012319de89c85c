"""Making territories even, then round: cuts in two, and pieces on the edge that change sides.

Every step keeps each territory in one piece and at its floor. All is deterministic: pieces are
visited in order, ties go to the smaller number.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from domain.territory import Territories

PASSES = 30  # over the edge; it settles earlier in practice


class _Cut(NamedTuple):
    """The better part of a tree cut: customers of its smaller side, border drawn, pieces."""

    smaller: int
    border: int
    pieces: frozenset[int]


def split(state: Territories, floor: int, kept: frozenset[int]) -> None:
    """Cut every territory in two, again and again, while both sides reach the floor."""
    queue = deque(sorted(t for t in state.pieces if t not in kept))
    while queue:
        territory = queue.popleft()
        cut = _best_cut(state, territory, floor)
        if cut is not None:
            away = _without(cut.pieces, state.pieces[territory], territory)
            new = min(away)
            state.move(away, new)
            queue += [territory, new]


def _without(one: frozenset[int], whole: set[int], piece: int) -> list[int]:
    """The side of a cut that does not hold `piece`, so that numbers stay those of own pieces."""
    return sorted(whole - one if piece in one else one)


def balance(state: Territories, floor: int, kept: frozenset[int]) -> None:
    """Move pieces from larger to smaller territories while that makes them more even."""
    for _ in range(PASSES):
        moved = 0
        for piece, source, borders in _edge(state, kept):
            count = state.land.customers[piece]
            target = min(borders, key=lambda t: (state.customers[t], t))
            even = state.customers[target] + count < state.customers[source]
            if count and even and _may_leave(state, piece, floor):
                state.move([piece], target)
                moved += 1
        if not moved:
            return


def compact(state: Territories, floor: int, kept: frozenset[int]) -> None:
    """Move pieces where that shortens the border, and makes no new smallest or largest."""
    sizes = [n for t, n in state.customers.items() if t not in kept]
    low, high = max(floor, min(sizes, default=0)), max(sizes, default=0)
    for _ in range(PASSES):
        moved = 0
        for piece, source, borders in _edge(state, kept):
            target = max(borders, key=lambda t: (borders[t], -t))
            shorter = borders[target] > state.borders(piece).get(source, 0)
            fits = state.customers[target] + state.land.customers[piece] <= high
            if shorter and fits and _may_leave(state, piece, low):
                state.move([piece], target)
                moved += 1
        if not moved:
            return


def _edge(
    state: Territories, kept: frozenset[int]
) -> Iterator[tuple[int, int, dict[int, int]]]:
    """Pieces with a border to other territories: the piece, its territory, the others."""
    for piece in range(len(state.of)):
        source = state.of[piece]
        if source in kept:
            continue
        if all(state.of[near] == source for near in state.land.neighbours[piece]):
            continue
        borders = state.borders(piece)
        others = {t: n for t, n in borders.items() if t != source and t not in kept}
        if others:
            yield piece, source, others


def _may_leave(state: Territories, piece: int, low: int) -> bool:
    """Whether a territory keeps its floor and stays in one piece without `piece`."""
    source, count = state.of[piece], state.land.customers[piece]
    if (count and state.customers[source] - count < low) or len(state.pieces[source]) == 1:
        return False
    near = {n for n in state.land.neighbours[piece] if state.of[n] == source}
    return _meet(state, near, near) or _meet(state, near, state.pieces[source] - {piece})


def _meet(state: Territories, wanted: set[int], within: set[int]) -> bool:
    """Whether the `wanted` pieces are joined by pieces `within`."""
    start = min(wanted, default=None)
    if start is None:
        return False
    seen, queue, left = {start}, [start], wanted - {start}
    while queue and left:
        for near in state.land.neighbours[queue.pop()]:
            if near in within and near not in seen:
                seen.add(near)
                left = left - {near}
                queue.append(near)
    return not left


def _best_cut(state: Territories, territory: int, floor: int) -> _Cut | None:
    if state.customers[territory] < 2 * floor:
        return None
    pieces = state.pieces[territory]
    first = _tree(state, min(pieces))[-1][0]
    last = _tree(state, first)[-1][0]
    heaviest = max(pieces, key=lambda piece: (state.land.customers[piece], -piece))
    cuts = [
        cut for root in {first: 0, last: 0, heaviest: 0} for cut in _cuts(state, root, floor)
    ]
    return max(cuts, key=lambda cut: (cut.smaller, -cut.border), default=None)


def _tree(state: Territories, root: int) -> list[tuple[int, int]]:
    """Pieces of the root's territory, breadth first, each with the one it was reached from."""
    seen, order = {root}, [(root, -1)]
    for piece, _ in order:
        for near in state.land.neighbours[piece]:
            if near not in seen and state.of[near] == state.of[root]:
                seen.add(near)
                order.append((near, piece))
    return order


def _cuts(state: Territories, root: int, floor: int) -> list[_Cut]:
    """The most even cut of the breadth-first tree at `root`, if both its sides reach the floor."""
    order = _tree(state, root)
    below = {piece: state.land.customers[piece] for piece, _ in order}
    for piece, above in reversed(order[1:]):
        below[above] += below[piece]
    total = below[root]
    even, top = max(
        ((min(below[piece], total - below[piece]), -piece) for piece, _ in order[1:]),
        default=(0, 0),
    )
    if even < floor:
        return []
    branch = {-top}
    branch |= {piece for piece, above in order if _under(branch, piece, above)}
    border = sum(
        length
        for piece in branch
        for near, length in state.land.neighbours[piece].items()
        if near not in branch and state.of[near] == state.of[root]
    )
    return [_Cut(even, border, frozenset(branch))]


def _under(branch: set[int], piece: int, above: int) -> bool:
    """Whether a piece hangs below the branch; pieces come top down, so the branch grows."""
    if above in branch:
        branch.add(piece)
    return piece in branch
