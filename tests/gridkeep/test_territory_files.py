"""`gridkeep partition` with the files that [grid] names."""

import json
from pathlib import Path

import pandas as pd
import pytest

from domain.grid import grid_figures
from domain.layout import Layout
from features.grid_store import read_grid

CONFIG = """
[sources.customers]
file = "customers.csv"
[sources.transactions]
file = "transactions.csv"
[grid]
floor = 5
borders = "district"
polygons = "districts.geojson"
outlets = "outlets.geojson"
[grid.overlays.markets]
file = "markets.geojson"
[grid.overlays.business]
column = "kind"
"""
PARTITION = ("partition", "--valid-from", "2026-01-01", "--config")
ROWS = "transaction_id,customer_id,posted_at,amount\nT1,C00,2026-01-05 10:00:00,12.50\n"


def square(west: float, **properties: str) -> dict[str, object]:
    ring = [[west, 30.0], [west + 1, 30.0], [west + 1, 31.0], [west, 31.0], [west, 30.0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def written(folder: Path, name: str, *features: object) -> None:
    collection = {"type": "FeatureCollection", "features": features}
    (folder / name).write_text(json.dumps(collection), encoding="utf-8")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    people = pd.DataFrame(
        {
            "customer_id": [f"C{at:02d}" for at in range(40)],
            "onboarded_on": "2020-01-01",
            "latitude": [30.5 + at / 400 for at in range(40)],
            "longitude": [120.9 if at % 2 else 121.1 for at in range(40)],
            "kind": ["person", "merchant", "person", "person"] * 10,
        }
    )
    people.to_csv(tmp_path / "customers.csv", index=False)
    (tmp_path / "transactions.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "gridkeep.toml").write_text(CONFIG, encoding="utf-8")
    written(tmp_path, "districts.geojson", square(120.0, name="West"), square(121.0, name="East"))
    written(tmp_path, "markets.geojson", square(121.0, name="Old", kind="market"))
    point = {"type": "Point", "coordinates": [121.0, 30.5]}
    written(
        tmp_path,
        "outlets.geojson",
        {"type": "Feature", "properties": {"outlet_id": "B1"}, "geometry": point},
    )
    return tmp_path


def test_a_version_on_disk_is_the_version_that_was_made(run, home: Path) -> None:
    assert run(*PARTITION, home / "gridkeep.toml").code == 0
    grid = read_grid(Layout(home))
    assert {cell.border for cell in grid.cells} == {"West", "East"}
    assert all(cell.area and cell.compactness for cell in grid.cells)
    assert {place.cell_id: place.customers for place in grid.overlays} == {
        "market-Old": 20,
        "business-person": 30,
        "business-merchant": 10,
    }
    assert grid.assignment.overlay_markets.value_counts().to_dict() == {
        "market-Old": 20,
        "none": 20,
    }
    figures = grid_figures(grid)
    assert figures is not None
    assert figures.under_floor == 0


@pytest.mark.parametrize("name", ["districts", "markets"])
def test_a_missing_or_broken_file_is_one_clear_message(run, home: Path, name: str) -> None:
    (home / f"{name}.geojson").write_text("{", encoding="utf-8")
    broken = run(*PARTITION, home / "gridkeep.toml")
    assert broken.code == 1
    assert f"{name}.geojson is not GeoJSON" in broken.err
    (home / f"{name}.geojson").unlink()
    missing = run(*PARTITION, home / "gridkeep.toml")
    assert missing.code == 1
    assert "there is no" in missing.err
    assert not (home / "grids").exists()
