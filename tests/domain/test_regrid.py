"""A grid with memory: a cell changes only when its customers leave the band around the floor."""

import h3
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.grid import GridSettings, partition
from tests.domain.bank import DAY, bank
from tests.domain.test_grid_cells import in_one_piece, merged


def by_id(grid):
    return {cell.cell_id: cell for cell in merged(grid)}


def counted(cell, people):
    """Customers in the land of a cell, found with h3's other interface."""
    fine = {child for member in cell.members for child in h3.cell_to_children(member, 8)}
    where = zip(people.latitude, people.longitude, strict=True)
    return sum(h3.latlng_to_cell(lat, lng, 8) in fine for lat, lng in where)


def test_the_same_customers_keep_every_cell():
    first = partition(bank(), valid_from=DAY)
    again = partition(bank(), valid_from=DAY, previous=first)
    assert again.cells == first.cells
    assert f"{len(merged(first))} of {len(merged(first))} cells" in again.notes[-1]


@given(st.integers(0, 99), st.floats(0.4, 1.0), st.sampled_from(["none", "district"]))
@settings(max_examples=8, deadline=None)
def test_a_cell_keeps_its_land_and_id_while_it_stays_in_the_band(seed, share, borders):
    setting = GridSettings(floor=100, band=(0.8, 2.5), borders=borders)
    first = partition(bank(2000, seed), setting, valid_from=DAY)
    moved = bank(2000, seed + 1).sample(frac=share, random_state=seed)
    second = partition(moved, setting, valid_from=DAY, previous=first)
    assert all(in_one_piece(cell) for cell in merged(second))
    old, new = by_id(first), by_id(second)
    if borders == "none":
        stayed = [cell for cell in old.values() if 80 <= counted(cell, moved) <= 250]
        assert all(set(cell.members) <= set(new[cell.cell_id].members) for cell in stayed)
    for name in old.keys() & new.keys():
        assert set(old[name].members) <= set(new[name].members)


def test_a_cell_that_shrank_out_of_the_band_joins_others():
    first = partition(bank(), valid_from=DAY)
    gone = merged(first)[0]
    own = first.assignment.customer_id[first.assignment.cell_id == gone.cell_id]
    left = bank()[~bank().customer_id.isin(own.iloc[30:])]
    second = partition(left, valid_from=DAY, previous=first)
    assert gone.cell_id not in by_id(second)
    assert len(by_id(first).keys() & by_id(second).keys()) == len(by_id(first)) - 1


def test_a_cell_that_grew_out_of_the_band_is_cut_and_the_others_stay():
    setting = GridSettings(floor=100)
    people = bank(2000)
    first = partition(people, setting, valid_from=DAY)
    grown = next(cell for cell in merged(first) if cell.area_km2 > 10)
    inside = people[first.assignment.cell_id.eq(grown.cell_id)]
    more = [people, *(inside.assign(customer_id=f"{n}-" + inside.customer_id) for n in range(3))]
    second = partition(pd.concat(more), setting, valid_from=DAY, previous=first)
    assert by_id(second).keys() >= by_id(first).keys() - {grown.cell_id}
    assert grown.cell_id not in by_id(second)
    assert len(by_id(second)) > len(by_id(first))


def test_a_cell_under_the_floor_but_in_the_band_stays_and_says_so():
    first = partition(bank(), valid_from=DAY)
    cell = min(merged(first), key=lambda one: one.customers)
    inside = first.assignment.customer_id[first.assignment.cell_id == cell.cell_id]
    left = bank()[~bank().customer_id.isin(inside.iloc[: cell.customers - 260])]
    second = by_id(partition(left, valid_from=DAY, previous=first))[cell.cell_id]
    assert second.customers == 260
    assert "under the floor" in second.note


@pytest.mark.parametrize("change", [{"resolution": 9}, {"borders": "outlet"}])
def test_a_version_of_another_rule_keeps_nothing_and_says_so(change):
    first = partition(bank(), valid_from=DAY)
    second = partition(bank(), GridSettings(**change), valid_from=DAY, previous=first)
    assert "nothing of the version before could be kept" in second.notes[-1]


def test_new_land_is_added_without_touching_the_old():
    first = partition(bank(), valid_from=DAY)
    west = bank().assign(longitude=bank().longitude - 1.0, customer_id="w-" + bank().customer_id)
    second = partition(pd.concat([bank(), west]), valid_from=DAY, previous=first)
    old, new = by_id(first), by_id(second)
    assert all(new[name].members == cell.members for name, cell in old.items())
    assert len(new) > len(old)
