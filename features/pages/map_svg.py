"""The cells as an SVG map: longitude and latitude, nothing else needed."""

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from html import escape
from typing import Any, NamedTuple

import shapely

WIDTH = 1000.0
Ring = list[tuple[float, float]]


class Shape(NamedTuple):
    """How one cell is drawn: CSS class, words for pointer and screen reader, link, label."""

    style: str
    words: str
    link: str
    label: str


class _Frame(NamedTuple):
    west: float
    north: float
    across: float  # map units per degree of longitude
    down: float  # map units per degree of latitude
    height: float

    def point(self, at: Sequence[float]) -> tuple[float, float]:
        return (
            round((at[0] - self.west) * self.across, 1),
            round((self.north - at[1]) * self.down, 1),
        )


def cell_rings(geometry: Mapping[str, Any] | None) -> list[Ring]:
    """Rings of a GeoJSON Polygon or MultiPolygon; none for a cell without a place.

    >>> cell_rings({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 1], [0, 0]]]})
    [[(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)]]
    >>> cell_rings(None)
    []
    """
    if not geometry or geometry.get("type") not in {"Polygon", "MultiPolygon"}:
        return []
    parts = geometry["coordinates"]
    polygons = [parts] if geometry["type"] == "Polygon" else parts
    return [
        [(float(point[0]), float(point[1])) for point in ring]
        for polygon in polygons
        for ring in polygon
        if len(ring) >= 4
    ]


def map_svg(
    places: Mapping[str, list[Ring]], shapes: Mapping[str, Shape], title: str, room: float = 0
) -> str:
    """One `<svg>` of all cells that have a place; an empty text when none has.

    A label stands at the centre of the largest circle in its cell, and is left out where the
    radius is under `room` (of 1,000 across the map).
    """
    drawn = {cell: rings for cell, rings in sorted(places.items()) if rings and cell in shapes}
    if not drawn:
        return ""
    frame = _frame([point for rings in drawn.values() for ring in rings for point in ring])
    # labelled cells last: their outlines lie on top, and labels on top of all
    order = sorted(drawn, key=lambda cell: (bool(shapes[cell].label), cell))
    points = {
        cell: [[frame.point(at) for at in ring] for ring in rings] for cell, rings in drawn.items()
    }
    cells = "\n".join(_cell(points[cell], shapes[cell]) for cell in order)
    labels = "\n".join(_label(points[cell], shapes[cell], room) for cell in order)
    return (
        f'<svg class="map" viewBox="-4 -4 {WIDTH + 8:.0f} {frame.height + 8:.0f}" role="group" '
        f'aria-label="{escape(title)}">\n<defs><pattern id="hatch" width="8" height="8" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="8" height="8" class="hatch-ground"/>'
        '<line x1="0" y1="0" x2="0" y2="8" class="hatch-line"/></pattern></defs>\n'
        f"{cells}\n{labels}\n</svg>"
    )


def _frame(points: Ring) -> _Frame:
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    shrink = max(math.cos(math.radians((south + north) / 2)), 1e-6)
    wide, high = max((east - west) * shrink, 1e-9), max(north - south, 1e-9)
    scale = WIDTH / max(wide, high / 1.2)  # a tall country must not fill three screens
    return _Frame(
        west - (WIDTH / scale - wide) / shrink / 2, north, scale * shrink, scale, high * scale
    )


def _cell(rings: list[Ring], shape: Shape) -> str:
    outline = "".join(_path(ring) for ring in rings)
    return (
        f'<a href="{escape(shape.link)}" aria-label="{escape(shape.words)}">'
        f"<title>{escape(shape.words)}</title>"
        f'<path class="{escape(shape.style)}" d="{outline}"/></a>'
    )


def _path(points: Ring) -> str:
    kept = [at for at, before in zip(points, [None, *points[:-1]], strict=True) if at != before]
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in kept) + "Z"


def _label(rings: list[Ring], shape: Shape, room: float) -> str:
    if not shape.label:
        return ""
    x, y, radius = _widest_place(rings)
    if radius < room:
        return ""
    return f'<text x="{x:.1f}" y="{y:.1f}" aria-hidden="true">{escape(shape.label)}</text>'


def _widest_place(rings: list[Ring]) -> tuple[float, float, float]:
    """Centre and radius of the largest circle inside; the middle of the box of what has no area."""
    parts = [shapely.Polygon(ring).buffer(0) for ring in rings]
    whole = reduce(shapely.symmetric_difference, parts)  # a ring within another is a hole
    if whole.area < 1e-6:
        west, south, east, north = shapely.MultiPoint(rings[0]).bounds
        return (west + east) / 2, (south + north) / 2, 0.0
    reach = shapely.maximum_inscribed_circle(whole, tolerance=1.0)
    (x, y), _ = reach.coords
    return x, y, reach.length
