"""The ladder on which everyone is placed: coordinates, district, home outlet, the bank."""

from collections.abc import Collection
from typing import NamedTuple

import pandas as pd

from domain.cells import BANK

CODES = ("coordinates", "district", "outlet", "unlocated")  # of confidence, the surest first
NOWHERE = f"unlocated-{BANK}"


class Rung(NamedTuple):
    """A cell for some customers (None for the others), and the confidence that it deserves."""

    cells: "pd.Series[str]"
    confidence: str


def rungs(people: pd.DataFrame, by_coordinates: "pd.Series[str]", basis: str) -> list[Rung]:
    """The rungs of a basis, the first first. On a grid of outlets the home outlet comes first."""
    coordinates = Rung(by_coordinates, "coordinates")
    if basis == "outlet":
        return [Rung(_named("outlet-", people.outlet_id), "outlet"), coordinates]
    return [
        coordinates,
        Rung(_named("district-", people.district), "district"),
        Rung(_named("unlocated-", people.outlet_id), "outlet"),
    ]


def climb(ladder: list[Rung], known: Collection[str] | None = None) -> pd.DataFrame:
    """cell_id, kind and confidence of everyone, by the first rung that has a (known) cell.

    >>> first = Rung(pd.Series(["h3-1", None, None]), "coordinates")
    >>> second = Rung(pd.Series(["district-A", "district-A", None]), "district")
    >>> climb([first, second]).cell_id.tolist()
    ['h3-1', 'district-A', 'unlocated-bank']
    """
    index = ladder[0].cells.index
    cell = pd.Series(None, index=index, dtype=object)
    confidence = pd.Series(CODES[-1], index=index, dtype=object)
    for rung in ladder:
        fits = cell.isna() & rung.cells.notna()
        if known is not None:
            fits &= rung.cells.isin(list(known))
        cell[fits] = rung.cells[fits]
        confidence[fits] = rung.confidence
    cell = cell.where(cell.notna(), NOWHERE)
    return pd.DataFrame(
        {"cell_id": cell, "kind": _kinds(cell), "confidence": confidence}, index=index
    )


def _named(prefix: str, names: "pd.Series[str]") -> "pd.Series[str]":
    ids = {name: f"{prefix}{name}" for name in names.dropna().unique()}
    return names.map(ids).astype(object)


def _kinds(cells: "pd.Series[str]") -> "pd.Series[str]":
    return cells.map({cell: cell.split("-")[0] for cell in cells.unique()})
