"""The county: places dense and sparse, districts, outlets."""

import math
from typing import Literal, NamedTuple

import numpy as np

from features.simulation.settings import Floats, Plan

PlaceKind = Literal["seat", "town", "village"]

CENTRE_LATITUDE, CENTRE_LONGITUDE = 30.80, 120.70
RADIUS_KM = 29.0
KM_PER_DEGREE = 111.2
DISTRICTS = ("Yunhe", "Shuanglin", "Dongpu", "Xitang", "Nanqiao", "Beizhai", "Gutan", "Meixi")
VILLAGES = 32
COMPETITORS = 6  # places where another bank opens
SEAT_SHARE, TOWNS_SHARE = 0.20, 0.38  # of the customers; the villages hold the rest
APART_KM: dict[PlaceKind, float] = {"seat": 0.0, "town": 11.0, "village": 4.0}
SPREAD_KM: dict[PlaceKind, float] = {"seat": 1.9, "town": 1.0, "village": 0.45}
FIRST_VILLAGE = len(DISTRICTS)


class Place(NamedTuple):
    """A settlement: where it lies, how far it spreads, its share of the customers."""

    name: str
    kind: PlaceKind
    district: str
    east_km: float
    north_km: float
    share: float


class Outlet(NamedTuple):
    """A branch of the bank."""

    outlet_id: str
    district: str
    east_km: float
    north_km: float


class County(NamedTuple):
    """Places (the seat first, then towns, then villages), outlets, and what is to open where."""

    places: tuple[Place, ...]
    outlets: tuple[Outlet, ...]
    competitor_places: tuple[int, ...]
    competitor_month: int


def degrees(east_km: Floats, north_km: Floats) -> tuple[Floats, Floats]:
    """Latitudes and longitudes (WGS-84) of offsets from the centre of the county.

    >>> degrees(np.array([0.0]), np.array([0.0]))
    (array([30.8]), array([120.7]))
    """
    shrink = math.cos(math.radians(CENTRE_LATITUDE))
    latitude = np.round(CENTRE_LATITUDE + north_km / KM_PER_DEGREE, 6)
    return latitude, np.round(CENTRE_LONGITUDE + east_km / (KM_PER_DEGREE * shrink), 6)


def draw_county(plan: Plan) -> County:
    """The county of a seed; it does not depend on the number of customers."""
    chance = plan.stream("county")
    spots = _spots(chance)
    places = tuple(_places(spots, chance))
    open_to_rivals = chance.permutation(np.arange(1, len(places)))[:COMPETITORS]
    return County(
        places,
        tuple(_outlets(places)),
        tuple(sorted(int(place) for place in open_to_rivals)),
        plan.months // 3,
    )


def _spots(chance: np.random.Generator) -> Floats:
    """Offsets in km, none nearer to an earlier one than its kind allows (less in a full county)."""
    spots = [(0.0, 0.0)]
    for at in range(1, FIRST_VILLAGE + VILLAGES):
        apart = APART_KM["town" if at < FIRST_VILLAGE else "village"]
        spot = _within(chance)
        while min(math.dist(spot, other) for other in spots) < apart:
            spot, apart = _within(chance), apart * 0.995
        spots.append(spot)
    return np.array(spots)


def _within(chance: np.random.Generator) -> tuple[float, float]:
    radius, angle = RADIUS_KM * math.sqrt(chance.random()), 2 * math.pi * chance.random()
    return radius * math.cos(angle), radius * math.sin(angle)


def _places(spots: Floats, chance: np.random.Generator) -> list[Place]:
    towns = chance.uniform(0.7, 1.3, FIRST_VILLAGE - 1)
    villages = chance.uniform(0.75, 1.35, VILLAGES)
    rest = 1 - SEAT_SHARE - TOWNS_SHARE
    shares = [SEAT_SHARE, *TOWNS_SHARE * towns / towns.sum(), *rest * villages / villages.sum()]
    places = []
    for at, ((east, north), share) in enumerate(zip(spots.tolist(), shares, strict=True)):
        near = [math.dist((east, north), town) for town in spots[:FIRST_VILLAGE].tolist()]
        district = DISTRICTS[int(np.argmin(near))]
        kind: PlaceKind = "seat" if at == 0 else "town" if at < FIRST_VILLAGE else "village"
        name = district if at < FIRST_VILLAGE else f"{district} village {at - FIRST_VILLAGE + 1}"
        places.append(Place(name, kind, district, east, north, float(share)))
    return places


def _outlets(places: tuple[Place, ...]) -> list[Outlet]:
    """Two in the seat, one in each town, one in the largest village: ten."""
    largest = max(places[FIRST_VILLAGE:], key=lambda place: place.share)
    spots = [(places[0], -1.2), (places[0], 1.2)]
    spots += [(place, 0.2) for place in (*places[1:FIRST_VILLAGE], largest)]
    return [
        Outlet(f"B{number:02d}", place.district, place.east_km + east, place.north_km)
        for number, (place, east) in enumerate(spots, start=1)
    ]
