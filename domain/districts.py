"""Districts: the customers' names for them, their polygons, and who lives in which."""

import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from domain.grid_settings import GridSettings
from domain.placing import Bounds, Spots
from domain.polygons import Places, geojson, outer_bounds, read_places, touching, within


class Districts(NamedTuple):
    """Polygons by the name that customers use; `places` are in the same order as `names`."""

    names: tuple[str, ...]
    places: Places

    @property
    def bounds(self) -> Bounds:
        """West, south, east, north of all polygons, a tenth wider."""
        west, south, east, north = outer_bounds(self.places)
        across, up = (east - west) / 10, (north - south) / 10
        return west - across, south - up, east + across, north + up

    def lived_in(self, spots: Spots) -> "pd.Series[str]":
        """The district whose polygon holds each point; None where none does."""
        at = within(self.places, *spots.points)
        names = np.array([*self.names, None], dtype=object)
        return pd.Series(names[at], dtype=object)

    def outlines(self) -> dict[str, Any]:
        """GeoJSON of each district."""
        return {
            name: geojson(shape) for name, shape in zip(self.names, self.places.shapes, strict=True)
        }

    def neighbours(self) -> dict[str, dict[str, int]]:
        """Cell of a district -> cells of the districts that touch it."""
        cells = [f"district-{name}" for name in self.names]
        near = touching(self.places.shapes)
        return {
            cell: {cells[other]: length for other, length in row.items()}
            for cell, row in zip(cells, near, strict=True)
        }


def districts(
    collection: Mapping[str, Any] | None, stated: "pd.Series[str]", settings: GridSettings
) -> Districts | None:
    """The polygons of `grid.polygons`, under the names that customers state for them.

    Names meet without accents, case and spaces at hyphens, and by `polygon_aliases`.
    """
    if collection is None:
        return None
    source = f"grid.polygons: {settings.polygons or 'the collection'}"
    places = read_places(collection, source, settings.polygon_name, datum=settings.datum)
    aliases = settings.polygon_aliases
    spoken = {folded(aliases.get(name, name)): name for name in sorted(stated.dropna().unique())}
    return Districts(tuple(spoken.get(folded(name), name) for name in places.names), places)


def district_notes(people: pd.DataFrame, lived_in: "pd.Series[str]", known: Districts) -> list[str]:
    """Districts without a polygon, and customers who live outside the district they state."""
    notes = []
    if known.places.repaired:
        notes.append(
            f"{len(known.places.repaired)} polygons crossed themselves by a hair (first: "
            f"{known.places.repaired[0]}) and were repaired"
        )
    absent = sorted(set(people.district.dropna()) - set(known.names))
    if absent:
        notes.append(
            f"{len(absent)} districts have no polygon (first: {absent[0]}); they have no outline: "
            "add them to the file or to grid.polygon_aliases"
        )
    elsewhere = lived_in.notna() & people.district.isin(known.names) & (lived_in != people.district)
    if elsewhere.any():
        first = people[elsewhere].iloc[0]
        notes.append(
            f"{elsewhere.sum()} customers have coordinates outside their stated district (first: "
            f"{first.customer_id}, who states {first.district} and lives in "
            f"{lived_in[elsewhere].iloc[0]}); the coordinates decide"
        )
    return notes


def folded(name: str) -> str:
    """Without accents, case and spaces at hyphens.

    >>> folded("Brno-město") == folded("Brno - mesto")
    True
    """
    plain = unicodedata.normalize("NFKD", name)
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    return "-".join(part.strip() for part in bare.casefold().split("-"))
