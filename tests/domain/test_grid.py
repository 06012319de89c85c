"""The grid: everyone is placed, by the right rung, and a version names its content."""

from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.grid import GridSettings, assign, partition
from domain.publication import PublicationSettings

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
    assert grid.assignment.confidence.tolist() == [
        "coordinates",
        "district",
        "outlet",
        "unlocated",
    ]


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


SQUARES = {
    "type": "FeatureCollection",
    "features": [
        {
            "properties": {"r": name},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[w, 30.0], [w + 0.5, 30.0], [w + 0.5, 31.0], [w, 31.0], [w, 30.0]]
                ],
            },
        }
        for name, w in (("Benešov-město", 120.5), ("Praha", 121.0))
    ],
}
BY_R = GridSettings(polygon_name="r", polygon_aliases={"Hl.m. Praha": "Praha"})


def test_district_outlines_meet_their_names_without_accents():
    rows = [(None, "Benesov - mesto", None), (None, "Hl.m. Praha", None)]
    grid = partition(people_of(rows), BY_R, valid_from=DAY, polygons=SQUARES)
    assert [cell.geometry["coordinates"][0][0][0] for cell in grid.cells] == [120.5, 121.0]
    with pytest.raises(BadInput, match="polygon_name"):
        partition(people_of(rows), GridSettings(), valid_from=DAY, polygons=SQUARES)


def test_polygons_place_customers_whose_district_is_not_stated():
    rows = [((30.6, 120.7), None, "x"), ((30.6, 121.2), None, "x"), (None, "Hl.m. Praha", None)]
    setting = BY_R.model_copy(update={"basis": "district"})
    grid = partition(people_of(rows), setting, valid_from=DAY, polygons=SQUARES)
    assert grid.assignment.cell_id.tolist() == [
        "district-Benešov-město",
        "district-Hl.m. Praha",
        "district-Hl.m. Praha",
    ]
    assert grid.assignment.confidence.tolist() == ["coordinates", "coordinates", "district"]


def test_a_customer_outside_the_stated_district_is_counted_and_said():
    rows = [((30.6, 121.2), "Benesov - mesto", None), ((30.6, 120.7), "Benesov - mesto", None)]
    grid = partition(people_of(rows), BY_R, valid_from=DAY, polygons=SQUARES)
    assert any(
        note.startswith("1 customers have coordinates outside their stated district (first: c0,")
        for note in grid.notes
    )


def test_a_district_without_a_polygon_is_said():
    rows = [(None, "Praha", None), (None, "Brno", None)]
    grid = partition(people_of(rows), BY_R, valid_from=DAY, polygons=SQUARES)
    assert any("1 districts have no polygon (first: Brno)" in note for note in grid.notes)
    assert grid.cells[0].geometry is None


def test_a_customer_in_two_rows_is_refused():
    people = pd.concat([people_of([(None, "a", None)]), people_of([(None, "b", None)])])
    with pytest.raises(BadInput, match=r"more than once \(first: c0\)"):
        partition(people, valid_from=DAY)


def test_a_customer_without_an_id_is_refused():
    people = people_of([(None, "a", None)]).assign(customer_id=None)
    with pytest.raises(BadInput, match="no customer_id"):
        partition(people, valid_from=DAY)


def test_a_floor_above_everybody_makes_one_cell_and_says_so():
    rows = [((30.6, 121.0 + at / 50), None, None) for at in range(5)]
    grid = partition(people_of(rows), GridSettings(floor=10), valid_from=DAY)
    assert [cell.customers for cell in grid.cells] == [5]
    assert "under the floor of 10" in grid.cells[0].note
    assert any("floor of 10 customers is above the 5 with coordinates" in n for n in grid.notes)


def test_coordinates_that_cannot_be_right_are_said_and_the_next_rung_places():
    rows = [((30.6, 121.0), "a", None)] * 8
    rows += [((121.0, 30.6), "a", None), ((-33.9, 151.2), "b", None), ((91.5, 181.0), None, "x")]
    grid = partition(people_of(rows), valid_from=DAY)
    last = grid.assignment.set_index("customer_id").cell_id
    assert last[["c8", "c9", "c10"]].tolist() == ["district-a", "district-b", "unlocated-x"]
    said = " ".join(grid.notes)
    assert "wrong way round (first: c8)" in said
    assert "outside the bank's area (first: c9)" in said
    assert "not degrees (first: c10)" in said


def test_a_customer_without_home_outlet_goes_to_the_nearest():
    rows = [((30.88, 121.0), None, None), *homes("x", 30.6), *homes("y", 30.9)]
    grid = partition(people_of(rows), GridSettings(basis="outlet"), valid_from=DAY)
    first = grid.assignment.iloc[0]
    assert (first.cell_id, first.confidence) == ("outlet-y", "coordinates")
    assert set(grid.assignment.confidence[1:]) == {"outlet"}
    twin = people_of(rows[:1]).assign(customer_id="new")
    assert assign(grid, twin).cell_id.tolist() == ["outlet-y"]


def homes(outlet, latitude, n=10):
    """Customers of an outlet 137 m apart, none of whom lives at a whole hundredth of a degree."""
    return [((latitude + 0.00123 * (at + 1), 121.00456), None, outlet) for at in range(n)]


def points_of(grid):
    return {cell.cell_id: cell.geometry and cell.geometry["coordinates"] for cell in grid.cells}


def test_an_outlet_amid_its_customers_tells_nobodys_home():
    people = people_of([*homes("x", 30.6), *homes("y", 30.9, 9)])
    grid = partition(people, GridSettings(basis="outlet"), valid_from=DAY)
    assert points_of(grid) == {"outlet-x": [121.0, 30.61], "outlet-y": None}


def test_the_place_of_an_outlet_needs_as_many_located_customers_as_a_figure():
    people = people_of([*homes("x", 30.6, 12), *[(None, None, "y")] * 30, *homes("y", 30.9, 3)])
    for least, placed in ((3, {"outlet-x", "outlet-y"}), (4, {"outlet-x"}), (13, set())):
        grid = partition(
            people,
            GridSettings(basis="outlet"),
            valid_from=DAY,
            publication=PublicationSettings(customers_min=least),
        )
        assert {cell for cell, point in points_of(grid).items() if point} == placed


def test_the_place_that_a_bank_tells_of_an_outlet_is_exact():
    told = pd.DataFrame({"outlet_id": ["x"], "latitude": [30.61234], "longitude": [121.00321]})
    people = people_of(homes("x", 30.6, 2))
    grid = partition(people, GridSettings(basis="outlet"), valid_from=DAY, outlets=told)
    assert points_of(grid) == {"outlet-x": [121.00321, 30.61234]}


def test_outlets_stand_where_their_table_puts_them():
    table = {"outlet_id": ["x", "y"], "latitude": [30.9, 30.6], "longitude": [121.0, 121.0]}
    outlets = pd.DataFrame(table)
    rows = [((30.6, 121.0), None, "x"), ((30.9, 121.0), None, "y"), ((30.88, 121.0), None, None)]
    grid = partition(people_of(rows), GridSettings(basis="outlet"), valid_from=DAY, outlets=outlets)
    assert grid.assignment.cell_id.iloc[2] == "outlet-x"


@pytest.mark.parametrize("place", [(0.0, 0.0), (None, 121.0), (30.9, 181.0), (91.0, 0.0)])
def test_an_outlet_without_a_place_is_nobodys_nearest(place):
    nowhere = {"outlet_id": "x", "latitude": place[0], "longitude": place[1]}
    there = {"outlet_id": "y", "latitude": 30.6, "longitude": 121.0}
    rows = [((30.61, 121.0), None, None), *homes("x", 30.6), *homes("y", 30.9)]
    made = [
        partition(
            people_of(rows),
            GridSettings(basis="outlet"),
            valid_from=DAY,
            outlets=pd.DataFrame(outlets, columns=["outlet_id", "latitude", "longitude"]),
        ).assignment.cell_id.iloc[0]
        for outlets in ([nowhere, there], [nowhere], [])
    ]
    assert made == ["outlet-y", "outlet-x", "outlet-x"]  # the last two: amid their customers


def test_a_key_of_before_outlets_were_a_table_says_where_they_belong_now():
    for key in ("outlets", "outlet_name"):
        with pytest.raises(ValueError, match=rf"{key} is no key any more.*\[sources\.outlets\]"):
            GridSettings.model_validate({key: "outlets.geojson"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"rural_resolution": 9},
        {"rural_resolution": 2},
        {"band": (1.2, 3.0)},
        {"band": (0.8, 1.5)},
        {"bounds": (121.0, 30.0, 120.0, 31.0)},
        {"overlays": {"m": {"file": "a", "column": "b"}}},
        {"overlays": {"m": {}}},
    ],
)
def test_settings_that_contradict_themselves_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must be|write either"):
        GridSettings.model_validate(wrong)
