"""What is known of the customers before the territory is cut."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from domain.districts import Districts, districts
from domain.errors import BadInput
from domain.grid_settings import Basis, GridSettings
from domain.people import people_to_place
from domain.placing import Spots, spots
from domain.polygons import POINTS, read_places

Positions = Mapping[str, tuple[float, float]]  # outlet -> latitude, longitude


class Survey(NamedTuple):
    """People (one row each, sorted), their coordinates, districts, and where the outlets are."""

    people: pd.DataFrame
    spots: Spots
    districts: Districts | None
    lived_in: "pd.Series[str]"  # the district whose polygon holds each customer
    outlets: Positions


def survey(
    customers: pd.DataFrame,
    settings: GridSettings,
    polygons: Mapping[str, Any] | None = None,
    outlets: Mapping[str, Any] | None = None,
) -> Survey:
    """Check the customers and meet them with the polygons and outlets."""
    columns = [layer.column for layer in settings.overlays.values() if layer.column]
    people = people_to_place(customers, columns)
    known = districts(polygons, people.district, settings)
    found = spots(people, settings.bounds or (known.bounds if known else None))
    nobody = pd.Series(None, index=people.index, dtype=object)
    lived_in = known.lived_in(found) if known else nobody
    return Survey(people, found, known, lived_in, _outlets(people, found, outlets, settings))


def basis_of(known: Survey, basis: Basis) -> str:
    """The basis to cut by; BadInput when nobody has what it needs."""
    located = bool(known.spots.usable.any())
    there = {
        "h3": located,
        "district": known.people.district.notna().any() or known.lived_in.notna().any(),
        "outlet": known.people.outlet_id.notna().any() or (located and bool(known.outlets)),
    }
    if basis == "auto":
        return next((kind for kind, found in there.items() if found), "outlet")
    if not there[basis]:
        need = {"h3": "latitude and longitude"}.get(basis, basis)
        raise BadInput(f"grid.basis is {basis!r}, but no customer has {need}; set it to 'auto'")
    return basis


def _outlets(
    people: pd.DataFrame, found: Spots, collection: Mapping[str, Any] | None, settings: GridSettings
) -> Positions:
    """Where the outlets are: as the file says, else at the median of their customers."""
    if collection is not None:
        source = f"grid.outlets: {settings.outlets or 'the collection'}"
        places = read_places(
            collection, source, settings.outlet_name, allowed=POINTS, datum=settings.datum
        )
        return {
            name: (shape.y, shape.x)
            for name, shape in zip(places.names, places.shapes, strict=True)
        }
    latitude, longitude = found.points
    points = pd.DataFrame({"lat": latitude, "lng": longitude}, index=people.index)
    middle = points.groupby(people.outlet_id, sort=True).median().dropna()
    return dict(
        zip(middle.index.astype(str), zip(middle.lat, middle.lng, strict=True), strict=True)
    )
