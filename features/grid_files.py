"""The files of one grid version: what each holds, and which of them may leave the bank.

To be published: `index.html`, `cells.geojson`, `migration.json`. Inside only, with exact figures
and customers: `assignment.parquet`, `told.parquet`, `migration.parquet`, `overlays.json`,
`report.json`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pandas as pd

from domain.grid import Cell, Grid, grid_figures
from domain.migration import Migration
from domain.migration_report import MigrationReport
from domain.publication import Publication
from features.grid_publication import TOLD
from features.pages.grid_page import GridSite, grid_page

WAY = "migration.parquet"
OVERLAYS = "overlays.json"


def write_files(
    grid: Grid,
    told: Publication,
    number: int,
    way: Migration | None,
    migrated: MigrationReport | None,
    folder: Path,
) -> None:
    """Write every file of a version into `folder`; `number` is its place among the versions."""
    grid.assignment.to_parquet(folder / "assignment.parquet", index=False)
    told.told.to_parquet(folder / TOLD, index=False)
    _write_json(folder / "report.json", grid_report(grid, told), indent=1)
    _write_json(folder / OVERLAYS, [_plain_feature(place) for place in grid.overlays])
    if way is not None and migrated is not None:
        way.customers.to_parquet(folder / WAY, index=False)
        _write_json(folder / "migration.json", asdict(migrated))
    page = grid_page(GridSite(grid, told, migrated))
    (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")
    _write_json(folder / "cells.geojson", _collection(grid, told, number, way))


def read_overlays(folder: Path) -> tuple[Cell, ...]:
    """Places of the overlays, with exact counts."""
    places = json.loads((folder / OVERLAYS).read_text(encoding="utf-8"))
    sizes = {place["properties"]["cell_id"]: place["properties"]["customers"] for place in places}
    return tuple(cell_of(place, sizes) for place in places)


def cell_of(feature: Mapping[str, Any], sizes: Mapping[str, int]) -> Cell:
    """A cell as it was written; its customers from `sizes`, which are exact."""
    about = feature["properties"]
    known = {field.name for field in fields(Cell)} & about.keys()
    values = {name: _frozen(about[name]) for name in known}
    values |= {"geometry": feature["geometry"], "customers": sizes.get(about["cell_id"], 0)}
    return Cell(**values)


def grid_report(grid: Grid, told: Publication) -> dict[str, Any]:
    """What a reader inside wants to know: cells and customers by kind, and what is hidden."""
    kinds = pd.DataFrame([(c.kind, c.customers) for c in grid.cells], columns=["kind", "customers"])
    table = kinds.groupby("kind").customers.agg(["count", "sum", "min", "median", "max"])
    return {
        "version": grid.version,
        "valid_from": grid.valid_from.isoformat(),
        "cells": len(grid.cells),
        "customers": len(grid.assignment),
        "confidence": grid.assignment.confidence.value_counts().sort_index().to_dict(),
        "by_kind": table.rename(columns={"count": "cells", "sum": "customers"}).to_dict("index"),
        "under_floor": int((kinds.customers < grid.settings.floor).sum()),
        "merged": figures._asdict() if (figures := grid_figures(grid)) else None,
        "notes": list(grid.notes),
        "published": {
            "customers_min": told.customers_min,
            "hidden_cells": len(told.hidden),
            "not_counted": told.not_counted,
            "still_counted": told.still_counted,
        },
    }


def _collection(
    grid: Grid, told: Publication, number: int, way: Migration | None
) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "gridkeep": {
            "version": grid.version,
            "valid_from": grid.valid_from.isoformat(),
            "number": number,
            "from": way.before if way else None,
            "settings": grid.settings.model_dump(),
            "customers_min": told.customers_min,
        },
        "features": [_feature(cell, told) for cell in grid.cells],
    }


def _plain_feature(cell: Cell) -> dict[str, Any]:
    about = {field.name: getattr(cell, field.name) for field in fields(Cell)}
    return {"type": "Feature", "geometry": about.pop("geometry"), "properties": about}


def _feature(cell: Cell, told: Publication) -> dict[str, Any]:
    about = {field.name: getattr(cell, field.name) for field in fields(Cell)}
    geometry = about.pop("geometry")
    together = told.groups[told.group_of[cell.cell_id]]
    figures = {
        "customers": told.customers([cell.cell_id]),
        "told_with": [name for name in together if name != cell.cell_id],
        "customers_together": told.customers(together),
    }
    return {"type": "Feature", "geometry": geometry, "properties": {**about, **figures}}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def _write_json(file: Path, value: Any, indent: int | None = None) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    file.write_text(text, encoding="utf-8")
