"""Merged territories: floor, contiguity, nobody lost, no dependence on order."""

import h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from domain.territory import merge_to_floor

CENTRE = h3.latlng_to_cell(30.6, 121.0, 8)
NEAR = sorted(h3.grid_disk(CENTRE, 9))
counts = st.dictionaries(st.sampled_from(NEAR), st.integers(1, 90), min_size=1, max_size=40)


@given(counts, st.integers(1, 200))
@settings(max_examples=60, deadline=None)
def test_every_territory_reaches_the_floor_unless_all_together_do_not(customers, floor):
    territories = merge_to_floor(customers, floor)
    sizes = [sum(customers.get(cell, 0) for cell in territory) for territory in territories]
    assert sum(sizes) == sum(customers.values())
    assert min(sizes) >= floor or len(sizes) == 1


@given(counts, st.integers(1, 200))
@settings(max_examples=60, deadline=None)
def test_every_territory_is_one_piece_and_none_overlap(customers, floor):
    territories = merge_to_floor(customers, floor)
    every = [cell for territory in territories for cell in territory]
    assert len(every) == len(set(every))
    for territory in territories:
        at = {cell: row for row, cell in enumerate(sorted(territory))}
        edges = [(at[c], at[n]) for c in at for n in h3.grid_ring(c, 1) if n in at]
        rows, columns = zip(*edges, strict=True)
        graph = csr_array((np.ones(len(edges)), (rows, columns)), shape=(len(at), len(at)))
        assert connected_components(graph)[0] == 1


@given(counts, st.randoms())
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_cells_changes_nothing(customers, random):
    shuffled = list(customers.items())
    random.shuffle(shuffled)
    assert merge_to_floor(dict(shuffled), 50) == merge_to_floor(customers, 50)


def test_an_island_joins_the_nearest_territory():
    far, nearer = h3.latlng_to_cell(35.0, 121.0, 8), h3.latlng_to_cell(32.0, 121.0, 8)
    territories = merge_to_floor({CENTRE: 100, nearer: 100, far: 5}, floor=50)
    assert any({nearer, far} <= territory for territory in territories)


@pytest.mark.parametrize("floor", [1, 50, 10_000])
def test_a_lone_cell_is_a_territory_whatever_the_floor(floor):
    territories = merge_to_floor({CENTRE: 7}, floor)
    assert len(territories) == 1
    assert CENTRE in territories[0]


def test_territories_are_balanced_where_customers_are_even():
    customers = dict.fromkeys(NEAR, 20)
    sizes = [sum(customers.get(c, 0) for c in t) for t in merge_to_floor(customers, 300)]
    assert np.max(sizes) <= 2 * 300 + 20
