"""Places of a GeoJSON feature collection: read strictly, and found by coordinates."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from domain.datum import Datum, Degrees, to_wgs84
from domain.errors import BadInput

AREAS = ("Polygon", "MultiPolygon")
REPAIR_SHARE = 0.001  # of its area that an outline may gain or lose when it is repaired


class Places(NamedTuple):
    """Named shapes in WGS-84; `kinds` is empty where the file was read without them."""

    names: tuple[str, ...]
    shapes: tuple[Any, ...]
    kinds: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()  # names whose outline crossed itself by a hair


def read_places(
    collection: Any,
    source: str,
    name: str,
    kind: str | None = None,
    datum: Datum = "WGS-84",
) -> Places:
    """The features of a collection, by their properties `name` and `kind`.

    `source` is what messages call the file. Raises BadInput for anything but a feature
    collection, a feature without the property, and a geometry that is absent, empty, no polygon,
    not in degrees, or invalid: an outline that crosses itself. One that does so by a hair, as
    simplified outlines do, is repaired when its area stays what it was.

    >>> square = [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]
    >>> feature = {"properties": {"name": "A"}, "geometry":
    ...     {"type": "Polygon", "coordinates": square}}
    >>> read_places({"type": "FeatureCollection", "features": [feature]}, "a.geojson", "name").names
    ('A',)
    """
    features = collection.get("features") if isinstance(collection, Mapping) else None
    if not isinstance(features, list):
        raise BadInput(f"{source} is not a GeoJSON feature collection; export it as GeoJSON")
    if not features:
        raise BadInput(f"{source} has no features; export it again or take it out")
    keys = [key for key in (name, kind) if key]
    about = [
        [_property(feature, key, at, source) for key in keys]
        for at, feature in enumerate(features, start=1)
    ]
    _require_once([", ".join(row) for row in about], source)
    given = [
        _shape(feature["geometry"], f"{source}: {row[0]!r}")
        for feature, row in zip(features, about, strict=True)
    ]
    sound = [
        _sound(shape, f"{source}: {row[0]!r}") for shape, row in zip(given, about, strict=True)
    ]
    names = tuple(row[0] for row in about)
    return Places(
        names,
        tuple(_in_wgs84(shape, datum) for shape in sound),
        tuple(row[1] for row in about) if kind else (),
        tuple(
            name for name, one, shape in zip(names, given, sound, strict=True) if one is not shape
        ),
    )


def within(places: Places, latitude: Degrees, longitude: Degrees) -> npt.NDArray[np.int64]:
    """Index of the place that holds each point, -1 where none does.

    Of overlapping places the smallest wins, then the first; a point on a border is inside.
    """
    found = np.full(len(latitude), -1, dtype=np.int64)
    at = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
    if not len(at) or not places.names:
        return found
    shapes = np.array(places.shapes, dtype=object)
    shapely.prepare(shapes)
    points = shapely.points(longitude[at], latitude[at])
    point, place = shapely.STRtree(shapes).query(points)
    inside = shapely.intersects(shapes[place], points[point])
    point, place, size = point[inside], place[inside], shapely.area(shapes)
    order = np.lexsort((place, size[place]))[::-1]  # the last one written wins
    found[at[point[order]]] = place[order]
    return found


def outer_bounds(places: Places) -> tuple[float, float, float, float]:
    """West, south, east, north of all shapes."""
    west, south, east, north = shapely.total_bounds(list(places.shapes)).tolist()
    return west, south, east, north


def touching(shapes: Sequence[Any]) -> list[dict[int, int]]:
    """Neighbours of each shape, each with weight 1: those that share a point with it."""
    found: list[dict[int, int]] = [{} for _ in shapes]
    if shapes:
        one, other = shapely.STRtree(list(shapes)).query(list(shapes), predicate="intersects")
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            if a != b:
                found[a][b] = 1
    return found


def geojson(shape: Any) -> dict[str, Any]:
    """A shape as a GeoJSON geometry."""
    geometry: dict[str, Any] = dict(shapely.geometry.mapping(shape))
    return geometry


def shape_of(geometry: Mapping[str, Any]) -> Any:
    """A GeoJSON geometry of a grid version as a shape."""
    return shapely.geometry.shape(geometry)


def _property(feature: Any, key: str, at: int, source: str) -> str:
    if not isinstance(feature, Mapping) or "geometry" not in feature:
        raise BadInput(f"{source}: feature {at} is not a GeoJSON feature; export it as GeoJSON")
    properties = feature.get("properties") or {}
    if properties.get(key) is None:
        known = ", ".join(sorted(properties)) or "none"
        raise BadInput(
            f"{source}: feature {at} has no property {key!r} (it has {known}); "
            "name the right one in gridkeep.toml (polygon_name, or name and kind of an overlay)"
        )
    return str(properties[key])


def _require_once(names: Sequence[str], source: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise BadInput(f"{source} has {twice[0]!r} twice; draw it as one MultiPolygon")


def _shape(geometry: Any, where: str) -> Any:
    wanted = " or ".join(AREAS)
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if kind not in AREAS:
        raise BadInput(f"{where} has a geometry of type {kind}; it must be {wanted}")
    try:
        shape = shapely.geometry.shape(geometry)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise BadInput(
            f"{where} has coordinates that are no {wanted} ({error}); export it again"
        ) from error
    if shape.is_empty:
        raise BadInput(f"{where} is empty; draw it or take it out of the file")
    _require_degrees(shape, where)
    return shape


def _sound(shape: Any, where: str) -> Any:
    """A valid shape as it is, one that is nearly valid repaired."""
    if shape.is_valid:
        return shape
    repaired = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    if abs(repaired.area - shape.area) > REPAIR_SHARE * repaired.area:
        raise BadInput(
            f"{where} is not a valid outline: {shapely.is_valid_reason(shape)}; repair it in your "
            "GIS (an outline must not cross itself)"
        )
    return repaired


def _require_degrees(shape: Any, where: str) -> None:
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadInput(
            f"{where} reaches from {west:g},{south:g} to {east:g},{north:g}, which are not "
            "longitude,latitude in degrees; export it in EPSG:4326"
        )


def _in_wgs84(shape: Any, datum: Datum) -> Any:
    if datum == "WGS-84":
        return shape

    def moved(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        latitude, longitude = to_wgs84(points[:, 1], points[:, 0], datum)
        return np.column_stack([longitude, latitude])

    return shapely.transform(shape, moved)
