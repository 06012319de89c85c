"""The ladder on which everyone is placed: coordinates, district, home outlet, the bank."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from domain.cells import BANK

CODES = ("coordinates", "district", "outlet", "unlocated")  # of confidence, the surest first
NOWHERE = f"unlocated-{BANK}"


class Rung(NamedTuple):
    """A cell for some customers: `prefix` and their value (null for the others), and how sure."""

    values: "pd.Series[str]"
    prefix: str
    confidence: str


def rungs(people: pd.DataFrame, by_coordinates: "pd.Series[str]", basis: str) -> list[Rung]:
    """The rungs of a basis, the first first. On a grid of outlets the home outlet comes first."""
    coordinates = Rung(by_coordinates, "", "coordinates")
    if basis == "outlet":
        return [Rung(people.outlet_id, "outlet-", "outlet"), coordinates]
    return [
        coordinates,
        Rung(people.district, "district-", "district"),
        Rung(people.outlet_id, "unlocated-", "outlet"),
    ]


def climb(ladder: list[Rung], known: Collection[str] | None = None) -> pd.DataFrame:
    """cell_id, kind and confidence of everyone, by the first rung that has a (known) cell.

    >>> first = Rung(pd.Series(["h3-1", None, None]), "", "coordinates")
    >>> second = Rung(pd.Series(["A", "A", None]), "district-", "district")
    >>> climb([first, second]).cell_id.tolist()
    ['h3-1', 'district-A', 'unlocated-bank']
    """
    size = len(ladder[0].values)
    cell: npt.NDArray[np.object_] = np.full(size, None, dtype=object)
    confidence: npt.NDArray[np.object_] = np.full(size, CODES[-1], dtype=object)
    left = np.arange(size)
    for rung in ladder:
        values = rung.values.to_numpy(dtype=object)[left]
        cells = _cells(values, rung.prefix, known)
        placed = pd.notna(cells)
        cell[left[placed]] = cells[placed]
        confidence[left[placed]] = rung.confidence
        left = left[~placed]
    cell[left] = NOWHERE
    kinds = pd.Series(cell, dtype=object).map({name: kind_of(name) for name in set(cell.tolist())})
    return pd.DataFrame({"cell_id": cell, "kind": kinds, "confidence": confidence})


def kind_of(cell_id: str) -> str:
    """What a cell's id says that it is.

    >>> kind_of("district-North")
    'district'
    """
    return cell_id.split("-")[0]


def _cells(
    values: npt.NDArray[np.object_], prefix: str, known: Collection[str] | None
) -> npt.NDArray[np.object_]:
    """Cell of each value, None for a null and for a cell that is not known."""
    codes, names = pd.factorize(values)
    cells = [f"{prefix}{name}" for name in names]
    fits = [cell if known is None or cell in known else None for cell in cells]
    return np.array([*fits, None], dtype=object)[codes]
