"""Merged cells of a bank: in one piece on the map, at the floor, inside the borders."""

import h3
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, shape

from domain.grid import GridSettings, assign, grid_figures, partition
from domain.hierarchy import roll_up
from tests.domain.bank import DAY, bank

BORDERS = ["none", "district", "outlet"]


def land(cell, resolution=8):
    """The land of a cell, drawn hexagon by hexagon from its members."""
    members = [h3.cell_to_children(m, resolution) for m in cell.members]
    rings = [[(lng, lat) for lat, lng in h3.cell_to_boundary(h)] for row in members for h in row]
    return shapely.union_all([Polygon(ring).buffer(1e-7) for ring in rings])


def in_one_piece(cell, resolution=8):
    """Whether every hexagon of a cell is reached from the first."""
    left = {h for m in cell.members for h in h3.cell_to_children(m, resolution)}
    queue = [left.pop()]
    while queue:
        near = left.intersection(h3.grid_ring(queue.pop(), 1))
        left -= near
        queue += near
    return not left


def merged(grid):
    return [cell for cell in grid.cells if cell.kind == "h3"]


@pytest.mark.parametrize("borders", BORDERS)
def test_every_cell_is_one_piece_and_no_two_overlap(borders):
    grid = partition(bank(), GridSettings(borders=borders), valid_from=DAY)
    lands = [land(cell) for cell in merged(grid)]
    assert len(lands) > 5
    assert {one.geom_type for one in lands} == {"Polygon"}
    whole = shapely.union_all(lands).area
    assert sum(one.area for one in lands) == pytest.approx(whole, rel=1e-3)


@given(st.integers(0, 999), st.sampled_from([50, 300, 900]), st.sampled_from([None, 6, 8]))
@settings(max_examples=10, deadline=None)
def test_no_cell_is_under_the_floor_where_no_border_forbids_it(seed, floor, rural):
    setting = GridSettings(floor=floor, rural_resolution=rural)
    grid = partition(bank(1500, seed), setting, valid_from=DAY)
    assert min(cell.customers for cell in merged(grid)) >= floor
    assert all(in_one_piece(cell) for cell in merged(grid))


@pytest.mark.parametrize("borders", ["district", "outlet"])
def test_no_cell_mixes_two_sides_of_a_hard_border(borders):
    column = {"district": "district", "outlet": "outlet_id"}[borders]
    people = bank()
    grid = partition(people, GridSettings(borders=borders), valid_from=DAY)
    rows = grid.assignment.merge(people[["customer_id", column]])
    assert rows.groupby("cell_id")[column].nunique().max() == 1
    border = {cell.cell_id: cell.border for cell in grid.cells}
    assert (rows.cell_id.map(border) == rows[column]).all()


def test_customers_beyond_the_border_are_counted_in_their_own_zone_and_said():
    people = bank()
    people.loc[0, "district"] = "East" if people.district[0] == "West" else "West"
    grid = partition(people, GridSettings(borders="district"), valid_from=DAY)
    assert any("beyond the border of their district" in note for note in grid.notes)


def test_a_zone_too_small_for_the_floor_is_a_cell_that_says_why():
    people = bank(1000)
    people["district"] = people.district.where(people.kind == "person", "Tiny")
    grid = partition(people, GridSettings(borders="district", floor=200), valid_from=DAY)
    small = [cell for cell in merged(grid) if cell.customers < 200]
    assert [cell.border for cell in small] == ["Tiny"]
    assert "no neighbour within the district Tiny" in small[0].note
    assert any("borders forbid" in note for note in grid.notes)


def test_a_zone_without_land_of_its_own_goes_down_the_ladder():
    people = bank(1000)
    people.loc[5, "district"] = "Nowhere"
    grid = partition(people, GridSettings(borders="district"), valid_from=DAY)
    assert grid.assignment.cell_id[5] == "district-Nowhere"
    assert any("no land of its own (first: C00005)" in note for note in grid.notes)


def test_town_is_fine_and_country_coarse():
    grid = partition(bank(), valid_from=DAY)
    kinds = {h3.get_resolution(member) for cell in grid.cells for member in cell.members}
    assert kinds == {7, 8}
    coarse = partition(bank(), GridSettings(town_density=1e6), valid_from=DAY)
    assert {h3.get_resolution(m) for cell in coarse.cells for m in cell.members} == {7}


def test_outlines_and_figures_are_those_of_the_land():
    """Against shapely's outline of the hexagons and its perimeter on a plane."""
    grid = partition(bank(), valid_from=DAY)
    for cell in merged(grid):
        assert shape(cell.geometry).symmetric_difference(land(cell)).area < 1e-5
        assert cell.area_km2 == pytest.approx(
            sum(h3.cell_area(c) for m in cell.members for c in h3.cell_to_children(m, 8)), rel=0.01
        )
        assert 0 < cell.compactness < 0.91
    found = grid_figures(grid)
    sizes = [cell.customers for cell in merged(grid)]
    assert found.balance == max(sizes) / min(sizes)
    assert found.boundary_km == pytest.approx(sum(c.perimeter_km for c in merged(grid)))


@pytest.mark.parametrize("borders", BORDERS)
def test_every_parent_of_the_bank_is_the_sum_of_its_children(borders):
    people = bank()
    people.loc[::7, ["latitude", "longitude"]] = None
    people.loc[::21, "district"] = None
    grid = partition(people, GridSettings(borders=borders), valid_from=DAY)
    totals = roll_up(grid.cells, {cell.cell_id: cell.customers for cell in grid.cells})
    for level in ("cell", "area", "bank"):
        assert sum(n for unit, n in totals.items() if unit.level == level) == len(people)
    outlets = {unit.name: n for unit, n in totals.items() if unit.level == "outlet"}
    assert outlets == grid.assignment.parent.value_counts().drop("bank", errors="ignore").to_dict()


@pytest.mark.parametrize("borders", BORDERS)
def test_the_order_of_customers_changes_nothing_in_a_bank(borders):
    setting = GridSettings(borders=borders)
    mixed = bank().sample(frac=1, random_state=3)
    one, other = (partition(p, setting, valid_from=DAY) for p in (bank(), mixed))
    assert one.version == other.version
    assert one.cells == other.cells


def test_newcomers_are_placed_like_those_who_were_there():
    people = bank()
    grid = partition(people, valid_from=DAY)
    twins = assign(grid, people.assign(customer_id="new-" + people.customer_id))
    pd.testing.assert_series_equal(twins.cell_id, grid.assignment.cell_id)


def test_newcomers_stay_on_their_side_of_a_hard_border():
    people = bank()
    grid = partition(people, GridSettings(borders="district"), valid_from=DAY)
    people.loc[0, "district"] = "East" if people.district[0] == "West" else "West"  # far from home
    twins = assign(grid, people.assign(customer_id="new-" + people.customer_id))
    border = {cell.cell_id: cell.border for cell in grid.cells}
    assert twins.cell_id.map(border).tolist() == people.district.tolist()
