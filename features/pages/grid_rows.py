"""One row per cell of the grid page, with the figures that may be told, the densest first."""

from typing import NamedTuple

from domain.grid import Cell, Grid
from domain.publication import Publication
from features.pages.outlines import area_km2


class Row(NamedTuple):
    """A cell. `customers` and `density` (per km2) are those of `together`, its group."""

    number: int
    cell_id: str
    kind: str
    parent: str
    together: tuple[str, ...]
    customers: int | None
    area: float | None
    density: float | None

    @property
    def alone(self) -> bool:
        """Whether the figures are the cell's own."""
        return len(self.together) == 1


def grid_rows(grid: Grid, told: Publication) -> list[Row]:
    """Rows numbered by density, then by customers where there is no outline.

    A group's density is that of its cells with an outline, if all have one.
    """
    areas = {cell.cell_id: area_km2(cell.geometry) for cell in grid.cells}
    rows = [_row(cell, told, areas) for cell in grid.cells]
    rows.sort(key=lambda row: (-(row.density or 0), -(row.customers or 0), row.cell_id))
    return [row._replace(number=at) for at, row in enumerate(rows, 1)]


def _row(cell: Cell, told: Publication, areas: dict[str, float | None]) -> Row:
    group = told.group_of[cell.cell_id]
    together = told.groups[group]
    customers = told.sizes[group]
    parts = [areas[name] for name in together]
    known = [area for area in parts if area is not None]
    whole = sum(known) if len(known) == len(parts) else None
    return Row(
        0,
        cell.cell_id,
        cell.kind,
        cell.parent,
        together,
        customers,
        areas[cell.cell_id],
        customers / whole if whole and customers is not None else None,
    )
