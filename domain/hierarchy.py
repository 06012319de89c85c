"""The hierarchy cell -> area -> outlet -> bank; every number of a parent is its children's sum.

Where the bank tells no home outlets, districts take the outlets' place; what has neither is
directly under the bank.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from domain.cells import BANK, Cell
from domain.grid_settings import GridSettings
from domain.land import Land
from domain.territory import merge_to_floor

Level = Literal["cell", "area", "outlet", "bank"]


class Unit(NamedTuple):
    """A place in the hierarchy; a cell and the outlet above it may bear the same name."""

    level: Level
    name: str


def chain(cell: Cell) -> tuple[Unit, ...]:
    """The units that a cell counts for, from itself up to the bank.

    >>> [unit.name for unit in chain(Cell("h3-1", "h3", "outlet-7", 300, area="area-h3-1"))]
    ['h3-1', 'area-h3-1', 'outlet-7', 'bank']
    """
    units = [Unit("cell", cell.cell_id)]
    if cell.area:
        units.append(Unit("area", cell.area))
    if cell.parent != BANK:
        units.append(Unit("outlet", cell.parent))
    return (*units, Unit("bank", BANK))


def parents(cells: Sequence[Cell]) -> dict[Unit, Unit]:
    """Parent of every unit but the bank."""
    return {
        child: parent
        for cell in cells
        for child, parent in zip(chain(cell), chain(cell)[1:], strict=False)
    }


def roll_up(cells: Sequence[Cell], number: Mapping[str, float]) -> dict[Unit, float]:
    """An additive number of every unit from that of the cells; a cell without one counts 0.

    >>> rows = [Cell("a", "h3", "outlet-7", 9), Cell("b", "h3", "bank", 5)]
    >>> {unit.name: total for unit, total in roll_up(rows, {"a": 9, "b": 5}).items()}
    {'a': 9, 'outlet-7': 9, 'bank': 14, 'b': 5}
    """
    totals: dict[Unit, float] = {}
    for cell in cells:
        for unit in chain(cell):
            totals[unit] = totals.get(unit, 0) + number.get(cell.cell_id, 0)
    return totals


def with_areas(
    cells: Sequence[Cell],
    neighbours: Mapping[str, Mapping[str, int]],
    district: Mapping[str, str],
    settings: GridSettings,
) -> tuple[Cell, ...]:
    """The cells with their area: adjacent cells of one parent, or the district's cells of it.

    Cells with no neighbours of their parent (those off the map) form an area by kind.
    """
    if settings.areas == "district":
        areas = {cell.cell_id: f"{cell.parent}-{_district(cell, district)}" for cell in cells}
    else:
        areas = _adjacent(cells, neighbours, settings.area_cells)
    return tuple(replace(cell, area=f"area-{areas[cell.cell_id]}") for cell in cells)


def _district(cell: Cell, district: Mapping[str, str]) -> str:
    return district.get(cell.cell_id, cell.kind)


def _adjacent(
    cells: Sequence[Cell], neighbours: Mapping[str, Mapping[str, int]], least: int
) -> dict[str, str]:
    mapped = sorted((cell for cell in cells if cell.cell_id in neighbours), key=lambda c: c.cell_id)
    at = {cell.cell_id: place for place, cell in enumerate(mapped)}
    near = [
        {
            at[other]: length
            for other, length in neighbours[cell.cell_id].items()
            if mapped[at[other]].parent == cell.parent
        }
        for cell in mapped
    ]
    group = merge_to_floor(Land([1] * len(mapped), near), least)
    first: dict[int, str] = {}
    for cell, number in zip(mapped, group, strict=True):
        first.setdefault(number, cell.cell_id)
    rest = {c.cell_id: f"{c.parent}-{c.kind}" for c in cells if c.cell_id not in at}
    return rest | {cell.cell_id: first[number] for cell, number in zip(mapped, group, strict=True)}
