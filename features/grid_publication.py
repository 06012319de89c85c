"""What a grid version tells of its cells, beside all that the versions before it told."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from domain.errors import BadInput
from domain.grid import BANK, Cell, Grid
from domain.publication import Kin, Publication, PublicationSettings, publish

LEVELS = ("parent",)  # attributes of a cell that name what it lies in, the nearest first
TOLD = "told.parquet"


def publish_grid(grid: Grid, folders: Sequence[Path], settings: PublicationSettings) -> Publication:
    """What can be told of `grid`; `folders` hold the versions that were published before."""
    placed = grid.assignment[["customer_id", "cell_id"]]
    return publish(placed, kin_of(grid.cells), told_before(folders), settings.customers_min)


def kin_of(cells: Sequence[Cell]) -> Kin:
    """Cell -> what it lies in, the bank last."""
    return {cell.cell_id: (*(getattr(cell, name) for name in LEVELS), BANK) for cell in cells}


def told_before(folders: Sequence[Path]) -> pd.DataFrame | None:
    """One column per version, indexed by customer_id: the group in which it counts a customer."""
    if not folders:
        return None
    columns = {folder.name: told_in(folder) for folder in folders}
    return pd.concat(columns, axis=1)


def told_in(folder: Path) -> "pd.Series[str]":
    """Customer -> the group in which one version counts it, by its id.

    A version without the file told every cell as it is.
    """
    file = folder / TOLD
    try:
        if file.exists():
            told = pd.read_parquet(file)
        else:
            told = pd.read_parquet(folder / "assignment.parquet").rename(
                columns={"cell_id": "group"}
            )
        return told.set_index("customer_id")["group"]
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(
            f"{file} cannot be read ({error}); without it nothing can be published that is safe "
            "beside that version: put the folder back from a copy"
        ) from error
