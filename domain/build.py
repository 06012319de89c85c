"""Cells from the customers who were placed in them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt
import pandas as pd

from domain.bases import Located
from domain.cells import BANK, Cell
from domain.districts import Districts
from domain.grid_settings import GridSettings
from domain.hierarchy import with_areas
from domain.ladder import kind_of
from domain.outlines import figure, outline
from domain.survey import Positions, Survey


def build_cells(
    known: Survey, placed: pd.DataFrame, located: Located, settings: GridSettings
) -> tuple[Cell, ...]:
    """Every cell with customers: its parent, area, members, outline and figures, sorted by id."""
    codes, names = pd.factorize(placed.cell_id, sort=True)
    outlet = mode_of(codes, known.people.outlet_id)
    district = mode_of(codes, known.people.district)
    outlines = known.districts.outlines() if known.districts else {}
    cells = []
    for code, (name, count) in enumerate(zip(names, np.bincount(codes), strict=True)):
        kind = kind_of(name)
        parent = _parent(kind, outlet.get(code), district.get(code), bool(located.merged))
        bare = Cell(str(name), kind, parent, int(count))
        cells.append(_drawn(bare, located, outlines, known.outlets, settings))
    own = {str(names[code]): value for code, value in district.items()}
    return with_areas(cells, _neighbours(located, known.districts, cells), own, settings)


def mode_of(codes: npt.NDArray[np.int64], values: "pd.Series[str]") -> dict[int, str]:
    """The most common value of each code, ties to the first; codes without values are absent.

    >>> mode_of(np.array([0, 0, 1]), pd.Series(["y", "x", None]))
    {0: 'x'}
    """
    value, names = pd.factorize(values, sort=True)
    there = value >= 0
    pairs, counts = np.unique(codes[there] * len(names) + value[there], return_counts=True)
    order = np.lexsort((-pairs, counts))  # the last of a code is its most common, first in name
    return {int(pair // len(names)): str(names[pair % len(names)]) for pair in pairs[order]}


def _parent(kind: str, outlet: str | None, district: str | None, merged: bool) -> str:
    """The home outlet of most of the cell's customers, else their district, else the bank."""
    if kind != "outlet" and outlet is not None:
        return f"outlet-{outlet}"
    if kind in ("h3", "district") and merged and district is not None:
        return f"district-{district}"
    return BANK


def _drawn(
    cell: Cell,
    located: Located,
    outlines: Mapping[str, Any],
    outlets: Positions,
    settings: GridSettings,
) -> Cell:
    if cell.kind == "h3" and located.merged is not None:
        return _merged(cell, located, settings)
    name = cell.cell_id.removeprefix(f"{cell.kind}-")
    if cell.kind == "district" and name in outlines:
        size = figure(outlines[name])
        return replace(
            cell,
            geometry=outlines[name],
            area_km2=size.area_km2,
            perimeter_km=size.perimeter_km,
            compactness=size.compactness,
        )
    if cell.kind == "outlet" and name in outlets:
        latitude, longitude = outlets[name]
        return replace(cell, geometry={"type": "Point", "coordinates": [longitude, latitude]})
    return cell


def _merged(cell: Cell, located: Located, settings: GridSettings) -> Cell:
    assert located.merged is not None  # noqa: S101 (the caller looked)
    members = located.merged.members[cell.cell_id]
    geometry = outline(map(h3.str_to_int, members), settings.resolution)
    size, border = figure(geometry), located.merged.borders[cell.cell_id]
    return replace(
        cell,
        members=members,
        geometry=geometry,
        border=border,
        area_km2=size.area_km2,
        perimeter_km=size.perimeter_km,
        compactness=size.compactness,
        note=_note(cell, border, settings),
    )


def _note(cell: Cell, border: str, settings: GridSettings) -> str:
    if cell.customers >= settings.floor:
        return ""
    if settings.borders == "none":
        return f"under the floor of {settings.floor} customers"
    return (
        f"under the floor of {settings.floor} customers: no neighbour within the "
        f"{settings.borders} {border or '(none)'}"
    )


def _neighbours(
    located: Located, known: Districts | None, cells: list[Cell]
) -> Mapping[str, Mapping[str, int]]:
    if located.merged is not None:
        return located.merged.neighbours
    there = {cell.cell_id for cell in cells}
    near = known.neighbours() if known else {}
    return {
        cell: {other: length for other, length in row.items() if other in there}
        for cell, row in near.items()
        if cell in there
    }
