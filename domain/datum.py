"""Coordinate datums used in China, and their way to WGS-84.

GCJ-02 shifts WGS-84 by 100 to 700 metres inside a box around China and nowhere else; BD-09 shifts
GCJ-02 once more. The shift is published mathematics; it has no closed inverse, so the inverse
looks for the point whose shift leads here.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

Datum = Literal["WGS-84", "GCJ-02", "BD-09"]
Degrees = npt.NDArray[np.float64]
Points = tuple[Degrees, Degrees]  # latitudes, longitudes

SOUTH, NORTH, WEST, EAST = 0.8293, 55.8271, 72.004, 137.8347  # where GCJ-02 differs
AXIS_M, ECCENTRICITY2 = 6378245.0, 0.00669342162296594323  # Krasovsky 1940
ROUNDS = 12  # of the inverse; each leaves about a thousandth of the error


def to_wgs84(latitude: Degrees, longitude: Degrees, datum: Datum) -> Points:
    """WGS-84 degrees of points in `datum`; 0,0 (no position) and what is no degrees stay as is.

    Within a kilometre of the edge of the box two points may share one GCJ-02 position; the one
    inside the box is given.

    >>> lat, lng = to_wgs84(np.array([39.908692]), np.array([116.397477]), "GCJ-02")
    >>> lat.round(4), lng.round(4)
    (array([39.9073]), array([116.3912]))
    """
    if datum == "WGS-84":
        return latitude, longitude
    somewhere = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)
    somewhere &= (latitude != 0) | (longitude != 0)
    there = (np.where(somewhere, latitude, np.nan), np.where(somewhere, longitude, np.nan))
    if datum == "BD-09":
        there = _inverse(there, _bd09)
    found = _inverse(there, _shifted)
    inside = _in_box(*found)
    return (
        np.where(somewhere, np.where(inside, found[0], there[0]), latitude),
        np.where(somewhere, np.where(inside, found[1], there[1]), longitude),
    )


def from_wgs84(latitude: Degrees, longitude: Degrees, datum: Datum) -> Points:
    """Degrees in `datum` of WGS-84 points.

    >>> lat, lng = from_wgs84(np.array([39.9073]), np.array([116.3912]), "BD-09")
    >>> lat.round(3), lng.round(3)
    (array([39.915]), array([116.404]))
    """
    if datum == "WGS-84":
        return latitude, longitude
    inside, shifted = _in_box(latitude, longitude), _shifted((latitude, longitude))
    gcj = (np.where(inside, shifted[0], latitude), np.where(inside, shifted[1], longitude))
    return _bd09(gcj) if datum == "BD-09" else gcj


def _in_box(latitude: Degrees, longitude: Degrees) -> npt.NDArray[np.bool_]:
    north_south = (latitude >= SOUTH) & (latitude <= NORTH)
    inside: npt.NDArray[np.bool_] = north_south & (longitude >= WEST) & (longitude <= EAST)
    return inside


def _inverse(target: Points, forward: Callable[[Points], Points]) -> Points:
    """The points that `forward` leads to `target`, by fixed-point iteration."""
    latitude, longitude = target
    for _ in range(ROUNDS):
        there = forward((latitude, longitude))
        latitude = latitude + target[0] - there[0]
        longitude = longitude + target[1] - there[1]
    return latitude, longitude


def _shifted(points: Points) -> Points:
    """WGS-84 to GCJ-02 as if the box had no edge."""
    latitude, longitude = points
    east, north = longitude - 105.0, latitude - 35.0
    curvature = 1 - ECCENTRICITY2 * np.sin(np.radians(latitude)) ** 2
    meridian_m = AXIS_M * (1 - ECCENTRICITY2) / curvature**1.5
    parallel_m = AXIS_M / np.sqrt(curvature) * np.cos(np.radians(latitude))
    return (
        latitude + np.degrees(_north_m(east, north) / meridian_m),
        longitude + np.degrees(_east_m(east, north) / parallel_m),
    )


def _north_m(x: Degrees, y: Degrees) -> Degrees:
    metres = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    return metres + _ripple(x) + _waves(y, (20, 40, 160, 320))


def _east_m(x: Degrees, y: Degrees) -> Degrees:
    metres = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    return metres + _ripple(x) + _waves(x, (20, 40, 150, 300))


def _ripple(x: Degrees) -> Degrees:
    both: Degrees = (20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)) * 2 / 3
    return both


def _waves(at: Degrees, height_m: tuple[int, int, int, int]) -> Degrees:
    lengths = (1, 3, 12, 30)
    parts = [h * np.sin(np.pi * at / n) for h, n in zip(height_m, lengths, strict=True)]
    total: Degrees = np.sum(parts, axis=0) * 2 / 3
    return total


def _bd09(gcj: Points) -> Points:
    """GCJ-02 to BD-09."""
    latitude, longitude = gcj
    turn = np.pi * 3000 / 180
    radius = np.hypot(longitude, latitude) + 0.00002 * np.sin(latitude * turn)
    angle = np.arctan2(latitude, longitude) + 0.000003 * np.cos(longitude * turn)
    return radius * np.sin(angle) + 0.006, radius * np.cos(angle) + 0.0065
