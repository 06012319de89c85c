"""Grid versions on disk: immutable, dated, whole or absent; what leaves the bank tells nobody."""

import json
import os
import signal
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from domain.errors import BadInput
from domain.grid import Grid, GridSettings, assign, partition
from domain.layout import Layout
from domain.migration import Migration, migration
from domain.publication import PublicationSettings
from features.grid_store import (
    cells_geojson,
    current_version,
    read_grid,
    read_migration,
    version_at,
    versions,
    write_grid,
)

JANUARY, MARCH, MAY = date(2026, 1, 1), date(2026, 3, 1), date(2026, 5, 1)
PUBLISHED = ("index.html", "cells.geojson", "migration.json")


def town(customers: int = 900, seed: int = 1) -> pd.DataFrame:
    """People around four villages, a few with a district only, three with nothing."""
    rng = np.random.default_rng(seed)
    village = rng.integers(0, 4, customers)
    people = pd.DataFrame(
        {
            "customer_id": [f"c{at:04d}" for at in range(customers)],
            "latitude": 30.5 + 0.06 * (village % 2) + rng.normal(0, 0.008, customers),
            "longitude": 121.0 + 0.06 * (village // 2) + rng.normal(0, 0.008, customers),
            "district": np.array(["North", "South"])[village % 2],
            "outlet_id": np.array(["o1", "o2", "o2", "o3"])[village],
        }
    )
    people.loc[people.index[-24:], ["latitude", "longitude"]] = np.nan
    people.loc[people.index[-3:], ["district", "outlet_id"]] = None
    return people


def cut(people: pd.DataFrame, floor: int, day: date, previous: Grid | None = None) -> Grid:
    return partition(people, GridSettings(floor=floor), valid_from=day, previous=previous)


def between(old: Grid, new: Grid, people: pd.DataFrame) -> Migration:
    return migration(old.version, assign(old, people), new.version, new.assignment)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def two(layout: Layout) -> tuple[Grid, Grid]:
    """A version of January, and one of March made from it for 40 customers more."""
    old = cut(town(860), 60, JANUARY)
    write_grid(old, layout)
    new = cut(town(), 90, MARCH, old)
    write_grid(new, layout, way=between(old, new, town()))
    return old, new


def test_a_version_is_read_as_it_was_written(layout: Layout, two: tuple[Grid, Grid]) -> None:
    for grid in two:
        found = read_grid(layout, grid.version)
        assert (found.version, found.valid_from) == (grid.version, grid.valid_from)
        assert (found.settings, found.notes) == (grid.settings, grid.notes)
        pd.testing.assert_frame_equal(found.assignment, grid.assignment)
        for read, written in zip(found.cells, grid.cells, strict=True):
            assert (read.cell_id, read.kind, read.parent) == (
                written.cell_id,
                written.kind,
                written.parent,
            )
            assert (read.customers, read.members) == (written.customers, written.members)
    assert read_grid(layout).version == two[1].version


def test_a_version_that_is_there_is_never_changed(layout: Layout) -> None:
    grid = cut(town(), 60, JANUARY)
    folder = write_grid(grid, layout)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    write_grid(grid, layout, PublicationSettings(customers_min=50))
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_the_version_in_force_on_a_day(layout: Layout, two: tuple[Grid, Grid]) -> None:
    old, new = (grid.version for grid in two)
    days = [JANUARY, date(2026, 2, 28), MARCH, date(2030, 1, 1)]
    assert [version_at(layout, day) for day in days] == [old, old, new, new]
    assert [one.name for one in versions(layout)] == [old, new]
    with pytest.raises(BadInput, match=r"in force on 2025-12-31.*2026-01-01"):
        version_at(layout, date(2025, 12, 31))


def test_of_two_versions_of_one_day_the_later_made_is_in_force(layout: Layout) -> None:
    grids = [cut(town(), floor, JANUARY) for floor in (60, 90, 120)]
    for grid in grids:
        write_grid(grid, layout)
    assert version_at(layout, MARCH) == grids[2].version == current_version(layout)
    write_grid(grids[0], layout)  # put back into use
    assert version_at(layout, MARCH) == grids[0].version == current_version(layout)


def test_a_version_that_would_begin_before_the_last_is_refused(
    layout: Layout, two: tuple[Grid, Grid]
) -> None:
    with pytest.raises(BadInput, match=rf"from 2026-01-01 would begin before {two[1].version}"):
        write_grid(cut(town(), 70, JANUARY), layout)
    assert current_version(layout) == two[1].version
    assert len(versions(layout)) == 2


def test_the_way_is_kept_and_leads_both_ways(layout: Layout, two: tuple[Grid, Grid]) -> None:
    old, new = two
    way = read_migration(layout, old.version, new.version)
    assert len(way.customers) == 900
    assert way.customers[["cell_before", "cell_after"]].notna().all(axis=None)
    back = read_migration(layout, new.version, old.version)
    pd.testing.assert_frame_equal(back.reversed().customers[way.customers.columns], way.customers)


def test_a_way_that_was_not_kept_is_made_of_whom_both_placed(layout: Layout) -> None:
    grids = [cut(town(860), 60, JANUARY), cut(town(), 90, MARCH)]
    for grid in grids:
        write_grid(grid, layout)
    way = read_migration(layout, grids[0].version, grids[1].version)
    assert way.customers.cell_before.notna().sum() == 860
    assert len(way.customers) == 900


def figures_of(folder: Path) -> dict[frozenset[str], int]:
    """Every figure of `cells.geojson`: a set of cells and its customers."""
    cells = json.loads((folder / "cells.geojson").read_text())["features"]
    told = {}
    for one in (feature["properties"] for feature in cells):
        if one["customers"] is not None:
            told[frozenset([one["cell_id"]])] = one["customers"]
        if one["customers_together"] is not None:
            told[frozenset([one["cell_id"], *one["told_with"]])] = one["customers_together"]
    return told


def test_published_files_tell_no_figure_of_few_and_true_ones(
    layout: Layout, two: tuple[Grid, Grid]
) -> None:
    old = two[0]
    told = figures_of(layout.grids / old.version)
    sizes = old.assignment.cell_id.value_counts()
    assert sizes.min() < 10  # there is somebody to hide
    assert min(told.values()) >= 10
    assert all(number == sizes[list(cells)].sum() for cells, number in told.items())
    assert sum(number for cells, number in told.items() if len(cells) == 1) < len(old.assignment)
    moves = json.loads((layout.grids / two[1].version / "migration.json").read_text())
    assert moves["flows"]
    assert min(flow["customers"] for flow in moves["flows"]) >= 10


def test_two_versions_together_tell_no_group_of_few(layout: Layout, two: tuple[Grid, Grid]) -> None:
    """Groups that the figures of both versions can tell apart, counted one by one."""
    told = [
        pd.read_parquet(layout.grids / grid.version / "told.parquet").set_index("customer_id").group
        for grid in two
    ]
    both = pd.concat(told, axis=1, keys=["old", "new"]).fillna("-")
    assert both.groupby(["old", "new"]).size().min() >= 10


def test_published_files_name_no_customer_and_no_note(
    layout: Layout, two: tuple[Grid, Grid]
) -> None:
    for name in PUBLISHED:
        text = (layout.grids / two[1].version / name).read_text(encoding="utf-8")
        assert "c0001" not in text
        assert "neither coordinates" not in text  # with the number of those, which is 3


def test_an_older_version_without_a_file_of_what_it_told_has_told_every_cell(
    layout: Layout,
) -> None:
    old = cut(town(), 60, JANUARY)
    folder = write_grid(old, layout)
    (folder / "told.parquet").unlink()
    moved = town()
    moved.loc[moved.index[:3], ["latitude", "longitude"]] = (30.5, 121.06)
    new = cut(moved, 60, MARCH, old)
    write_grid(new, layout)
    label = old.assignment.set_index("customer_id").cell_id
    told = pd.read_parquet(layout.grids / new.version / "told.parquet").set_index("customer_id")
    pieces = told.group.to_frame().join(label).groupby(["group", "cell_id"]).size()
    wholes = label.value_counts()
    small = [cell for (_, cell), size in pieces.items() if size < min(10, wholes[cell])]
    assert small == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"gridkeep": 3}', '{"gridkeep": {}, "features": []}']
)
def test_corrupt_cells_are_one_clear_message(layout: Layout, text: str) -> None:
    grid = cut(town(), 60, JANUARY)
    folder = write_grid(grid, layout)
    (folder / "cells.geojson").write_text(text)
    for use in (
        lambda: read_grid(layout),
        lambda: versions(layout),
        lambda: write_grid(cut(town(), 90, MARCH), layout),
    ):
        with pytest.raises(BadInput, match=rf"{grid.version} cannot be read.*from a copy"):
            use()


@pytest.mark.parametrize("name", ["assignment.parquet", "told.parquet", "report.json"])
def test_other_corrupt_files_are_one_clear_message(layout: Layout, name: str) -> None:
    grid = cut(town(), 60, JANUARY)
    (write_grid(grid, layout) / name).write_bytes(b"nonsense")
    next_one = cut(town(), 90, MARCH)
    use = partial(write_grid, next_one) if name == "told.parquet" else read_grid
    with pytest.raises(BadInput, match=r"cannot be read.*from a copy"):
        use(layout)


def test_a_version_that_is_not_there_names_those_that_are(
    layout: Layout, two: tuple[Grid, Grid]
) -> None:
    with pytest.raises(BadInput, match=rf"'grid-x'.*there are {two[0].version}, {two[1].version}"):
        read_grid(layout, "grid-x")
    with pytest.raises(BadInput, match="gridkeep partition"):
        cells_geojson(Layout(layout.root / "empty"), "grid-x")


def test_a_folder_that_cannot_be_written_leaves_nothing(layout: Layout) -> None:
    layout.grids.parent.mkdir(exist_ok=True)
    layout.grids.write_text("a file where the folder should be")
    with pytest.raises(BadInput, match="cannot write the grid"):
        write_grid(cut(town(), 60, JANUARY), layout)
    assert os.listdir(layout.root) == ["grids"]


KILLED = """
import os, signal, sys
from datetime import date
from functools import partial
from pathlib import Path
from domain.layout import Layout
from features import grid_files, grid_store
from tests.features.test_grid_store import cut, town

def die(*_):
    print("writing", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

grid_files.grid_page = die
grid_store.write_grid(cut(town(), 90, date(2026, 3, 1)), Layout(Path(sys.argv[1])))
"""


def test_a_run_that_is_killed_while_it_writes_leaves_the_old_version_in_force(
    layout: Layout, repository: Path
) -> None:
    old = cut(town(), 60, JANUARY)
    write_grid(old, layout)
    command = [sys.executable, "-c", KILLED, str(layout.root)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout == "writing\n"
    assert current_version(layout) == old.version
    assert [one.name for one in versions(layout)] == [old.version]
    assert version_at(layout, MAY) == old.version
    new = cut(town(), 90, MARCH)
    write_grid(new, layout)
    names = {path.name for path in layout.grids.iterdir()}
    assert names == {old.version, new.version, "current"}
