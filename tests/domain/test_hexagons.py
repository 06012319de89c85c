"""Pieces of land: they tile it, and a coarse one is a true neighbour of the fine ones beside it."""

import h3
import h3.api.basic_int as h3i
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from domain.hexagons import fine_cells, index, neighbours, pieces_of_land

FINE, COARSE = 8, 7
CENTRE = h3i.latlng_to_cell(30.6, 121.0, FINE)
NEAR = sorted(h3i.grid_disk(CENTRE, 12))


def shape(piece):
    """The land of a piece, drawn by h3's other interface."""
    children = h3.cell_to_children(h3.int_to_str(piece), FINE)
    rings = [[(lng, lat) for lat, lng in h3.cell_to_boundary(child)] for child in children]
    return shapely.union_all([Polygon(ring).buffer(1e-7) for ring in rings])


@given(st.dictionaries(st.sampled_from(NEAR), st.integers(1, 90), min_size=1, max_size=30))
@settings(max_examples=20, deadline=None)
def test_pieces_tile_the_land_of_everyone(customers):
    pieces = pieces_of_land(customers, FINE, COARSE, town_customers=100)
    land = fine_cells(pieces, FINE)
    assert len(land) == len(set(land))
    assert customers.keys() <= set(land)


def test_town_is_cut_fine_and_the_country_stays_coarse():
    parent = h3i.cell_to_parent(CENTRE, COARSE)
    beside = h3i.cell_to_center_child(sorted(h3i.grid_ring(parent, 1))[0], FINE)
    pieces = pieces_of_land({CENTRE: 100, beside: 99}, FINE, COARSE, town_customers=100)
    assert set(h3i.cell_to_children(parent, FINE)) <= set(pieces)
    assert h3i.cell_to_parent(beside, COARSE) in pieces
    assert parent not in pieces


def test_neighbours_are_those_whose_land_shares_a_line():
    """Against the outlines, drawn and intersected by another library."""
    parent = h3i.cell_to_parent(CENTRE, COARSE)
    pieces = sorted([*h3i.cell_to_children(parent, FINE), *h3i.grid_ring(parent, 1)])
    found = neighbours(pieces, FINE)
    shapes = [shape(piece) for piece in pieces]
    edge = Polygon([(lng, lat) for lat, lng in h3.cell_to_boundary(h3.int_to_str(CENTRE))])
    for a, one in enumerate(shapes):
        for b, other in enumerate(shapes):
            if a != b:
                shared = one.intersection(other).area / 2e-7 / (edge.length / 6)
                assert found[a].get(b, 0) == pytest.approx(shared, abs=0.3)


def test_neighbours_are_mutual_over_two_resolutions():
    pieces = pieces_of_land({CENTRE: 500}, FINE, 6, town_customers=100)
    found = neighbours(pieces, FINE)
    assert all(found[b][a] == length for a, row in enumerate(found) for b, length in row.items())


def test_an_island_is_joined_by_a_corridor_of_neighbours():
    far = h3i.latlng_to_cell(32.0, 121.0, FINE)
    pieces = pieces_of_land({CENTRE: 5, far: 5}, FINE, COARSE, town_customers=100)
    near = neighbours(pieces, FINE)
    seen, queue = {0}, [0]
    while queue:
        fresh = near[queue.pop()].keys() - seen
        seen |= fresh
        queue += fresh
    assert len(seen) == len(pieces)


def test_fixed_pieces_stay_as_they_were_and_get_no_fields():
    parent = h3i.cell_to_parent(CENTRE, COARSE)
    pieces = pieces_of_land({CENTRE: 500}, FINE, COARSE, 100, fixed=[parent])
    assert pieces == [parent]


def test_points_are_indexed_like_h3_does():
    assert index([30.6], [121.0], 8) == [h3.str_to_int(h3.latlng_to_cell(30.6, 121.0, 8))]
