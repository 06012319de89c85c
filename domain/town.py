"""Where town begins, by the rule of the grid."""

import h3.api.basic_int as h3

from domain.grid_settings import GridSettings


def town_density(settings: GridSettings) -> float:
    """Customers per km2 from which on a place is town; see `GridSettings`.

    >>> round(town_density(GridSettings(floor=300)), 1), town_density(GridSettings(town_density=9))
    (58.1, 9.0)
    """
    if settings.town_density is not None:
        return settings.town_density
    return settings.floor / float(h3.average_hexagon_area(settings.country, unit="km^2"))
