"""Place: how far the bank's outlets are, and how many of its customers live around.

What the bank knows of a place today holds for every cut-off: neither homes nor outlets move.
"""

from typing import TYPE_CHECKING

from features.dialect import ratio
from features.feature import feature
from features.ground import distance_km, nine_squares_km2

if TYPE_CHECKING:
    from ibis.expr.types import NumericValue, Table

RADIUS_KM = 50  # an outlet farther away is nobody's nearest


@feature(unit="km", low=0, high=20_016, over="places")
def home_outlet_km(place: "Table") -> "NumericValue":
    """Distance as the crow flies to the home outlet, where both places are known."""
    home = (place.home_latitude, place.home_longitude)
    return distance_km(place.latitude, place.longitude, *home).max()


@feature(unit="km", low=0, high=RADIUS_KM, over="places")
def nearest_outlet_km(place: "Table") -> "NumericValue":
    """Distance as the crow flies to the nearest open outlet, if one is within 50 km."""
    outlet = (place.outlet_latitude, place.outlet_longitude)
    away = distance_km(place.latitude, place.longitude, *outlet)
    return away.min(where=away <= RADIUS_KM)


# neighbours share it: one who comes moves all of them at once, which is no drift of theirs
@feature(unit="customers per km2", low=0, over="places", monitored=False)
def customers_per_km2(place: "Table") -> "NumericValue":
    """Customers of the bank per km2 in the square of 0.01 degrees and the 8 around it."""
    return ratio(place.customers_around.max(), nine_squares_km2(place.north).max())
