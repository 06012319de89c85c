"""Hard borders: the district or outlet of each piece of land, and of customers beyond it.

A piece of land belongs to the zone of most of its customers. A customer of another zone who lives
there is counted in the nearest piece of the own zone, so that no cell ever mixes two zones.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scipy.spatial import cKDTree

from domain.hexagons import positions

NO_ZONE = ""


class Group(NamedTuple):
    """Customers who share a fine H3 cell and a zone (NO_ZONE: bound to none), and their piece."""

    piece: int
    zone: str
    customers: int


def zones_of(
    groups: Sequence[Group],
    neighbours: Sequence[Mapping[int, int]],
    fixed: Mapping[int, str],
) -> list[str]:
    """Zone of every piece: as `fixed`, else of most customers, else of the nearest with customers.

    >>> groups = [Group(0, "A", 3), Group(0, "B", 1), Group(2, "B", 1)]
    >>> zones_of(groups, [{1: 1}, {0: 1, 2: 1}, {1: 1}], {})
    ['A', 'A', 'B']
    """
    counts: dict[int, dict[str, int]] = {}
    for piece, zone, customers in groups:
        if zone != NO_ZONE:
            here = counts.setdefault(piece, {})
            here[zone] = here.get(zone, 0) + customers
    zones = {piece: max(sorted(here), key=here.__getitem__) for piece, here in counts.items()}
    zones |= fixed
    queue = deque(sorted(zones))
    while queue:
        piece = queue.popleft()
        for near in neighbours[piece]:
            if near not in zones:
                zones[near] = zones[piece]
                queue.append(near)
    return [zones.get(piece, NO_ZONE) for piece in range(len(neighbours))]


def homes(groups: Sequence[Group], zones: Sequence[str], pieces: Sequence[int]) -> list[int | None]:
    """The piece in which each group is counted: its own, the nearest of its zone, or none."""
    found: list[int | None] = []
    own: dict[str, set[int]] = {}
    strays: dict[str, list[int]] = {}
    for at, (piece, zone, _) in enumerate(groups):
        at_home = zone in (NO_ZONE, zones[piece])
        found.append(piece if at_home else None)
        if at_home:
            own.setdefault(zone, set()).add(piece)
        else:
            strays.setdefault(zone, []).append(at)
    for zone in sorted(strays.keys() & own.keys()):
        there, away = sorted(own[zone]), strays[zone]
        tree = cKDTree(positions([pieces[piece] for piece in there]))
        _, nearest = tree.query(positions([pieces[groups[at].piece] for at in away]))
        for at, place in zip(away, nearest.tolist(), strict=True):
            found[at] = there[place]
    return found


def inside_zones(
    neighbours: Sequence[Mapping[int, int]], zones: Sequence[str]
) -> list[dict[int, int]]:
    """The neighbours on the same side of the border."""
    return [
        {near: length for near, length in row.items() if zones[near] == zone}
        for row, zone in zip(neighbours, zones, strict=True)
    ]
