"""Layers over the cells: everyone in one place of each, and the cells untouched."""

import pandas as pd
import pytest

from domain.errors import BadInput
from domain.grid import GridSettings, partition
from domain.overlays import crossed
from tests.domain.bank import DAY, bank


def market(west, east, name="Old market", kind="market"):
    ring = [[west, 30.0], [east, 30.0], [east, 31.5], [west, 31.5], [west, 30.0]]
    return {
        "properties": {"name": name, "kind": kind},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


PLACES = {
    "type": "FeatureCollection",
    "features": [market(120.6, 120.7), market(120.7, 121.2, "College", "campus")],
}
SETTINGS = GridSettings.model_validate(
    {
        "overlays": {
            "places": {"file": "places.geojson"},
            "tier": {"column": "tier"},
            "business": {"column": "kind"},
        }
    }
)


def layered(people=None):
    people = bank(1500) if people is None else people
    return partition(people, SETTINGS, valid_from=DAY, overlays={"places": PLACES})


def test_layers_leave_the_cells_as_they_are():
    plain = partition(bank(1500), valid_from=DAY)
    grid = layered()
    assert grid.cells == plain.cells
    base = grid.assignment[plain.assignment.columns]
    pd.testing.assert_frame_equal(base, plain.assignment)


@pytest.mark.parametrize("layer", ["places", "tier", "business"])
def test_the_places_of_a_layer_add_up_to_every_cell(layer):
    grid = layered()
    sums = crossed(grid.assignment, layer).groupby("cell_id").customers.sum().to_dict()
    assert sums == {cell.cell_id: cell.customers for cell in grid.cells}


def test_places_know_their_kind_and_their_customers():
    people = bank(1500)
    grid = layered(people)
    inside = people.longitude.between(120.6, 120.7) & people.latitude.between(30.0, 31.5)
    found = {place.cell_id: place for place in grid.overlays}
    assert found["market-Old market"].kind == "market"
    assert found["campus-College"].parent == "places"
    assert found["market-Old market"].customers == inside.sum()
    tiers = people.tier.value_counts().to_dict()
    assert {n: found[f"tier-{n}"].customers for n in tiers} == tiers


def test_a_customer_in_no_place_is_outside_of_all():
    people = bank(1500)
    people.loc[0, ["latitude", "longitude"]] = None
    people.loc[0, "tier"] = None
    rows = layered(people).assignment
    assert rows.loc[0, ["overlay_places", "overlay_tier"]].tolist() == ["none", "none"]


def test_the_version_names_the_layers_too():
    assert layered().version != partition(bank(1500), valid_from=DAY).version


def test_a_layer_that_nobody_delivered_is_refused():
    with pytest.raises(BadInput, match=r"grid\.overlays\.tier: customers have no column 'tier'"):
        partition(
            bank(100).drop(columns="tier"), SETTINGS, valid_from=DAY, overlays={"places": PLACES}
        )
    with pytest.raises(BadInput, match=r"grid\.overlays\.places: places\.geojson was not given"):
        partition(bank(100), SETTINGS, valid_from=DAY)
    bare = {"features": [{**market(120, 121), "properties": {"name": "A"}}]}
    with pytest.raises(BadInput, match="no property 'kind'"):
        partition(bank(100), SETTINGS, valid_from=DAY, overlays={"places": bare})
