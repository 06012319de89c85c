"""Where the customers and outlets of random banks are: every place that tempts to go wrong."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd


def random_outlets(draw: np.random.Generator, days: Sequence[date]) -> pd.DataFrame:
    """In a town and around it, across the date line, by the pole, at 0,0 and nowhere.

    One opens on the first of the days, one closes on the second.
    """
    latitude = np.array([30.0, 30.3, 30.02, 30.1, 31.2, -16.5, 0.0, np.nan, 30.0, 89.99, 95.0])
    longitude = np.array(
        [120.0, 120.3, 120.1, 120.0, 120.0, -179.99, 0.0, 120.0, 120.0, 7.0, 120.0]
    )
    opened = np.datetime64("2023-06-01", "D") + draw.integers(0, 600, len(latitude))
    closed = opened + draw.integers(0, 500, len(latitude))
    opened[::3], closed[::2] = np.datetime64("NaT"), np.datetime64("NaT")
    opened[8], closed[1] = np.datetime64(days[0]), np.datetime64(days[1])
    return pd.DataFrame(
        {
            "outlet_id": [f"B{at}" for at in range(len(latitude))],
            "latitude": latitude,
            "longitude": longitude,
            "opened_on": opened,
            "closed_on": closed,
        }
    )


def random_homes(
    draw: np.random.Generator, people: int, outlets: "pd.Series[str]"
) -> dict[str, np.ndarray]:
    """In a town, on edges of squares, around it, at the date line, by the pole, nowhere."""
    latitude = 30 + np.round(draw.normal(0, 0.02, people), 3)
    longitude = 120 + np.round(draw.normal(0, 0.02, people), 3)
    latitude[:8] += draw.normal(0, 0.6, 8)
    latitude[8:12], longitude[8:12] = -16.501, [179.995, 180.0, -180.0, -179.985]
    latitude[12:17], longitude[12:17] = [0, 0, np.nan, 89.985, 30], [0, 0.001, 120, 121, 200]
    home = draw.choice([*outlets, "B99", None], people)
    return {"latitude": latitude, "longitude": longitude, "outlet_id": home}
