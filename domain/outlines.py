"""Outlines of merged cells, and how round they are."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from domain.hexagons import fine_cells

KM_PER_DEGREE = 111.195  # on a sphere of 6,371 km


class Figure(NamedTuple):
    """Size of an outline: area in km2, length in km (holes included)."""

    area_km2: float
    perimeter_km: float

    @property
    def compactness(self) -> float:
        """Polsby-Popper (1991): the area as a share of that of a circle with the same perimeter.

        >>> round(Figure(1.0, 4.0).compactness, 3)
        0.785
        """
        return float(4 * np.pi * self.area_km2 / self.perimeter_km**2)


def outline(pieces: Iterable[int], resolution: int) -> dict[str, Any]:
    """GeoJSON of the land of H3 cells, as the union of their fine cells."""
    geometry: dict[str, Any] = h3.cells_to_geo(fine_cells(pieces, resolution))
    return geometry


def figure(geometry: Mapping[str, Any]) -> Figure:
    """Area and perimeter of a Polygon or MultiPolygon in degrees, on a plane at its own latitude.

    >>> side = 0.01  # degrees at the equator
    >>> square = [[0, 0], [side, 0], [side, side], [0, side], [0, 0]]
    >>> found = figure({"type": "Polygon", "coordinates": [square]})
    >>> round(found.area_km2, 3), round(found.perimeter_km, 3)
    (1.236, 4.448)
    """
    parts = geometry["coordinates"]
    polygons = [parts] if geometry["type"] == "Polygon" else parts
    middle = float(np.mean([point[1] for point in polygons[0][0]]))
    area = perimeter = 0.0
    for polygon in polygons:
        for number, ring in enumerate(polygon):
            flat = _flat(ring, middle)
            area += _area(flat) if number == 0 else -_area(flat)
            perimeter += float(np.linalg.norm(np.diff(flat, axis=0), axis=1).sum())
    return Figure(area, perimeter)


def _flat(ring: Sequence[Sequence[float]], latitude: float) -> npt.NDArray[np.float64]:
    """A closed ring in km, east and north of its first point."""
    degrees = np.array([point[:2] for point in (*ring, ring[0])], dtype=np.float64)
    scale = KM_PER_DEGREE * np.array([np.cos(np.radians(latitude)), 1.0])
    plane: npt.NDArray[np.float64] = (degrees - degrees[0]) * scale
    return plane


def _area(flat: npt.NDArray[np.float64]) -> float:
    east, north = flat[:, 0], flat[:, 1]
    return abs(float(east[:-1] @ north[1:] - east[1:] @ north[:-1])) / 2
