"""Merging H3 cells into territories that reach a floor of customers.

Every populated H3 cell first takes the empty cells nearest to it, so that villages with fields
between them still touch; then the smallest territory under the floor joins its smallest
neighbour, until none is left under the floor. Islands join the nearest territory.
"""

import heapq
from collections import deque
from collections.abc import Mapping

import h3

REACH_RINGS = 12  # how far into empty land a populated cell reaches (about 11 km at resolution 8)


def merge_to_floor(customers: Mapping[str, int], floor: int) -> list[frozenset[str]]:
    """Territories as sets of H3 cells (empty ones included), each with `floor` customers or more.

    `customers` counts the customers of each populated H3 cell, all of one resolution. Only when
    the whole has fewer than `floor` customers is there a smaller territory: one, of everybody.

    >>> cell = h3.latlng_to_cell(30.6, 121.0, 8)
    >>> around = {near: 2 for near in h3.grid_disk(cell, 1)}
    >>> [len(t) > 2 for t in merge_to_floor(around, floor=7)]
    [True]
    """
    owner = _spread(sorted(customers), REACH_RINGS)
    neighbours = _adjacency(owner, customers)
    parent = _merge(dict(customers), neighbours, floor)
    territories: dict[str, set[str]] = {}
    for cell, populated in owner.items():
        territories.setdefault(_root(parent, populated), set()).add(cell)
    return [frozenset(territories[key]) for key in sorted(territories)]


def _spread(populated: list[str], rings: int) -> dict[str, str]:
    """Cell -> the nearest populated cell, breadth first, ties to the smaller index."""
    owner = {cell: cell for cell in populated}
    queue = deque((cell, 0) for cell in populated)
    while queue:
        cell, ring = queue.popleft()
        if ring == rings:
            continue
        for near in sorted(h3.grid_ring(cell, 1)):
            if near not in owner:
                owner[near] = owner[cell]
                queue.append((near, ring + 1))
    return owner


def _adjacency(owner: Mapping[str, str], customers: Mapping[str, int]) -> dict[str, set[str]]:
    neighbours: dict[str, set[str]] = {cell: set() for cell in customers}
    for cell, mine in owner.items():
        for near in h3.grid_ring(cell, 1):
            other = owner.get(near, mine)
            if other != mine:
                neighbours[mine].add(other)
                neighbours[other].add(mine)
    return neighbours


def _merge(count: dict[str, int], neighbours: dict[str, set[str]], floor: int) -> dict[str, str]:
    """Union tree over populated cells; `count` and `neighbours` are consumed."""
    parent = {cell: cell for cell in count}
    heap = [(n, cell) for cell, n in count.items() if n < floor]
    heapq.heapify(heap)
    while heap and len(count) > 1:
        n, cell = heapq.heappop(heap)
        if count.get(cell) != n:
            continue  # grown or merged since it was queued
        target = _partner(cell, count, neighbours)
        parent[cell] = target
        count[target] += count.pop(cell)
        for near in neighbours.pop(cell):
            neighbours[near].discard(cell)
            if near != target:
                neighbours[near].add(target)
                neighbours[target].add(near)
        if count[target] < floor:
            heapq.heappush(heap, (count[target], target))
    return parent


def _partner(cell: str, count: Mapping[str, int], neighbours: Mapping[str, set[str]]) -> str:
    if neighbours[cell]:
        return min(neighbours[cell], key=lambda near: (count[near], near))
    here = h3.cell_to_latlng(cell)
    others = (other for other in count if other != cell)
    return min(
        others, key=lambda far: (h3.great_circle_distance(here, h3.cell_to_latlng(far)), far)
    )


def _root(parent: Mapping[str, str], cell: str) -> str:
    while parent[cell] != cell:
        cell = parent[cell]
    return cell
