"""Merged territories: floor, one piece each, even and round, no dependence on chance."""

import h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from domain.land import Land
from domain.territory import merge_to_floor

DISK = sorted(h3.grid_disk(h3.latlng_to_cell(30.6, 121.0, 8), 5))
sizes = st.lists(st.integers(0, 90), min_size=len(DISK), max_size=len(DISK))


def disk(customers):
    at = {cell: place for place, cell in enumerate(DISK)}
    near = [{at[n]: 1 for n in h3.grid_ring(cell, 1) if n in at} for cell in DISK]
    return Land(list(customers), near)


def parts_of(land, territory):
    """Connected components of the land when neighbours of different territories are cut."""
    size = len(territory)
    same = [(a, b) for a in range(size) for b in land.neighbours[a] if territory[a] == territory[b]]
    rows, columns = np.array(same).reshape(-1, 2).T
    graph = csr_array((np.ones(len(same)), (rows, columns)), shape=(size, size))
    return connected_components(graph)[0]


def totals(land, territory):
    found = {}
    for count, number in zip(land.customers, territory, strict=True):
        found[number] = found.get(number, 0) + count
    return found


@given(sizes, st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_every_territory_is_one_piece_and_reaches_the_floor(customers, floor):
    land = disk(customers)
    territory = merge_to_floor(land, floor)
    assert parts_of(land, territory) == len(set(territory))
    found = totals(land, territory).values()
    assert sum(found) == sum(customers)
    assert min(found) >= floor or len(found) == 1 or not any(customers)


@given(sizes, st.integers(20, 400), st.data())
@settings(max_examples=40, deadline=None)
def test_kept_groups_lose_nothing_and_everything_stays_in_one_piece(customers, floor, data):
    land = disk(customers)
    before = merge_to_floor(land, floor)
    numbers = sorted(set(before))
    chosen = data.draw(st.sets(st.sampled_from(numbers)))
    kept = [[place for place, t in enumerate(before) if t == number] for number in sorted(chosen)]
    after = merge_to_floor(land, floor, kept)
    assert parts_of(land, after) == len(set(after))
    for group in kept:
        assert {after[place] for place in group} == {min(group)}


@given(sizes, st.integers(1, 400))
@settings(max_examples=20, deadline=None)
def test_the_same_land_gives_the_same_territories(customers, floor):
    assert merge_to_floor(disk(customers), floor) == merge_to_floor(disk(customers), floor)


@given(st.lists(st.integers(1, 90), min_size=12, max_size=12), st.integers(1, 300))
@settings(deadline=None)
def test_pieces_without_a_way_to_each_other_never_share_a_territory(customers, floor):
    near = [{other: 1 for other in (at - 1, at + 1) if 0 <= other < 12} for at in range(12)]
    del near[5][6], near[6][5]
    territory = merge_to_floor(Land(customers, near), floor)
    assert not set(territory[:6]) & set(territory[6:])
    assert min(totals(Land(customers, near), territory).values()) >= min(
        floor, sum(customers[:6]), sum(customers[6:])
    )


@pytest.mark.parametrize("floor", [1, 50, 10_000])
def test_a_lone_piece_is_a_territory_whatever_the_floor(floor):
    assert merge_to_floor(Land([7], [{}]), floor) == [0]


def test_no_land_has_no_territories():
    assert merge_to_floor(Land([], []), 300) == []


def test_territories_are_even_where_customers_are():
    land = disk([20] * len(DISK))
    found = totals(land, merge_to_floor(land, 300)).values()
    assert max(found) / min(found) <= 1.5


def test_territories_are_round_where_customers_are_even():
    """Against the perimeter of a hexagon of hexagons, the roundest shape that there is."""
    land = disk([20] * len(DISK))
    territory = merge_to_floor(land, 300)
    for number in set(territory):
        own = [place for place, t in enumerate(territory) if t == number]
        edges = sum(6 - sum(territory[n] == number for n in land.neighbours[at]) for at in own)
        ring = (np.sqrt(12 * len(own) - 3) - 3) / 6  # of a full disk of as many hexagons
        assert edges <= 1.35 * (12 * ring + 6)


def test_a_large_territory_is_cut_where_both_sides_reach_the_floor():
    row = Land([100, 250, 250, 100], [{1: 1}, {0: 1, 2: 1}, {1: 1, 3: 1}, {2: 1}])
    territory = merge_to_floor(row, 300)
    assert sorted(totals(row, territory).values()) == [350, 350]


def test_a_kept_territory_takes_a_small_neighbour_only_when_no_other_is_left():
    row = Land([300, 40, 500], [{1: 1}, {0: 1, 2: 1}, {1: 1}])
    assert merge_to_floor(row, 300, kept=[[0]]) == [0, 2, 2]
    assert merge_to_floor(row, 300, kept=[[0], [2]])[1] in (0, 2)
