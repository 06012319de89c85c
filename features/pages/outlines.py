"""Outlines of cells for a map: their area, and fewer points than a screen could show."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from shapely.geometry import mapping, shape

from features.pages.map_svg import Ring, cell_rings

EARTH_KM = 6371.0088  # mean radius
DIGITS = 6  # of a degree: a tenth of a metre
DETAIL = 1 / 900  # of the map's extent: what a screen of 1,000 points cannot show


def area_km2(geometry: Mapping[str, Any] | None) -> float | None:
    """Area of a GeoJSON Polygon or MultiPolygon on the sphere; None for a cell without one.

    Chamberlain and Duquette (2007), exact for edges along parallels, near enough for short ones.

    >>> box = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]
    >>> round(area_km2({"type": "Polygon", "coordinates": [box]}))
    12364
    """
    if not geometry or geometry.get("type") not in {"Polygon", "MultiPolygon"}:
        return None
    parts = geometry["coordinates"]
    polygons = [parts] if geometry["type"] == "Polygon" else parts
    areas = [[_ring_km2(ring) for ring in polygon] for polygon in polygons]
    total = sum(rings[0] - sum(rings[1:]) for rings in areas if rings)
    return total or None


def drawn_outlines(geometries: Mapping[str, Mapping[str, Any] | None]) -> dict[str, list[Ring]]:
    """Cell -> rings to draw, thinned together so that neighbours still share their border.

    Outlines that cross themselves are mended first.
    """
    shapes = {cell: _polygon(geometry) for cell, geometry in geometries.items()}
    with_place = {cell: one for cell, one in shapes.items() if one is not None}
    rings: dict[str, list[Ring]] = {cell: [] for cell in geometries}
    if with_place:
        thin = zip(with_place, _thinned(list(with_place.values())), strict=True)
        rings |= {cell: cell_rings(mapping(one)) for cell, one in thin}
    return rings


def _thinned(shapes: list[Any]) -> Any:
    west, south, east, north = shapely.total_bounds(shapes)
    tolerance = max(east - west, north - south) * DETAIL
    try:
        thin = shapely.coverage_simplify(shapes, tolerance)
    except shapely.errors.GEOSException:  # not a division of the plane: each by itself
        thin = shapely.simplify(shapes, tolerance)
    return [whole if one.is_empty else one for one, whole in zip(thin, shapes, strict=True)]


def _polygon(geometry: Mapping[str, Any] | None) -> Any:
    if not geometry or not cell_rings(geometry):
        return None
    # neighbours write a corner that they share with other last digits
    near = shapely.transform(shape(geometry), lambda points: np.round(points, DIGITS))
    found = shapely.make_valid(near, method="structure", keep_collapsed=False)
    return None if found.is_empty else found


def _ring_km2(ring: list[list[float]]) -> float:
    points = np.radians(np.asarray(ring, dtype=float)[:, :2])
    turn = (np.diff(points[:, 0]) + math.pi) % (2 * math.pi) - math.pi  # over the date line too
    height = 2 + np.sin(points[:-1, 1]) + np.sin(points[1:, 1])
    return abs(float((turn * height).sum())) * EARTH_KM**2 / 2
