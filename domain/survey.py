"""What is known of the customers before the territory is cut."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from domain.districts import Districts, districts
from domain.errors import BadInput
from domain.grid_settings import Basis, GridSettings
from domain.people import people_to_place
from domain.placing import Spots, spots
from domain.publication import PublicationSettings

Positions = Mapping[str, tuple[float, float]]  # outlet -> latitude, longitude
COARSE_DIGITS = 2  # decimals of a degree, about 1 km: where customers say that their outlet is


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
    outlets: pd.DataFrame | None = None,
    publication: PublicationSettings | None = None,
) -> Survey:
    """Check the customers and meet them with the polygons and the table of outlets."""
    least = (publication or PublicationSettings()).customers_min
    columns = [layer.column for layer in settings.overlays.values() if layer.column]
    people = people_to_place(customers, columns)
    known = districts(polygons, people.district, settings)
    found = spots(people, settings.bounds or (known.bounds if known else None))
    nobody = pd.Series(None, index=people.index, dtype=object)
    lived_in = known.lived_in(found) if known else nobody
    return Survey(people, found, known, lived_in, _outlets(people, found, outlets, least))


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
    people: pd.DataFrame, found: Spots, outlets: pd.DataFrame | None, customers_min: int
) -> Positions:
    """Where the outlets are: as their table says, else amid their customers.

    The place of an outlet is published. That of fewer than `customers_min` customers, or an exact
    one, would tell where somebody lives.
    """
    if outlets is not None and len(told := _told(outlets)):
        return told
    latitude, longitude = found.points
    points = pd.DataFrame({"lat": latitude, "lng": longitude}, index=people.index).dropna()
    of_outlet = points.groupby(people.outlet_id.reindex(points.index), sort=True)
    middle = of_outlet.median()[of_outlet.size() >= customers_min].round(COARSE_DIGITS)
    return dict(
        zip(middle.index.astype(str), zip(middle.lat, middle.lng, strict=True), strict=True)
    )


def _told(outlets: pd.DataFrame) -> Positions:
    """The outlets with a place: both coordinates are known, degrees, and not both 0."""
    latitude, longitude = (pd.to_numeric(outlets[name]) for name in ("latitude", "longitude"))
    fits = latitude.abs().le(90) & longitude.abs().le(180)
    placed = fits & ~(latitude.eq(0) & longitude.eq(0))
    points = zip(latitude[placed].tolist(), longitude[placed].tolist(), strict=True)
    return dict(zip(outlets.outlet_id[placed].astype(str), points, strict=True))
