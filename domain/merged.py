"""Cells of merged H3 pieces: from fine H3 cells of customers to named, bordered cells."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from domain.borders import NO_ZONE, Group, homes, inside_zones, zones_of
from domain.cells import Grid
from domain.grid_settings import GridSettings
from domain.hexagons import neighbours, pieces_of_land
from domain.land import Land
from domain.territory import merge_to_floor

Adjacency = dict[str, dict[str, int]]  # cell -> neighbour -> shared border, across borders too


class Before(NamedTuple):
    """A cell of the version before: its H3 members and the border it is in."""

    members: tuple[str, ...]
    border: str


class Merged(NamedTuple):
    """Cell of each group of customers (None: no cell of its zone), and what the cells are."""

    cells: tuple[str | None, ...]
    strays: tuple[bool, ...]  # counted in another piece than where they live
    members: Mapping[str, tuple[str, ...]]
    borders: Mapping[str, str]
    neighbours: Adjacency
    kept: frozenset[str]


def merged_cells(
    fine: Sequence[int],
    zones: Sequence[str],
    customers: Sequence[int],
    settings: GridSettings,
    before: Mapping[str, Before] | None = None,
) -> Merged:
    """Cells for groups of customers who share a fine H3 cell and a zone.

    `before` are the cells of an earlier version: one whose customers are still within
    `settings.band` of the floor keeps its land and its id.
    """
    before = before or {}
    kept = _kept(fine, zones, customers, settings, before)
    fixed = {h3.str_to_int(m): name for name in kept for m in before[name].members}
    pieces = _pieces(fine, zones, customers, settings, fixed)
    at = {cell: place for place, cell in enumerate(pieces)}
    groups = [
        Group(_at(cell, at, settings.country), zone, count)
        for cell, zone, count in zip(fine, zones, customers, strict=True)
    ]
    near = neighbours(pieces, settings.resolution)
    zone_of = zones_of(
        groups, near, {at[cell]: before[name].border for cell, name in fixed.items()}
    )
    home = homes(groups, zone_of, pieces)
    land = Land(_counted(groups, home, len(pieces)), inside_zones(near, zone_of))
    territory = merge_to_floor(land, settings.floor, _together(fixed, at))
    names = _named(pieces, territory, land.customers, before, fixed)
    return Merged(
        tuple(None if place is None else names[territory[place]] for place in home),
        tuple(place != group.piece for place, group in zip(home, groups, strict=True)),
        _members(pieces, territory, names),
        {names[t]: zone_of[place] for place, t in enumerate(territory)},
        _cell_neighbours(near, territory, names),
        frozenset(kept),
    )


def cells_before(previous: Grid | None, settings: GridSettings) -> dict[str, Before]:
    """The merged cells of a version that was cut by the same rule; none of another rule's."""
    if previous is None or _rule(previous.settings) != _rule(settings):
        return {}
    return {
        cell.cell_id: Before(cell.members, cell.border) for cell in previous.cells if cell.members
    }


def _rule(settings: GridSettings) -> tuple[int, int, str]:
    return settings.resolution, settings.country, settings.borders


def home_of(members: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """H3 member (of either resolution) -> its cell."""
    return {h3.str_to_int(member): name for name, cells in members.items() for member in cells}


def _at(fine: int, at: Mapping[int, int], coarse: int) -> int:
    place = at.get(fine)
    return at[h3.cell_to_parent(fine, coarse)] if place is None else place


def _kept(
    fine: Sequence[int],
    zones: Sequence[str],
    customers: Sequence[int],
    settings: GridSettings,
    before: Mapping[str, Before],
) -> list[str]:
    """Cells of the version before that are still within the band around the floor."""
    home = home_of({name: cell.members for name, cell in before.items()})
    count = dict.fromkeys(before, 0)
    for cell, zone, number in zip(fine, zones, customers, strict=True):
        name = home.get(cell) or home.get(h3.cell_to_parent(cell, settings.country))
        if name is not None and zone in (NO_ZONE, before[name].border):
            count[name] += number
    low, high = (share * settings.floor for share in settings.band)
    return sorted(name for name, number in count.items() if low <= number <= high)


def _pieces(
    fine: Sequence[int],
    zones: Sequence[str],
    customers: Sequence[int],
    settings: GridSettings,
    fixed: Mapping[int, str],
) -> list[int]:
    coarse = settings.country
    count: dict[int, int] = {}
    zone_there: dict[int, str] = {}
    cut = set()
    for cell, zone, number in zip(fine, zones, customers, strict=True):
        count[cell] = count.get(cell, 0) + number
        parent = h3.cell_to_parent(cell, coarse)
        if zone != NO_ZONE and zone_there.setdefault(parent, zone) != zone:
            cut.add(parent)
    town = (
        settings.floor
        if settings.town_density is None
        else (settings.town_density * h3.average_hexagon_area(coarse, unit="km^2"))
    )
    return pieces_of_land(count, settings.resolution, coarse, town, cut, fixed.keys())


def _counted(groups: Sequence[Group], home: Sequence[int | None], pieces: int) -> list[int]:
    total: npt.NDArray[np.int64] = np.zeros(pieces, dtype=np.int64)
    for place, group in zip(home, groups, strict=True):
        if place is not None:
            total[place] += group.customers
    return [int(number) for number in total]


def _together(fixed: Mapping[int, str], at: Mapping[int, int]) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for cell, name in fixed.items():
        groups.setdefault(name, []).append(at[cell])
    return list(groups.values())


def _named(
    pieces: Sequence[int],
    territory: Sequence[int],
    customers: Sequence[int],
    before: Mapping[str, Before],
    fixed: Mapping[int, str],
) -> dict[int, str]:
    """Territory -> id: the kept or unchanged cell's own, else the first member's that is free."""
    members: dict[int, list[int]] = {}
    for place, number in enumerate(territory):
        members.setdefault(number, []).append(place)
    unchanged = {frozenset(cell.members): name for name, cell in before.items()}
    names = {}
    for number, places in members.items():
        old = {fixed[pieces[place]] for place in places if pieces[place] in fixed}
        same = unchanged.get(frozenset(h3.int_to_str(pieces[place]) for place in places))
        populated_first = sorted(places, key=lambda place: (not customers[place], place))
        own = [f"h3-{h3.int_to_str(pieces[place])}" for place in populated_first]
        free = itertools.chain(own, (f"{own[0]}-{at}" for at in itertools.count(2)))
        names[number] = min(old, default=None) or same or next(n for n in free if n not in before)
    return names


def _members(
    pieces: Sequence[int], territory: Sequence[int], names: Mapping[int, str]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for cell, number in zip(pieces, territory, strict=True):
        found.setdefault(names[number], []).append(h3.int_to_str(cell))
    return {name: tuple(sorted(cells)) for name, cells in sorted(found.items())}


def _cell_neighbours(
    near: Sequence[Mapping[int, int]], territory: Sequence[int], names: Mapping[int, str]
) -> Adjacency:
    found: Adjacency = {names[number]: {} for number in sorted(set(territory))}
    for place, row in enumerate(near):
        mine = names[territory[place]]
        for other, length in row.items():
            name = names[territory[other]]
            if name != mine:
                found[mine][name] = found[mine].get(name, 0) + length
    return found
