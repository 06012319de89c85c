"""A grid and its cells, and how even and round they are together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from domain.grid_settings import GridSettings

BANK = "bank"
ASSIGNMENT_COLUMNS = ["customer_id", "cell_id", "parent", "kind", "confidence"]


@dataclass(frozen=True)
class Cell:
    """One cell: its H3 members (merged cells only), parent, size and outline (GeoJSON)."""

    cell_id: str
    kind: str
    parent: str  # the outlet (or district) it reports to
    customers: int
    members: tuple[str, ...] = ()
    geometry: Mapping[str, Any] | None = None
    area: str = ""  # the group of cells between it and its parent
    border: str = ""  # the district or outlet whose border it does not cross
    area_km2: float | None = None
    perimeter_km: float | None = None
    compactness: float | None = None  # 4 pi area / perimeter^2; a circle has 1, a hexagon 0.91
    note: str = ""  # what a reader of the cell must know


@dataclass(frozen=True)
class Grid:
    """A grid version. `assignment`: one row per customer (ASSIGNMENT_COLUMNS), sorted by id.

    Each overlay adds a column `overlay_NAME` to the assignment and its places to `overlays`.
    """

    version: str
    valid_from: date
    settings: GridSettings
    cells: tuple[Cell, ...]
    assignment: pd.DataFrame
    notes: tuple[str, ...] = ()
    overlays: tuple[Cell, ...] = ()  # places of the layers; `parent` is the layer


class Figures(NamedTuple):
    """Merged cells together: number, evenness, roundness, length of their outlines."""

    cells: int
    under_floor: int
    balance: float  # customers of the largest, as a multiple of the smallest
    compactness: float  # mean of the cells'
    boundary_km: float  # sum of the perimeters: a line between two cells counts for both


def figures(cells: Sequence[Cell], floor: int) -> Figures | None:
    """How even and round the merged cells are; None where nothing was merged.

    >>> row = [Cell(name, "h3", "bank", size, perimeter_km=4.0, compactness=0.8)
    ...     for name, size in (("a", 300), ("b", 450))]
    >>> figures(row, 300)
    Figures(cells=2, under_floor=0, balance=1.5, compactness=0.8, boundary_km=8.0)
    """
    merged = [cell for cell in cells if cell.compactness is not None and cell.kind == "h3"]
    if not merged:
        return None
    sizes = [cell.customers for cell in merged]
    return Figures(
        len(merged),
        sum(size < floor for size in sizes),
        max(sizes) / min(sizes),
        sum(cell.compactness or 0.0 for cell in merged) / len(merged),
        sum(cell.perimeter_km or 0.0 for cell in merged),
    )
