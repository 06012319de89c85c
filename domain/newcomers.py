"""Placing customers who came after a grid version was made."""

from collections.abc import Mapping
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from domain.bases import Located, by_district, by_outlet, zones_of_people
from domain.borders import NO_ZONE
from domain.cells import ASSIGNMENT_COLUMNS, BANK, Cell, Grid
from domain.hexagons import index, positions
from domain.ladder import climb, rungs
from domain.merged import home_of
from domain.survey import Survey, survey


def place_newcomers(
    grid: Grid, newcomers: pd.DataFrame, polygons: Mapping[str, Any] | None
) -> pd.DataFrame:
    """Rows of the assignment for customers whom the version does not know."""
    known = survey(newcomers, grid.settings, polygons)
    known = known._replace(outlets=_outlets(grid.cells))
    cells = {cell.cell_id: cell for cell in grid.cells}
    kinds = {cell.kind for cell in grid.cells}
    if "h3" in kinds:
        basis, located = "h3", _on_merged(known, grid)
    elif "outlet" in kinds:
        basis, located = "outlet", by_outlet(known)
    else:
        basis, located = "district", by_district(known)
    placed = climb(rungs(known.people, located.cells, basis), cells.keys())
    placed["customer_id"] = known.people.customer_id
    placed["parent"] = [cells[c].parent if c in cells else BANK for c in placed.cell_id]
    return placed[ASSIGNMENT_COLUMNS]


def _outlets(cells: tuple[Cell, ...]) -> dict[str, tuple[float, float]]:
    points = {
        cell.cell_id.removeprefix("outlet-"): cell.geometry["coordinates"]
        for cell in cells
        if cell.kind == "outlet" and cell.geometry
    }
    return {name: (point[1], point[0]) for name, point in points.items()}


def _on_merged(known: Survey, grid: Grid) -> Located:
    found, zones = known.spots, zones_of_people(known, grid.settings)
    home = home_of({cell.cell_id: cell.members for cell in grid.cells})
    border = {cell.cell_id: cell.border for cell in grid.cells}
    cells: npt.NDArray[np.object_] = np.full(len(zones), None, dtype=object)
    at = np.flatnonzero(found.usable)
    fine = index(
        found.latitude[at].tolist(), found.longitude[at].tolist(), grid.settings.resolution
    )
    for place, cell in zip(at.tolist(), fine, strict=True):
        name = home.get(cell) or home.get(h3.cell_to_parent(cell, grid.settings.country))
        zone = zones.iloc[place]
        if name is not None and zone not in (NO_ZONE, border[name]):
            name = _nearest(cell, zone, home, border)
        cells[place] = name
    return Located(pd.Series(cells, index=zones.index))


def _nearest(
    cell: int, zone: str, home: Mapping[int, str], border: Mapping[str, str]
) -> str | None:
    """The cell of the zone whose land is nearest."""
    own = sorted(member for member, name in home.items() if border[name] == zone)
    if not own:
        return None
    _, nearest = cKDTree(positions(own)).query(positions([cell])[0])
    return home[own[int(nearest)]]
