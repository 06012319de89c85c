"""The land as H3 cells of two resolutions: fine ones in town, coarse ones elsewhere.

A coarse cell is town when `town_customers` live in it; it is then cut into its children. It is cut
too where a hard border runs through it or where an earlier grid had cut it. H3 cells contain their
children only approximately, so a coarse cell stands here for exactly the land of its children:
the pieces tile the land, and a coarse cell is a neighbour of a fine one when one of its children
is. Empty coarse cells around the populated ones are land too, so that villages with fields
between them touch; islands beyond are joined by a corridor.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

import h3.api.basic_int as h3
import numpy as np
from scipy.spatial import cKDTree

from domain.sphere import Floats, unit_vectors

REACH_RINGS = 5  # how far into empty land a coarse cell reaches (about 12 km at resolution 7)


def index(latitude: Iterable[float], longitude: Iterable[float], resolution: int) -> list[int]:
    """The H3 cell of every point.

    >>> [h3.int_to_str(cell) for cell in index([30.6], [121.0], 7)]
    ['87309bca3ffffff']
    """
    pairs = zip(latitude, longitude, strict=True)
    return [h3.latlng_to_cell(lat, lng, resolution) for lat, lng in pairs]


def pieces_of_land(
    customers: Mapping[int, int],
    resolution: int,
    coarse: int,
    town_customers: float,
    cut: Collection[int] = (),
    fixed: Collection[int] = (),
) -> list[int]:
    """The H3 cells that tile the land of `customers` (fine cell -> count), sorted.

    `cut`: coarse cells that are cut into children whatever their customers. `fixed`: pieces of
    either resolution that stay as they are; fields are added around the others only.
    """
    whole = {cell for cell in fixed if h3.get_resolution(cell) == coarse < resolution}
    parents: Counter[int] = Counter()
    for cell, count in customers.items():
        parents[h3.cell_to_parent(cell, coarse)] += count
    town = {cell for cell, count in parents.items() if count >= town_customers} | set(cut)
    town |= {h3.cell_to_parent(cell, coarse) for cell in fixed if cell not in whole}
    town -= whole
    taken = whole | {h3.cell_to_parent(cell, coarse) for cell in fixed}
    land = _with_fields(set(parents) | town, taken)
    land |= _corridors(land | taken) - taken
    pieces = set(whole)
    for cell in land | taken:
        pieces.update(h3.cell_to_children(cell, resolution) if cell in town else [cell])
    return sorted(pieces)


def neighbours(pieces: Sequence[int], resolution: int) -> list[dict[int, int]]:
    """Neighbours of each piece, by position, with the shared border in edges of fine cells."""
    at = {cell: place for place, cell in enumerate(pieces)}
    resolutions = sorted({h3.get_resolution(cell) for cell in pieces})
    found: list[dict[int, int]] = [{} for _ in pieces]
    for place, cell in enumerate(pieces):
        mine = h3.get_resolution(cell)
        for near in h3.grid_ring(cell, 1):
            other = _piece_at(near, at, resolutions, mine)
            if other is None or other == place:
                continue
            length = 3 ** (resolution - mine)
            found[place][other] = found[place].get(other, 0) + length
            if h3.get_resolution(pieces[other]) < mine:
                found[other][place] = found[other].get(place, 0) + length
    return found


def fine_cells(pieces: Iterable[int], resolution: int) -> list[int]:
    """The fine cells that the pieces stand for."""
    return [cell for piece in pieces for cell in h3.cell_to_children(piece, resolution)]


def positions(cells: Sequence[int]) -> Floats:
    """Centres of cells as unit vectors."""
    degrees = np.array([h3.cell_to_latlng(cell) for cell in cells]).reshape(-1, 2)
    return unit_vectors(degrees[:, 0], degrees[:, 1])


def _piece_at(
    cell: int, at: Mapping[int, int], resolutions: Sequence[int], finest: int
) -> int | None:
    """Position of the piece that holds `cell`; pieces finer than it are not looked for."""
    for resolution in reversed(resolutions):
        if resolution <= finest:
            place = at.get(h3.cell_to_parent(cell, resolution))
            if place is not None:
                return place
    return None


def _with_fields(populated: set[int], taken: set[int]) -> set[int]:
    land, queue = set(populated), deque((cell, 0) for cell in populated - taken)
    while queue:
        cell, ring = queue.popleft()
        if ring < REACH_RINGS:
            for near in h3.grid_ring(cell, 1):
                if near not in land and near not in taken:
                    land.add(near)
                    queue.append((near, ring + 1))
    return land


def _corridors(land: set[int]) -> set[int]:
    """Empty cells that join every island to the nearest other land."""
    islands = sorted(_islands(land), key=lambda cells: (len(cells), cells[0]))
    found: set[int] = set()
    while len(islands) > 1:
        island = islands.pop(0)
        rest = [cell for other in islands for cell in other]
        distance, nearest = cKDTree(positions(rest)).query(positions(island))
        start = int(np.argmin(distance))
        target = rest[int(nearest[start])]
        path = _path(island[start], target)
        found.update(path)
        home = next(at for at, other in enumerate(islands) if target in set(other))
        islands[home] = sorted({*islands[home], *island, *path})
    return found


def _islands(land: set[int]) -> list[list[int]]:
    found, left = [], set(land)
    while left:
        seen = {min(left)}
        queue = list(seen)
        while queue:
            fresh = (set(h3.grid_ring(queue.pop(), 1)) & left) - seen
            seen |= fresh
            queue += sorted(fresh)
        left -= seen
        found.append(sorted(seen))
    return found


def _path(start: int, end: int) -> list[int]:
    """Cells from start to end, each a neighbour of the one before, along the great circle."""
    ends = positions([start, end])
    resolution = h3.get_resolution(start)
    step = np.radians(h3.average_hexagon_edge_length(resolution, unit="km") / 111.2) / 8
    share = np.linspace(0, 1, 2 + int(np.linalg.norm(ends[1] - ends[0]) / step))[:, None]
    line = ends[0] * (1 - share) + ends[1] * share
    latitude = np.degrees(np.arctan2(line[:, 2], np.hypot(line[:, 0], line[:, 1])))
    longitude = np.degrees(np.arctan2(line[:, 1], line[:, 0]))
    cells = [start, *index(latitude, longitude, resolution), end]
    return [cell for before, cell in pairwise([0, *cells]) if cell != before]
