"""The grid: a versioned, immutable division of the bank's territory into cells.

Everyone is placed, by a ladder: coordinates (merged H3 cells), administrative district, home
outlet, and at last the bank as a whole; `confidence` says on which rung.
"""

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import h3
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from domain.errors import BadInput
from domain.territory import merge_to_floor

Basis = Literal["auto", "h3", "district", "outlet"]
BANK = "bank"
CONFIDENCE = {"h3": "coordinates", "district": "district", "outlet": "outlet"}
ASSIGNMENT_COLUMNS = ["customer_id", "cell_id", "parent", "kind", "confidence"]


class GridSettings(BaseModel):
    """[grid]: how the territory is cut."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    basis: Basis = "auto"  # auto: coordinates if there are any, else districts, else outlets
    resolution: int = Field(default=8, ge=0, le=12)  # of the H3 cells that are merged
    floor: int = Field(default=300, ge=1)  # customers of a merged cell
    polygons: str | None = None  # GeoJSON of the districts, for the map
    polygon_name: str = "name"  # the property that holds the district's name
    polygon_aliases: dict[str, str] = Field(default_factory=dict)  # customers' name -> polygon's


@dataclass(frozen=True)
class Cell:
    """One cell: its H3 members (merged cells only), parent, size and outline (GeoJSON)."""

    cell_id: str
    kind: str
    parent: str
    customers: int
    members: tuple[str, ...] = ()
    geometry: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Grid:
    """A grid version. `assignment`: one row per customer (ASSIGNMENT_COLUMNS), sorted by id."""

    version: str
    valid_from: date
    settings: GridSettings
    cells: tuple[Cell, ...]
    assignment: pd.DataFrame
    notes: tuple[str, ...] = ()


def partition(
    customers: pd.DataFrame,
    settings: GridSettings | None = None,
    *,
    valid_from: date,
    polygons: Mapping[str, Any] | None = None,
    previous: Grid | None = None,
) -> Grid:
    """Cut the territory of `customers` and place every one of them.

    A cell that has the members of a cell of `previous` keeps its id.

    `customers`: one row per customer with customer_id and, where known, latitude, longitude
    (WGS-84 degrees), district, outlet_id. `polygons`: a GeoJSON feature collection of districts.

    >>> people = pd.DataFrame({"customer_id": ["a", "b"], "district": ["North", None]})
    >>> partition(people, valid_from=date(2026, 1, 1)).assignment.cell_id.tolist()
    ['district-North', 'unlocated-bank']
    """
    settings = settings or GridSettings()
    if customers.empty:
        raise BadInput("there are no customers to place on a grid; deliver the customers table")
    people = _prepared(customers)
    basis = _basis(people, settings.basis)
    located, members = _located(people, basis, settings)
    if previous is not None:
        located, members = _kept(located, members, previous)
    outlines = _outlines(polygons, settings)
    cells = tuple(_cells(located, members, outlines, settings))
    parents = {cell.cell_id: cell.parent for cell in cells}
    located["parent"] = located.cell_id.map(parents)
    assignment = located[ASSIGNMENT_COLUMNS].sort_values("customer_id", ignore_index=True)
    version = _version(assignment, cells, settings, valid_from)
    return Grid(version, valid_from, settings, cells, assignment, tuple(_notes(people, located)))


def assign(grid: Grid, customers: pd.DataFrame) -> pd.DataFrame:
    """Rows of the assignment for any customers, those who came after the version included.

    A customer of the version keeps the cell it has; a new one is placed by the same ladder among
    the version's cells, and in `unlocated-bank` where none fits.
    """
    known = grid.assignment[grid.assignment.customer_id.isin(customers.customer_id)]
    new = customers[~customers.customer_id.isin(known.customer_id)]
    if new.empty:
        return known.reset_index(drop=True)
    cells = {cell.cell_id: cell for cell in grid.cells}
    home = {member: cell.cell_id for cell in grid.cells for member in cell.members}
    people = _prepared(new)
    people["cell_id"] = [
        _place(row, home, cells, grid.settings.resolution) for row in people.itertuples()
    ]
    people["kind"] = people.cell_id.str.split("-").str[0]
    people["parent"] = [cells[c].parent if c in cells else BANK for c in people.cell_id]
    people["confidence"] = people.kind.map(CONFIDENCE).fillna("none")
    return pd.concat([known, people[ASSIGNMENT_COLUMNS]], ignore_index=True)


def _place(row: Any, home: Mapping[str, str], cells: Mapping[str, Cell], resolution: int) -> str:
    rungs = [
        home.get(h3.latlng_to_cell(row.latitude, row.longitude, resolution))
        if row.placed
        else None,
        f"district-{row.district}",
        f"outlet-{row.outlet_id}",
        f"unlocated-{row.outlet_id}",
    ]
    return next((cell for cell in rungs if cell and cell in cells), f"unlocated-{BANK}")


def _prepared(customers: pd.DataFrame) -> pd.DataFrame:
    people = customers.reindex(
        columns=["customer_id", "latitude", "longitude", "district", "outlet_id"]
    ).copy()
    people["zero"] = (people.latitude == 0) & (people.longitude == 0)
    people["placed"] = people.latitude.notna() & people.longitude.notna() & ~people.zero
    return people


def _basis(people: pd.DataFrame, basis: Basis) -> str:
    known = {
        "h3": people.placed.any(),
        "district": people.district.notna().any(),
        "outlet": people.outlet_id.notna().any(),
    }
    if basis == "auto":
        return next((kind for kind, there in known.items() if there), "outlet")
    if not known[basis]:
        need = {"h3": "latitude and longitude"}.get(basis, basis)
        raise BadInput(f"grid.basis is {basis!r}, but no customer has {need}; set it to 'auto'")
    return basis


def _located(
    people: pd.DataFrame, basis: str, settings: GridSettings
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]]]:
    """`people` with cell_id, kind and confidence, and the H3 members of each merged cell."""
    people = people.assign(cell_id=pd.Series(pd.NA, index=people.index, dtype="object"))
    members: dict[str, tuple[str, ...]] = {}
    if basis == "h3":
        found = people.loc[people.placed, ["latitude", "longitude"]].itertuples(index=False)
        index = [h3.latlng_to_cell(lat, lng, settings.resolution) for lat, lng in found]
        counts = dict(Counter(index))
        territories = merge_to_floor(counts, settings.floor)
        members = {
            f"h3-{min(cells & counts.keys())}": tuple(sorted(cells)) for cells in territories
        }
        home = {cell: name for name, cells in members.items() for cell in cells}
        people.loc[people.placed, "cell_id"] = [home[cell] for cell in index]
    by_outlet = [("outlet_id", "outlet")]
    rungs = (
        by_outlet if basis == "outlet" else [("district", "district"), ("outlet_id", "unlocated")]
    )
    for column, kind in rungs:
        here = people.cell_id.isna() & people[column].notna()
        people.loc[here, "cell_id"] = kind + "-" + people.loc[here, column].astype(str)
    people["cell_id"] = people.cell_id.fillna(f"unlocated-{BANK}")
    people["kind"] = people.cell_id.str.split("-").str[0]
    people["confidence"] = people.kind.map(CONFIDENCE).fillna("none")
    return people, members


def _kept(
    located: pd.DataFrame, members: Mapping[str, tuple[str, ...]], previous: Grid
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]]]:
    """The same, merged cells under the ids that the previous version has for their members."""
    old = {cell.members: cell.cell_id for cell in previous.cells if cell.members}
    names = {name: old.get(cells, name) for name, cells in members.items()}
    if len(set(names.values())) < len(names):
        return located, dict(members)
    kept = located.assign(cell_id=located.cell_id.replace(names))
    return kept, {names[name]: cells for name, cells in members.items()}


def _cells(
    located: pd.DataFrame,
    members: Mapping[str, tuple[str, ...]],
    outlines: Mapping[str, Any],
    settings: GridSettings,
) -> list[Cell]:
    cells = []
    for cell_id, people in located.groupby("cell_id", sort=True):
        name, kind = str(cell_id), str(people.kind.iloc[0])
        parent = _parent(kind, people)
        if name in members:
            outline = h3.cells_to_geo(members[name])
        else:
            district = name.removeprefix("district-")
            outline = outlines.get(_folded(settings.polygon_aliases.get(district, district)))
        cells.append(Cell(name, kind, parent, len(people), members.get(name, ()), outline))
    return cells


def _parent(kind: str, people: pd.DataFrame) -> str:
    """The home outlet of most of the cell's customers, else their district, else the bank."""
    if kind != "outlet" and people.outlet_id.notna().any():
        return f"outlet-{people.outlet_id.mode().iloc[0]}"
    if kind == "h3" and people.district.notna().any():
        return f"district-{people.district.mode().iloc[0]}"
    return BANK


def _outlines(polygons: Mapping[str, Any] | None, settings: GridSettings) -> dict[str, Any]:
    if polygons is None:
        return {}
    try:
        return {
            _folded(feature["properties"][settings.polygon_name]): feature["geometry"]
            for feature in polygons["features"]
        }
    except (KeyError, TypeError) as error:
        raise BadInput(
            f"{settings.polygons} is not a GeoJSON feature collection whose features have the "
            f"property {settings.polygon_name!r}; set grid.polygon_name"
        ) from error


def _folded(name: str) -> str:
    """Without accents, case and spaces at hyphens: 'Brno-město' meets 'Brno - mesto'."""
    plain = unicodedata.normalize("NFKD", name)
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    return "-".join(part.strip() for part in bare.casefold().split("-"))


def _version(
    assignment: pd.DataFrame, cells: tuple[Cell, ...], settings: GridSettings, valid_from: date
) -> str:
    rule = {
        "valid_from": valid_from.isoformat(),
        "settings": settings.model_dump(),
        "members": {cell.cell_id: cell.members for cell in cells},
    }
    digest = hashlib.sha256(json.dumps(rule, sort_keys=True).encode())
    digest.update(assignment.to_csv(index=False).encode())
    return f"grid-{digest.hexdigest()[:8]}"


def _notes(people: pd.DataFrame, located: pd.DataFrame) -> list[str]:
    notes = []
    if people.zero.any():
        first = people.customer_id[people.zero].iloc[0]
        notes.append(
            f"{people.zero.sum()} customers stand at 0,0 (first: {first}); placed without it"
        )
    if not people.placed.any():
        notes.append("no customer has coordinates; placed by district or outlet")
    nowhere = (located.cell_id == f"unlocated-{BANK}").sum()
    if nowhere:
        notes.append(f"{nowhere} customers have neither coordinates, district nor outlet")
    return notes
