"""Which coordinates place a customer, and why others do not."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from domain.datum import Degrees, Points
from domain.sphere import distance_km

Mask = npt.NDArray[np.bool_]
Bounds = tuple[float, float, float, float]  # west, south, east, north
NEAR_KM = 300.0  # nobody nearer to the middle of the customers is outside the bank's area
FAR_TIMES = 10.0  # nor nearer than this many times the distance within which three in four live
ASTRAY_KM = 50.0  # nobody nearer to the others of the same district or outlet is astray

SENTENCES = {
    "zero": "{who} the coordinates 0,0 (first: {first}); placed without them",
    "incomplete": "{who} only one of latitude and longitude (first: {first}); placed without it",
    "invalid": "{who} coordinates that are not degrees (first: {first}); placed without them",
    "swapped": "{who} latitude and longitude the wrong way round (first: {first}); "
    "placed without them: exchange the two columns in the source",
    "outside": "{who} a home outside the bank's area (first: {first}); placed by district "
    "or outlet; grid.bounds declares the area",
}


class Spots(NamedTuple):
    """Coordinates (WGS-84) of customers: which are usable, and what is wrong with the others."""

    latitude: Degrees
    longitude: Degrees
    usable: Mask
    problems: Mapping[str, Mask]

    @property
    def points(self) -> Points:
        """Latitudes and longitudes, NaN where they are not usable."""
        latitude = np.where(self.usable, self.latitude, np.nan)
        return latitude, np.where(self.usable, self.longitude, np.nan)


def spots(customers: pd.DataFrame, bounds: Bounds | None = None) -> Spots:
    """Judge the columns latitude and longitude of `customers`; both missing is no problem.

    Without `bounds` (west, south, east, north) the bank's area is a circle around the median
    customer, of 300 km or ten times the radius that holds three customers in four, if that is more.
    A point is swapped when it is outside and would be inside the other way round; or when it is
    far (50 km, and ten times what half of them live away) from the median customer of the same
    `district`, else `outlet_id`, and would not be the other way round.

    >>> people = pd.DataFrame({"latitude": [30.6, 30.7, 0, 121], "longitude": [121, 121, 0, 30.6]})
    >>> found = spots(people)
    >>> found.usable.tolist(), [name for name, rows in found.problems.items() if rows.any()]
    ([True, True, False, False], ['zero', 'swapped'])
    """
    latitude, longitude = (_numbers(customers[name]) for name in ("latitude", "longitude"))
    given = customers.latitude.notna().to_numpy(), customers.longitude.notna().to_numpy()
    zero = (latitude == 0) & (longitude == 0)
    there = given[0] & given[1] & ~zero
    degrees = _are_degrees(latitude, longitude)
    inside = _inside(latitude, longitude, there & degrees, bounds)
    other_way = _are_degrees(longitude, latitude) & inside(longitude, latitude)
    usable = there & degrees & inside(latitude, longitude)
    swapped = there & ~usable & other_way
    swapped |= _turned(latitude, longitude, usable, _homes(customers))
    usable &= ~swapped
    problems = {
        "zero": zero,
        "incomplete": given[0] ^ given[1],
        "invalid": there & ~degrees & ~swapped,
        "swapped": swapped,
        "outside": there & degrees & ~usable & ~swapped,
    }
    return Spots(latitude, longitude, usable, problems)


def problem_notes(spots: Spots, customer_id: "pd.Series[str]") -> list[str]:
    """One sentence per problem: how many customers have it, and the first of them."""
    return [
        SENTENCES[name].format(who=_who_have(int(rows.sum())), first=customer_id[rows].iloc[0])
        for name, rows in spots.problems.items()
        if rows.any()
    ]


def _who_have(customers: int) -> str:
    return "1 customer has" if customers == 1 else f"{customers} customers have"


def _numbers(column: "pd.Series[float]") -> Degrees:
    """The column as floats; what cannot be an angle is NaN."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.abs(values) <= 180, values, np.nan)


def _are_degrees(latitude: Degrees, longitude: Degrees) -> Mask:
    fits: Mask = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)
    return fits


def _homes(customers: pd.DataFrame) -> "pd.Series[str]":
    """What each customer is told to belong to: the district, else the outlet, else nothing."""
    known = customers.reindex(columns=["district", "outlet_id"]).astype(object)
    outlet = ("outlet " + known.outlet_id.astype(str)).where(known.outlet_id.notna())
    return known.district.where(known.district.notna(), outlet).reset_index(drop=True)


def _turned(latitude: Degrees, longitude: Degrees, usable: Mask, home: "pd.Series[str]") -> Mask:
    """Whose point is far from the others of the same home, and near them the other way round."""
    at = np.flatnonzero(usable & home.notna().to_numpy())
    points = pd.DataFrame({"lat": latitude[at], "lng": longitude[at], "home": home.to_numpy()[at]})
    middle = points.groupby("home")[["lat", "lng"]].transform("median")
    there = middle.lat.to_numpy(), middle.lng.to_numpy()
    points["km"] = distance_km(there, latitude[at], longitude[at])
    typical = points.groupby("home").km.transform("median").to_numpy()
    far = np.maximum(ASTRAY_KM, FAR_TIMES * typical)
    near_turned = distance_km(there, longitude[at], latitude[at]) <= far
    turned: Mask = np.zeros(len(usable), dtype=np.bool_)
    turned[at] = (points.km.to_numpy() > far) & near_turned
    return turned


class _Area(NamedTuple):
    """The bank's area as a test of points: a box, or a circle around the middle."""

    bounds: Bounds | None
    middle: tuple[float, float]
    radius_km: float

    def __call__(self, latitude: Degrees, longitude: Degrees) -> Mask:
        if self.bounds is None:
            near: Mask = distance_km(self.middle, latitude, longitude) <= self.radius_km
            return near
        west, south, east, north = self.bounds
        fits: Mask = (latitude >= south) & (latitude <= north)
        return fits & (longitude >= west) & (longitude <= east)


def _inside(latitude: Degrees, longitude: Degrees, good: Mask, bounds: Bounds | None) -> _Area:
    if bounds is not None or not good.any():
        return _Area(bounds, (0.0, 0.0), np.inf)
    middle = float(np.median(latitude[good])), float(np.median(longitude[good]))
    distance = distance_km(middle, latitude[good], longitude[good])
    three_in_four = float(np.quantile(distance, 0.75))
    return _Area(None, middle, max(NEAR_KM, FAR_TIMES * three_in_four))
