"""Datums: known points, the way there and back, and nothing changed outside China."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.datum import EAST, NORTH, SOUTH, WEST, from_wgs84, to_wgs84
from domain.sphere import distance_km

EDGE = 0.02  # degrees: nearer to the box, two points may share a position


def metres(one, other):
    return 1000 * distance_km((float(one[0][0]), float(one[1][0])), *other)[0]


def point(latitude, longitude):
    return np.array([latitude]), np.array([longitude])


@given(
    st.floats(SOUTH + EDGE, NORTH - EDGE),
    st.floats(WEST + EDGE, EAST - EDGE),
    st.sampled_from(["GCJ-02", "BD-09"]),
)
def test_there_and_back_is_under_a_metre_in_china(latitude, longitude, datum):
    here = point(latitude, longitude)
    there = from_wgs84(*here, datum)
    assert 1 < metres(here, there) < 2000
    assert metres(here, to_wgs84(*there, datum)) < 1


@given(st.floats(-85, 85), st.floats(-179, 179))
def test_outside_china_gcj_02_is_wgs_84(latitude, longitude):
    assume(not (SOUTH - EDGE < latitude < NORTH + EDGE and WEST - EDGE < longitude < EAST + EDGE))
    here = point(latitude, longitude)
    assert from_wgs84(*here, "GCJ-02") == here
    assert to_wgs84(*here, "GCJ-02") == here
    assert metres(here, to_wgs84(*from_wgs84(*here, "BD-09"), "BD-09")) < 1


@pytest.mark.parametrize("datum", ["WGS-84", "GCJ-02", "BD-09"])
def test_no_position_stays_no_position(datum):
    latitude, longitude = to_wgs84(np.array([0.0, np.nan]), np.array([0.0, np.nan]), datum)
    assert latitude.tolist()[:1] == [0.0]
    assert longitude.tolist()[:1] == [0.0]
    assert np.isnan([latitude[1], longitude[1]]).all()


def test_the_gate_of_heavenly_peace_stands_where_the_maps_put_it():
    """Published positions of one place in the three datums."""
    here = point(39.90734, 116.39123)
    assert metres(point(39.90874, 116.39748), from_wgs84(*here, "GCJ-02")) < 10
    assert metres(point(39.91509, 116.40385), from_wgs84(*here, "BD-09")) < 10
