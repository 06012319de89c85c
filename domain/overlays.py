"""Layers over the same territory: places of a kind, or groups of customers such as tiers.

A layer puts every customer in one place or outside of all, so the places of a layer within a
cell add up to the cell. The base cells never change for a layer.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from domain.cells import Cell
from domain.errors import BadInput
from domain.grid_settings import GridSettings, OverlaySettings
from domain.placing import Spots
from domain.polygons import geojson, read_places, within

PREFIX = "overlay_"  # of the assignment's columns: overlay_NAME
OUTSIDE = "none"


def overlay_columns(
    people: pd.DataFrame,
    spots: Spots,
    settings: GridSettings,
    files: Mapping[str, Any],
) -> tuple[pd.DataFrame, tuple[Cell, ...]]:
    """One column a layer (the place of each customer, or 'none'), and the places as cells.

    `files`: layer -> GeoJSON feature collection, for the layers that name a file. A place's
    `kind` is the file's (market, village, ...), or the layer's own name where customers are
    grouped; its `parent` is the layer.
    """
    columns, cells = {}, []
    for layer, setting in sorted(settings.overlays.items()):
        if setting.column is not None:
            place, found = _by_column(people, layer, setting.column)
        else:
            place, found = _by_file(spots, layer, setting, settings, files.get(layer))
        column = pd.Series(place, index=people.index, dtype=object)
        columns[PREFIX + layer] = column
        count = column.value_counts().to_dict()
        cells += [
            Cell(name, kind, layer, int(count.get(name, 0)), geometry=geometry)
            for name, (kind, geometry) in sorted(found.items())
        ]
    return pd.DataFrame(columns, index=people.index), tuple(cells)


def crossed(assignment: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Customers of each cell in each place of a layer: the managers' grid, one row a pair.

    >>> rows = pd.DataFrame({"cell_id": ["a", "a", "b"], "overlay_tier": ["gold", "none", "gold"]})
    >>> crossed(rows, "tier").values.tolist()
    [['a', 'gold', 1], ['a', 'none', 1], ['b', 'gold', 1]]
    """
    pairs = assignment.groupby(["cell_id", PREFIX + layer], sort=True).size()
    return pairs.rename("customers").rename_axis(["cell_id", "place"]).reset_index()


Found = dict[str, tuple[str, Mapping[str, Any] | None]]  # place -> its kind and outline


def _by_column(people: pd.DataFrame, layer: str, column: str) -> tuple[list[str], Found]:
    if column not in people:
        raise BadInput(
            f"grid.overlays.{layer}: customers have no column {column!r} "
            f"(they have {', '.join(map(str, people.columns))}); name another or deliver it"
        )
    names = {value: f"{layer}-{value}" for value in people[column].dropna().unique()}
    places = [names.get(value, OUTSIDE) for value in people[column]]
    return places, dict.fromkeys(names.values(), (layer, None))


def _by_file(
    spots: Spots, layer: str, setting: OverlaySettings, settings: GridSettings, collection: Any
) -> tuple[list[str], Found]:
    if collection is None:
        raise BadInput(f"grid.overlays.{layer}: {setting.file} was not given; deliver the file")
    source = f"grid.overlays.{layer}: {setting.file}"
    places = read_places(collection, source, setting.name, setting.kind, datum=settings.datum)
    names = [f"{kind}-{name}" for name, kind in zip(places.names, places.kinds, strict=True)]
    at = within(places, *spots.points)
    found: Found = {
        name: (kind, geojson(shape))
        for name, kind, shape in zip(names, places.kinds, places.shapes, strict=True)
    }
    return [names[place] if place >= 0 else OUTSIDE for place in at.tolist()], found
