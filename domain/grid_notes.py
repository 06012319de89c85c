"""What a reader of a grid version is told: who could not be placed well, and why."""

from collections.abc import Mapping, Sequence

import pandas as pd

from domain.bases import Located
from domain.cells import Cell
from domain.districts import district_notes
from domain.grid_settings import GridSettings
from domain.ladder import NOWHERE
from domain.merged import Before
from domain.placing import problem_notes
from domain.survey import Survey


def notes_of(
    known: Survey,
    placed: pd.DataFrame,
    located: Located,
    cells: Sequence[Cell],
    settings: GridSettings,
) -> list[str]:
    """One sentence for each thing that is worth knowing, with a count and a first example."""
    notes = problem_notes(known.spots, known.people.customer_id)
    if not known.spots.usable.any():
        notes.append("no customer has coordinates; placed by district or outlet")
    if known.districts:
        notes += district_notes(known.people, known.lived_in, known.districts)
    notes += _border_notes(known, located, settings)
    notes += _floor_notes(cells, settings)
    nowhere = (placed.cell_id == NOWHERE).sum()
    if nowhere:
        notes.append(f"{nowhere} customers have neither coordinates, district nor outlet")
    return notes


def memory_note(before: Mapping[str, Before], located: Located) -> str:
    """How many cells of the version before were kept."""
    if not before:
        return (
            "nothing of the version before could be kept: it has no merged cells, or other "
            "resolutions or borders"
        )
    kept = located.merged.kept if located.merged else frozenset()
    return f"{len(kept)} of {len(before)} cells of the version before were kept"


def _border_notes(known: Survey, located: Located, settings: GridSettings) -> list[str]:
    if located.strays is None or not located.strays.any():
        return []
    ids, beyond = known.people.customer_id, pd.Series(located.strays)
    homeless = beyond & located.cells.isna()
    notes = []
    if (beyond & ~homeless).any():
        first = ids[beyond & ~homeless].iloc[0]
        notes.append(
            f"{(beyond & ~homeless).sum()} customers live beyond the border of their "
            f"{settings.borders} (first: {first}); counted in its nearest cell"
        )
    if homeless.any():
        notes.append(
            f"{homeless.sum()} customers belong to a {settings.borders} that has no land of its "
            f"own (first: {ids[homeless].iloc[0]}); placed by district or outlet"
        )
    return notes


def _floor_notes(cells: Sequence[Cell], settings: GridSettings) -> list[str]:
    merged = [cell for cell in cells if cell.kind == "h3"]
    small = [cell for cell in merged if cell.customers < settings.floor]
    if not small:
        return []
    if len(merged) == 1:
        return [
            f"the floor of {settings.floor} customers is above the {small[0].customers} with "
            "coordinates: they are one cell; lower grid.floor for more"
        ]
    return [
        f"{len(small)} cells are under the floor of {settings.floor} customers (first: "
        f"{small[0].cell_id}, {small[0].customers}): {_cause(settings)}"
    ]


def _cause(settings: GridSettings) -> str:
    if settings.borders == "none":
        return "kept from the version before, within grid.band"
    return f"the {settings.borders} borders forbid to merge them, or they were kept within the band"
