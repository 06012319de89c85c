"""Making territories even, then round: cuts in two, and pieces on the edge that change sides.

Every step keeps each territory in one piece and at its floor. All is deterministic: pieces are
visited in order, ties go to the smaller number.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from domain.land import Territories

PASSES = 30  # over the edge; it settles earlier in practice
EVEN = 1.25  # sizes within this factor of the median count as even
STRETCHES = (1.0, 2.0, 99.0)  # own border of a piece as a multiple of that with its new territory


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
    """Move pieces from larger to smaller territories until all are about even.

    Only what is larger than `_even` allows gives, and only what is smaller takes from others;
    moves that shorten the border come first, those that make it longer last.
    """
    low, high = _even(state, floor, kept)
    for stretch in STRETCHES:
        for _ in range(PASSES):
            moved = 0
            for piece, source, own, borders in _edge(state, kept):
                count = state.land.customers[piece]
                target = min(borders, key=lambda t: (state.customers[t], t))
                uneven = state.customers[source] > high or state.customers[target] < low
                evener = state.customers[target] + count < state.customers[source]
                short = own <= borders[target] * stretch
                if count and uneven and evener and short and _may_leave(state, piece, floor):
                    state.move([piece], target)
                    moved += 1
            if not moved:
                break


def compact(state: Territories, floor: int, kept: frozenset[int]) -> None:
    """Move pieces where that shortens the border and leaves the territories about even."""
    sizes = [n for t, n in state.customers.items() if t not in kept]
    low, high = _even(state, floor, kept)
    low, high = max(floor, min([low, *sizes])), max([high, *sizes])
    for _ in range(PASSES):
        moved = 0
        for piece, _, own, borders in _edge(state, kept):
            target = max(borders, key=lambda t: (borders[t], -t))
            fits = state.customers[target] + state.land.customers[piece] <= high
            if borders[target] > own and fits and _may_leave(state, piece, low):
                state.move([piece], target)
                moved += 1
        if not moved:
            return


def _even(state: Territories, floor: int, kept: frozenset[int]) -> tuple[float, float]:
    """Customers of a territory that count as even: a quarter around the median, over the floor."""
    sizes = sorted(n for t, n in state.customers.items() if t not in kept)
    median = sizes[len(sizes) // 2] if sizes else floor
    return max(floor, median / EVEN), median * EVEN


def _edge(
    state: Territories, kept: frozenset[int]
) -> Iterator[tuple[int, int, int, dict[int, int]]]:
    """Pieces at the edge: the piece, its territory, its border inside it, and with others."""
    of, neighbours = state.of, state.land.neighbours
    for piece, near in enumerate(neighbours):
        source = of[piece]
        if source in kept or all(of[other] == source for other in near):
            continue
        borders = state.borders(piece)
        own = borders.pop(source, 0)
        others = {t: n for t, n in borders.items() if t not in kept} if kept else borders
        if others:
            yield piece, source, own, others


def _may_leave(state: Territories, piece: int, low: float) -> bool:
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
    cuts = [cut for root in {first: 0, last: 0, heaviest: 0} for cut in _cuts(state, root, floor)]
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
