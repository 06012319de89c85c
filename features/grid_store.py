"""Grid versions on disk: `grids/VERSION/` and `grids/current`, which names the one in use.

A version is written whole or not at all and never changed; each is in force from its first day
until the next one's.
"""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from domain.errors import BadInput
from domain.grid import Grid, GridSettings
from domain.grid_settings import GONE
from domain.layout import Layout
from domain.migration import Migration, migration
from domain.migration_report import migration_report
from domain.publication import PublicationSettings
from features.atomic import growing, new_folder, replacing
from features.grid_files import WAY, cell_of, read_overlays, write_files
from features.grid_publication import publish_grid, told_in


class Version(NamedTuple):
    """A version on disk: its first day, and its place among those of the same day."""

    valid_from: date
    number: int
    name: str


def write_grid(
    grid: Grid,
    layout: Layout,
    publication: PublicationSettings | None = None,
    way: Migration | None = None,
) -> Path:
    """Write a version, with the migration that led to it, and make it current.

    A version that is there already is immutable and left as it is. Raises BadInput when the
    version would begin before one that is there, or cannot be written.
    """
    folder = layout.grids / grid.version
    known = versions(layout)
    _require_forward(grid, known)
    try:
        layout.grids.mkdir(parents=True, exist_ok=True)
        if not folder.exists():
            told = publish_grid(
                grid,
                [layout.grids / one.name for one in known],
                publication or PublicationSettings(),
            )
            report = None
            if way is not None:
                report = migration_report(way, told_in(layout.grids / way.before), told)
            number = 1 + max((one.number for one in known), default=0)
            with growing(layout.grids, ".grid-", new_folder) as staging:
                write_files(grid, told, number, way, report, staging)
                staging.rename(folder)
        with replacing(layout.grids / "current") as current:
            current.write_text(grid.version + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write the grid into {layout.grids}: {error.strerror}") from error
    return folder


def read_grid(layout: Layout, version: str | None = None) -> Grid:
    """The named version, or the current one, with exact counts."""
    version = version or current_version(layout)
    collection = cells_geojson(layout, version)
    folder = layout.grids / version
    try:
        assignment = pd.read_parquet(folder / "assignment.parquet")
        sizes = {str(k): int(n) for k, n in assignment["cell_id"].value_counts().items()}
        about = collection["gridkeep"]
        return Grid(
            version,
            date.fromisoformat(about["valid_from"]),
            _settings(about["settings"]),
            tuple(cell_of(feature, sizes) for feature in collection["features"]),
            assignment,
            tuple(read_report(folder)["notes"]),
            read_overlays(folder),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder, error) from error


def _settings(written: Mapping[str, Any]) -> GridSettings:
    """The settings of a version, without keys that there are no more."""
    return GridSettings.model_validate(
        {key: value for key, value in written.items() if key not in GONE}
    )


def versions(layout: Layout) -> list[Version]:
    """Every version on disk, in the order in which they come into force."""
    folders = [file.parent.name for file in layout.grids.glob("[!.]*/cells.geojson")]
    found = []
    for name in folders:
        about = cells_geojson(layout, name)["gridkeep"]
        try:
            first = date.fromisoformat(about["valid_from"])
            found.append(Version(first, int(about.get("number", 0)), name))
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable(layout.grids / name, error) from error
    return sorted(found)


def told_otherwise(layout: Layout, customers_min: int) -> dict[str, int]:
    """Version -> the `customers_min` it was published with, where that is not today's.

    Of earlier versions only those that told of fewer; the current one either way.
    """
    rules = {
        one.name: int(cells_geojson(layout, one.name)["gridkeep"].get("customers_min", 1))
        for one in versions(layout)
    }
    current = current_version(layout)
    return {
        name: least
        for name, least in rules.items()
        if least < customers_min or (least > customers_min and name == current)
    }


def version_at(layout: Layout, day: date) -> str:
    """The version in force on a day: the last one that had begun.

    Of several that begin on one day it is the one in use, else the last made.
    """
    known = versions(layout)
    begun = [one for one in known if one.valid_from <= day]
    if not begun:
        first = f"the first begins on {known[0].valid_from}" if known else "there is none"
        raise BadInput(
            f"no grid version was in force on {day}: {first}; name a later day, or make one with "
            f"`gridkeep partition --valid-from {day}`"
        )
    last = [one.name for one in begun if one.valid_from == begun[-1].valid_from]
    current = current_version(layout)
    return current if current in last else last[-1]


def cells_geojson(layout: Layout, version: str) -> dict[str, Any]:
    """The cells as a GeoJSON feature collection; rule and version under `gridkeep`.

    `customers` is the figure that may be told, null where none may.
    """
    folder = layout.grids / version
    if not folder.is_dir():
        known = [one.name for one in versions(layout)]
        which = f"there are {', '.join(known)}" if known else "run `gridkeep partition` first"
        raise BadInput(f"there is no grid version {version!r} in {layout.grids}; {which}")
    try:
        collection: dict[str, Any] = json.loads(
            (folder / "cells.geojson").read_text(encoding="utf-8")
        )
        if not isinstance(collection["gridkeep"], dict):
            raise TypeError("'gridkeep' is not an object")
        return collection
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder, error) from error


def read_report(folder: Path) -> dict[str, Any]:
    """`report.json` of a version: exact figures, for inside."""
    try:
        report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        return report
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error


def current_version(layout: Layout) -> str:
    """The version in use."""
    try:
        return (layout.grids / "current").read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise BadInput(f"no grid yet in {layout.grids}; run `gridkeep partition`") from error


def read_migration(layout: Layout, before: str, after: str) -> Migration:
    """The way between two versions, in either direction: the cell of every customer on each.

    The one that was kept when `after` was made from `before` (or the other way round) holds
    newcomers too; else it is made of the customers whom both versions placed.
    """
    for old, new, turn in ((before, after, False), (after, before, True)):
        file = layout.grids / new / WAY
        if file.exists() and cells_geojson(layout, new)["gridkeep"].get("from") == old:
            way = Migration(old, new, pd.read_parquet(file))
            return way.reversed() if turn else way
    sides = [read_grid(layout, version).assignment for version in (before, after)]
    return migration(before, sides[0], after, sides[1])


def _require_forward(grid: Grid, known: list[Version]) -> None:
    last = known[-1] if known else None
    if last and grid.valid_from < last.valid_from:
        raise BadInput(
            f"a version from {grid.valid_from} would begin before {last.name}, which begins on "
            f"{last.valid_from}; name that day or a later one with --valid-from"
        )


def _unreadable(folder: Path, error: Exception) -> BadInput:
    return BadInput(
        f"the grid version in {folder} cannot be read ({type(error).__name__}: {error}); "
        "put the folder back from a copy"
    )
