"""Points on the sphere: as unit vectors, whose distances order like those on the ground."""

import numpy as np
import numpy.typing as npt

EARTH_KM = 6371.0088  # mean radius (IUGG)
Floats = npt.NDArray[np.float64]


def unit_vectors(latitude: Floats, longitude: Floats) -> Floats:
    """One row (x, y, z) per point in degrees.

    >>> unit_vectors(np.array([0.0, 90.0]), np.array([0.0, 0.0])).round(3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    lat, lng = np.radians(latitude), np.radians(longitude)
    flat = np.cos(lat)
    return np.column_stack([flat * np.cos(lng), flat * np.sin(lng), np.sin(lat)])


def distance_km(
    point: tuple[float, float] | tuple[Floats, Floats], latitude: Floats, longitude: Floats
) -> Floats:
    """Great-circle distance (haversine) of points from one point, or each from its own.

    >>> distance_km((0.0, 0.0), np.array([0.0]), np.array([1.0])).round(2).tolist()
    [111.2]
    """
    lat, lng = np.radians(latitude), np.radians(longitude)
    here_lat, here_lng = np.radians(point)
    half = np.sin((lat - here_lat) / 2) ** 2
    half = half + np.cos(here_lat) * np.cos(lat) * np.sin((lng - here_lng) / 2) ** 2
    distance: Floats = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return distance
