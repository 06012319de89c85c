"""Polygons: refused unless they can be trusted, and points found as another library finds them."""

import json

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from domain.datum import from_wgs84
from domain.errors import BadInput
from domain.polygons import read_places, touching, within


def box(west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def collection(**shapes):
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": geometry}
        for name, geometry in shapes.items()
    ]
    return {"type": "FeatureCollection", "features": features}


BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "not a GeoJSON feature collection"),
        ({"type": "Polygon"}, "not a GeoJSON feature collection"),
        ({"features": []}, "has no features"),
        ({"features": [{"name": "A"}]}, "feature 1 is not a GeoJSON feature"),
        ({"features": [{"properties": {"n": 1}, "geometry": box(0, 0, 1, 1)}]}, "no property"),
        (collection(A=None), "geometry of type None; it must be Polygon or MultiPolygon"),
        (collection(A={"type": "Point", "coordinates": [1, 2]}), "geometry of type Point"),
        (collection(A={"type": "Polygon", "coordinates": []}), "'A' is empty"),
        (collection(A={"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}), "coordinates"),
        (collection(A={"type": "Polygon", "coordinates": "x"}), "coordinates"),
        (collection(A=BOW_TIE), "Self-intersection"),
        (collection(A=box(500_000, 3_000_000, 500_100, 3_000_100)), "EPSG:4326"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused_by_name(given, message):
    with pytest.raises(BadInput, match=message) as refusal:
        read_places(given, "grid.polygons: d.geojson", "name")
    assert str(refusal.value).startswith("grid.polygons: d.geojson")


def test_an_outline_that_crosses_itself_by_a_hair_is_repaired_and_named():
    ring = [[0, 0], [1, 0], [1, 1], [1.0001, 1.0001], [1.0001, 1], [1, 1.0001], [0, 1], [0, 0]]
    nearly = {"type": "Polygon", "coordinates": [ring]}
    places = read_places(collection(A=nearly, B=box(2, 0, 3, 1)), "d", "name")
    assert places.repaired == ("A",)
    assert places.shapes[0].is_valid
    assert places.shapes[0].area == pytest.approx(1, rel=1e-3)


def test_a_name_may_stand_once():
    twice = collection(A=box(0, 0, 1, 1))
    twice["features"] *= 2
    with pytest.raises(BadInput, match="'A' twice"):
        read_places(twice, "d.geojson", "name")


FOUR = collection(A=box(0, 0, 2, 2), B=box(2, 0, 4, 2), C=box(0, 2, 2, 4), D=box(0.5, 0.5, 1, 1))


@given(st.lists(st.tuples(st.floats(-1, 5), st.floats(-1, 5)), max_size=30))
def test_points_are_found_as_brute_force_finds_them(points):
    places = read_places(FOUR, "d.geojson", "name")
    latitude, longitude = np.array(points, dtype=float).reshape(-1, 2).T
    found = within(places, latitude, longitude)
    for lat, lng, at in zip(latitude, longitude, found, strict=True):
        holding = [k for k, s in enumerate(places.shapes) if s.covers(shapely.Point(lng, lat))]
        smallest = min(holding, key=lambda k: (places.shapes[k].area, k), default=-1)
        assert at == smallest


def test_points_without_coordinates_are_nowhere():
    found = within(read_places(FOUR, "d", "name"), np.array([np.nan, 1.0]), np.array([1.0, np.inf]))
    assert found.tolist() == [-1, -1]


def test_neighbours_touch():
    assert touching(read_places(FOUR, "d", "name").shapes)[1] == {0: 1, 2: 1}


def test_a_file_in_another_datum_is_converted():
    latitude, longitude = from_wgs84(np.array([30.6]), np.array([121.0]), "GCJ-02")
    corner = [float(longitude[0]), float(latitude[0])]
    east, north = [corner[0] + 0.1, corner[1]], [corner[0], corner[1] + 0.1]
    there = {"type": "Polygon", "coordinates": [[corner, east, north, corner]]}
    places = read_places(collection(A=there), "d", "name", datum="GCJ-02")
    found = places.shapes[0].exterior.coords[0]
    assert (found[1], found[0]) == pytest.approx((30.6, 121.0), abs=1e-8)


def test_the_districts_of_a_country_are_valid(shared_data):
    text = (shared_data / "geo_czech" / "okresy.geojson").read_text(encoding="utf-8")
    places = read_places(json.loads(text), "okresy.geojson", "r")
    assert len(places.names) == 77
    assert all(shape.is_valid for shape in places.shapes)
    assert len(places.repaired) == 23
    prague = within(places, np.array([50.087]), np.array([14.421]))[0]
    assert places.names[prague] == "Praha"
