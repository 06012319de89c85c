"""Coordinates at the door: whatever datum the source declares, the tables hold WGS-84."""

import pandas as pd

from domain.datum import Datum, to_wgs84


def in_wgs84(rows: pd.DataFrame, datum: Datum) -> pd.DataFrame:
    """The rows with latitude and longitude converted from `datum`.

    >>> rows = pd.DataFrame({"latitude": [39.908692, 0.0], "longitude": [116.397477, 0.0]})
    >>> in_wgs84(rows, "GCJ-02").round(3).values.tolist()
    [[39.907, 116.391], [0.0, 0.0]]
    """
    if datum == "WGS-84":
        return rows
    latitude, longitude = to_wgs84(
        rows["latitude"].to_numpy(dtype=float),
        rows["longitude"].to_numpy(dtype=float),
        datum,
    )
    return rows.assign(latitude=latitude, longitude=longitude)
