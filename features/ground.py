"""Distances and areas on the ground, as expressions over degrees (WGS-84) that any engine runs."""

import math
from typing import TYPE_CHECKING

from domain.sphere import EARTH_KM

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, NumericValue, Table

SQUARES_A_DEGREE = 100  # a square of the map is a hundredth of a degree each way
WHOLE = 10**12
WIDTH = math.radians(3 / SQUARES_A_DEGREE)  # of a square and the ones on both sides


def has_place(rows: "Table") -> "BooleanValue":
    """Whether latitude and longitude place a row: both known, degrees, and not both 0."""
    degrees = (rows.latitude.abs() <= 90) & (rows.longitude.abs() <= 180)
    return (degrees & ((rows.latitude != 0) | (rows.longitude != 0))).fill_null(False)


def distance_km(
    latitude: "NumericValue",
    longitude: "NumericValue",
    other_latitude: "NumericValue",
    other_longitude: "NumericValue",
) -> "NumericValue":
    """Great-circle distance (haversine) on a sphere of 6371.0088 km."""
    up = ((other_latitude - latitude).radians() / 2).sin()
    along = ((other_longitude - longitude).radians() / 2).sin()
    half = up * up + latitude.radians().cos() * other_latitude.radians().cos() * along * along
    half = (half > 1).ifelse(1, half)  # opposite ends of the Earth; `least` would make 1 of null
    return _times(half.sqrt().asin(), 2 * EARTH_KM)


def nine_squares_km2(north: "NumericValue") -> "NumericValue":
    """Area of a square of the map and its 8 neighbours; `north` is its row, counted from 0 degrees.

    A zone of the sphere is as large as its span of longitude times the difference of the sines
    of its latitudes, here written with the cosine of the latitude in the middle.
    """
    middle = (north * 2 + 1).cast("float64") / (2 * SQUARES_A_DEGREE)
    return _times(middle.radians().cos(), EARTH_KM**2 * WIDTH * 2 * math.sin(WIDTH / 2))


def _times(value: "NumericValue", factor: float) -> "NumericValue":
    """A product with a fraction, written with whole numbers: a fraction is DECIMAL on Spark."""
    return value * round(factor * WHOLE) / WHOLE
