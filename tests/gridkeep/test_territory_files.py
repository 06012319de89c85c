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
[sources.outlets]
file = "outlets.csv"
[grid]
floor = 5
borders = "district"
polygons = "districts.geojson"
[grid.overlays.markets]
file = "markets.geojson"
[grid.overlays.business]
column = "kind"
"""
PARTITION = ("partition", "--valid-from", "2026-01-01", "--config")
OUTLETS = """outlet_id,latitude,longitude,opened_on,closed_on
B1,30.5,121.1,2001-05-01,
B2,30.5,120.9,2001-05-01,2025-12-31
B3,30.5,120.9,2026-01-01,
"""
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
    (tmp_path / "outlets.csv").write_text(OUTLETS, encoding="utf-8")
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


def test_customers_go_to_the_nearest_outlet_that_is_open_when_the_version_begins(
    run, home: Path
) -> None:
    config = (home / "gridkeep.toml").read_text(encoding="utf-8")
    config = config.replace('borders = "district"', 'basis = "outlet"')
    (home / "gridkeep.toml").write_text(config, encoding="utf-8")
    for day, expected in (("2025-12-31", {"B1", "B2"}), ("2026-01-02", {"B1", "B3"})):
        assert run("partition", "--valid-from", day, "--config", home / "gridkeep.toml").code == 0
        found = read_grid(Layout(home)).assignment.cell_id
        assert set(found) == {f"outlet-{name}" for name in expected}, day


def test_an_old_configuration_is_told_where_outlets_belong(run, home: Path) -> None:
    config = (home / "gridkeep.toml").read_text(encoding="utf-8")
    config = config.replace("[grid]", '[grid]\noutlets = "outlets.geojson"')
    (home / "gridkeep.toml").write_text(config, encoding="utf-8")
    told = run(*PARTITION, home / "gridkeep.toml")
    assert told.code == 1
    assert "outlets are a table. Write file or table under [sources.outlets]" in told.err


def test_a_version_of_before_outlets_were_a_table_is_still_read(run, home: Path) -> None:
    assert run(*PARTITION, home / "gridkeep.toml").code == 0
    before = read_grid(Layout(home))
    file = next((home / "grids").glob("grid-*/cells.geojson"))
    collection = json.loads(file.read_text(encoding="utf-8"))
    collection["gridkeep"]["settings"] |= {"outlets": None, "outlet_name": "outlet_id"}
    file.write_text(json.dumps(collection), encoding="utf-8")
    assert read_grid(Layout(home)).settings == before.settings
