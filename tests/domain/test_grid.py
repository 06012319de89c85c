"""The grid: everyone is placed, by the right rung, and a version names its content."""

from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.grid import GridSettings, assign, partition

DAY = date(2026, 1, 1)

maybe = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))
coordinate = st.one_of(
    st.none(),
    st.just((0.0, 0.0)),
    st.tuples(st.floats(30.5, 30.7), st.floats(120.9, 121.1)),
)
person = st.tuples(coordinate, maybe, maybe)


def people_of(rows):
    return pd.DataFrame(
        {
            "customer_id": [f"c{at}" for at in range(len(rows))],
            "latitude": pd.Series([p[0] if p else None for p, _, _ in rows], dtype="float64"),
            "longitude": pd.Series([p[1] if p else None for p, _, _ in rows], dtype="float64"),
            "district": [district for _, district, _ in rows],
            "outlet_id": [outlet for _, _, outlet in rows],
        }
    )


@given(st.lists(person, min_size=1, max_size=60), st.sampled_from([1, 5, 30]))
@settings(max_examples=60, deadline=None)
def test_nobody_is_left_out_and_counts_agree(rows, floor):
    people = people_of(rows)
    grid = partition(people, GridSettings(floor=floor), valid_from=DAY)
    assert grid.assignment.customer_id.tolist() == sorted(people.customer_id)
    assert grid.assignment.notna().all(axis=None)
    sizes = grid.assignment.cell_id.value_counts().to_dict()
    assert {cell.cell_id: cell.customers for cell in grid.cells} == sizes


@given(st.lists(person, min_size=1, max_size=40), st.randoms())
@settings(max_examples=30, deadline=None)
def test_the_order_of_customers_changes_nothing(rows, random):
    people = people_of(rows)
    mixed = people.sample(frac=1, random_state=random.randint(0, 99))
    same = [partition(frame, valid_from=DAY) for frame in (people, mixed)]
    assert same[0].version == same[1].version
    pd.testing.assert_frame_equal(same[0].assignment, same[1].assignment)


@given(st.lists(person, min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_a_newcomer_like_a_known_customer_gets_the_same_cell(rows):
    people = people_of(rows)
    grid = partition(people, GridSettings(floor=3), valid_from=DAY)
    twins = assign(grid, people.assign(customer_id="new-" + people.customer_id))
    expected = grid.assignment.set_index("customer_id").cell_id.add_prefix("new-")
    assert twins.set_index("customer_id").cell_id.to_dict() == expected.to_dict()


def test_the_ladder_goes_coordinates_district_outlet_bank():
    rows = [((30.6, 121.0), "a", "x"), (None, "a", "x"), (None, None, "x"), (None, None, None)]
    grid = partition(people_of(rows), valid_from=DAY)
    assert grid.assignment.kind.tolist() == ["h3", "district", "unlocated", "unlocated"]
    assert grid.assignment.cell_id.tolist()[1:] == ["district-a", "unlocated-x", "unlocated-bank"]
    assert grid.assignment.parent.tolist() == ["outlet-x", "outlet-x", "outlet-x", "bank"]
    assert grid.assignment.confidence.tolist() == ["coordinates", "district", "none", "none"]


def test_a_customer_at_zero_zero_is_placed_without_it_and_said():
    grid = partition(
        people_of([((0.0, 0.0), "a", None), ((30.6, 121.0), "a", None)]), valid_from=DAY
    )
    assert grid.assignment.cell_id.iloc[0] == "district-a"
    assert any("0,0" in note and "c0" in note for note in grid.notes)


def test_without_coordinates_districts_are_cells_and_it_is_said():
    grid = partition(people_of([(None, "a", "x"), (None, "b", "x")]), valid_from=DAY)
    assert [cell.kind for cell in grid.cells] == ["district", "district"]
    assert any("no customer has coordinates" in note for note in grid.notes)


def test_home_outlets_are_cells_when_asked():
    people = people_of([((30.6, 121.0), "a", "x"), (None, None, None)])
    grid = partition(people, GridSettings(basis="outlet"), valid_from=DAY)
    assert grid.assignment.cell_id.tolist() == ["outlet-x", "unlocated-bank"]


def test_a_basis_that_nobody_has_is_refused():
    with pytest.raises(BadInput, match="no customer has latitude and longitude"):
        partition(people_of([(None, "a", None)]), GridSettings(basis="h3"), valid_from=DAY)


def test_no_customers_is_refused():
    with pytest.raises(BadInput, match="no customers"):
        partition(people_of([]), valid_from=DAY)


def test_the_version_names_its_content():
    people = people_of([((30.6, 121.0), "a", "x"), (None, "a", "x")])
    one = partition(people, valid_from=DAY)
    assert one.version == partition(people, valid_from=DAY).version
    assert one.version != partition(people, valid_from=date(2026, 2, 1)).version
    assert one.version != partition(people, GridSettings(resolution=7), valid_from=DAY).version
    assert one.version != partition(people.iloc[:1], valid_from=DAY).version


def test_district_outlines_meet_their_names_without_accents():
    polygons = {
        "type": "FeatureCollection",
        "features": [
            {
                "properties": {"r": "Benešov-město"},
                "geometry": {"type": "Polygon", "coordinates": []},
            },
            {"properties": {"r": "Praha"}, "geometry": {"type": "Point", "coordinates": [1, 2]}},
        ],
    }
    setting = GridSettings(polygon_name="r", polygon_aliases={"Hl.m. Praha": "Praha"})
    rows = [(None, "Benesov - mesto", None), (None, "Hl.m. Praha", None)]
    grid = partition(people_of(rows), setting, valid_from=DAY, polygons=polygons)
    assert [cell.geometry["type"] for cell in grid.cells] == ["Polygon", "Point"]
    with pytest.raises(BadInput, match="polygon_name"):
        partition(people_of(rows), GridSettings(), valid_from=DAY, polygons=polygons)
