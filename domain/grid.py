"""The grid: a versioned, immutable division of the bank's territory into cells.

Everyone is placed, by a ladder: coordinates (merged H3 cells), administrative district, home
outlet, and at last the bank as a whole; `confidence` says on which rung.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from domain.bases import locate
from domain.build import build_cells
from domain.cells import ASSIGNMENT_COLUMNS, BANK, Cell, Figures, Grid, figures
from domain.grid_notes import memory_note, notes_of
from domain.grid_settings import GridSettings, OverlaySettings
from domain.ladder import climb, rungs
from domain.merged import cells_before
from domain.newcomers import place_newcomers
from domain.overlays import overlay_columns
from domain.publication import PublicationSettings
from domain.survey import basis_of, survey

__all__ = [
    "ASSIGNMENT_COLUMNS",
    "BANK",
    "Cell",
    "Figures",
    "Grid",
    "GridSettings",
    "OverlaySettings",
    "assign",
    "grid_figures",
    "partition",
]


def partition(
    customers: pd.DataFrame,
    settings: GridSettings | None = None,
    *,
    valid_from: date,
    polygons: Mapping[str, Any] | None = None,
    previous: Grid | None = None,
    outlets: pd.DataFrame | None = None,
    overlays: Mapping[str, Any] | None = None,
    publication: PublicationSettings | None = None,
) -> Grid:
    """Cut the territory of `customers` and place every one of them.

    `customers`: one row per customer with customer_id and, where known, latitude, longitude
    (WGS-84 degrees), district, outlet_id, and the columns of the overlays. GeoJSON feature
    collections: `polygons` of districts, `overlays` by name. `previous`: the version before, whose
    cells keep land and id while they stay within the band around the floor. `outlets`: one row
    per outlet that is open, with outlet_id, latitude and longitude; without a place of any, those
    with `publication.customers_min` located customers stand amid them, to about 1 km.

    >>> people = pd.DataFrame({"customer_id": ["a", "b"], "district": ["North", None]})
    >>> partition(people, valid_from=date(2026, 1, 1)).assignment.cell_id.tolist()
    ['district-North', 'unlocated-bank']
    """
    settings = settings or GridSettings()
    known = survey(customers, settings, polygons, outlets, publication)
    basis = basis_of(known, settings.basis)
    before = cells_before(previous, settings)
    located = locate(known, basis, settings, before)
    placed = climb(rungs(known.people, located.cells, basis))
    cells = build_cells(known, placed, located, settings)
    layers, places = overlay_columns(known.people, known.spots, settings, overlays or {})
    parents = {cell.cell_id: cell.parent for cell in cells}
    placed["customer_id"], placed["parent"] = known.people.customer_id, placed.cell_id.map(parents)
    assignment = pd.concat([placed[ASSIGNMENT_COLUMNS], layers], axis=1)
    notes = notes_of(known, placed, located, cells, settings)
    if previous is not None:
        notes.append(memory_note(before, located))
    version = _version(assignment, cells, settings, valid_from)
    return Grid(version, valid_from, settings, cells, assignment, tuple(notes), places)


def assign(
    grid: Grid, customers: pd.DataFrame, polygons: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Rows of the assignment for any customers, those who came after the version included.

    A customer of the version keeps the cell it has; a new one is placed by the same ladder among
    the version's cells, and in `unlocated-bank` where none fits. `polygons`: as for `partition`,
    where districts decide.
    """
    rows = grid.assignment[ASSIGNMENT_COLUMNS]
    known = rows[rows.customer_id.isin(customers.customer_id)]
    new = customers[~customers.customer_id.isin(known.customer_id)]
    if new.empty:
        return known.reset_index(drop=True)
    return pd.concat([known, place_newcomers(grid, new, polygons)], ignore_index=True)


def grid_figures(grid: Grid) -> Figures | None:
    """Balance, compactness and boundary length of the merged cells; None without any."""
    return figures(grid.cells, grid.settings.floor)


def _version(
    assignment: pd.DataFrame, cells: tuple[Cell, ...], settings: GridSettings, valid_from: date
) -> str:
    rule = {
        "valid_from": valid_from.isoformat(),
        "settings": settings.model_dump(),
        "members": {cell.cell_id: cell.members for cell in cells},
    }
    digest = hashlib.sha256(json.dumps(rule, sort_keys=True).encode())
    for name in assignment:
        digest.update("\n".join(map(str, [name, *assignment[name].tolist()])).encode())
    return f"grid-{digest.hexdigest()[:8]}"
