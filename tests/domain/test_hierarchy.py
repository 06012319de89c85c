"""Cell, area, outlet, bank: every number of a parent is the sum of its children's."""

from itertools import pairwise

import h3
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cells import Cell
from domain.grid_settings import GridSettings
from domain.hierarchy import Unit, chain, parents, roll_up, with_areas

names = st.sampled_from(["bank", "outlet-1", "outlet-2", "district-A"])
cells = st.lists(
    st.tuples(names, st.sampled_from(["", "area-1", "area-2"]), st.integers(0, 99)), min_size=1
).map(
    lambda rows: [
        # an area lies within one parent
        Cell(f"h3-{at}", "h3", parent, size, area=area and f"{area}-{parent}")
        for at, (parent, area, size) in enumerate(rows)
    ]
)


@given(cells)
def test_every_parent_is_the_sum_of_its_children(rows):
    totals = roll_up(rows, {cell.cell_id: cell.customers for cell in rows})
    of = parents(rows)
    for unit, total in totals.items():
        children = [child for child, parent in of.items() if parent == unit]
        if children:
            assert total == sum(totals[child] for child in children)
    assert totals[Unit("bank", "bank")] == sum(cell.customers for cell in rows)


@given(cells)
def test_every_unit_but_the_bank_has_one_parent_and_leads_to_it(rows):
    of = parents(rows)
    for cell in rows:
        units = chain(cell)
        assert units[-1] == Unit("bank", "bank")
        assert all(of[one] == next_ for one, next_ in pairwise(units))


RING = sorted(h3.grid_disk(h3.latlng_to_cell(30.6, 121.0, 8), 3))
AT = {cell: {n: 1 for n in h3.grid_ring(cell, 1) if n in set(RING)} for cell in RING}


@given(
    st.lists(st.sampled_from(["outlet-1", "outlet-2"]), min_size=len(RING), max_size=len(RING)),
    st.integers(1, 9),
)
@settings(max_examples=40)
def test_an_area_is_made_of_adjacent_cells_of_one_parent(outlets, least):
    rows = [Cell(cell, "h3", outlet, 300) for cell, outlet in zip(RING, outlets, strict=True)]
    found = with_areas(rows, AT, {}, GridSettings(area_cells=least))
    for area in {cell.area for cell in found}:
        own = {cell.cell_id: cell for cell in found if cell.area == area}
        assert len({cell.parent for cell in own.values()}) == 1
        seen, queue = set(), [min(own)]
        while queue:
            cell = queue.pop()
            seen.add(cell)
            queue += [near for near in AT[cell] if near in own and near not in seen]
        assert seen == own.keys()
        alone = all(
            near in own or outlets[RING.index(near)] != own[cell].parent
            for cell in own
            for near in AT[cell]
        )
        assert len(own) >= least or alone


def test_districts_can_be_the_areas_of_an_outlet():
    rows = [Cell("h3-1", "h3", "outlet-1", 300), Cell("h3-2", "h3", "outlet-2", 300)]
    found = with_areas(rows, {}, {"h3-1": "A", "h3-2": "A"}, GridSettings(areas="district"))
    assert [cell.area for cell in found] == ["area-outlet-1-A", "area-outlet-2-A"]


def test_cells_off_the_map_are_an_area_of_their_kind():
    rows = [Cell("unlocated-1", "unlocated", "outlet-1", 3)]
    assert with_areas(rows, {}, {}, GridSettings())[0].area == "area-outlet-1-unlocated"
