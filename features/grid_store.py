"""Grid versions on disk: `grids/VERSION/` and `grids/current`, which names the one in use."""

import json
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from domain.errors import BadInput
from domain.grid import Cell, Grid, GridSettings, grid_figures
from domain.layout import Layout
from features.atomic import growing, new_folder, replacing


def write_grid(grid: Grid, layout: Layout) -> Path:
    """Write `cells.geojson`, `assignment.parquet`, `report.json`; make the version current.

    A version that is there already is immutable and left as it is.
    """
    folder = layout.grids / grid.version
    try:
        layout.grids.mkdir(parents=True, exist_ok=True)
        if not folder.exists():
            with growing(layout.grids, ".grid-", new_folder) as staging:
                _write_files(grid, staging)
                staging.rename(folder)
        with replacing(layout.grids / "current") as current:
            current.write_text(grid.version + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write the grid into {layout.grids}: {error.strerror}") from error
    return folder


def read_grid(layout: Layout, version: str | None = None) -> Grid:
    """The named version, or the current one."""
    version = version or current_version(layout)
    folder = layout.grids / version
    if not folder.is_dir():
        raise BadInput(f"there is no grid {version} in {layout.grids}; run `gridkeep partition`")
    collection = cells_geojson(layout, version)
    about = collection["gridkeep"]
    return Grid(
        version,
        date.fromisoformat(about["valid_from"]),
        GridSettings.model_validate(about["settings"]),
        tuple(_cell(feature) for feature in collection["features"]),
        pd.read_parquet(folder / "assignment.parquet"),
        tuple(about["notes"]),
        tuple(_cell(feature) for feature in about.get("overlays", [])),
    )


def cells_geojson(layout: Layout, version: str) -> dict[str, Any]:
    """The cells as a GeoJSON feature collection; members and rule under `gridkeep`."""
    collection: dict[str, Any] = json.loads((layout.grids / version / "cells.geojson").read_text())
    return collection


def current_version(layout: Layout) -> str:
    """The version in use."""
    try:
        return (layout.grids / "current").read_text().strip()
    except FileNotFoundError as error:
        raise BadInput(f"no grid yet in {layout.grids}; run `gridkeep partition`") from error


def grid_report(grid: Grid) -> dict[str, Any]:
    """What a reader wants to know of a version: cells and customers by kind, smallest, largest."""
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
    }


def _write_files(grid: Grid, folder: Path) -> None:
    collection = {
        "type": "FeatureCollection",
        "gridkeep": {
            "version": grid.version,
            "valid_from": grid.valid_from.isoformat(),
            "settings": grid.settings.model_dump(),
            "notes": grid.notes,
            "overlays": [_feature(place) for place in grid.overlays],
        },
        "features": [_feature(cell) for cell in grid.cells],
    }
    (folder / "cells.geojson").write_text(json.dumps(collection), encoding="utf-8")
    grid.assignment.to_parquet(folder / "assignment.parquet", index=False)
    (folder / "report.json").write_text(json.dumps(grid_report(grid), indent=1), encoding="utf-8")


def _feature(cell: Cell) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": cell.geometry,
        "properties": {
            field.name: getattr(cell, field.name)
            for field in fields(cell)
            if field.name != "geometry"
        },
    }


def _cell(feature: dict[str, Any]) -> Cell:
    about = feature["properties"]
    return Cell(**{**about, "members": tuple(about["members"]), "geometry": feature["geometry"]})
