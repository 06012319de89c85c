"""Coordinates that are no degrees cost nobody: told at the door, counted, and left to the grid."""

import json
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from domain.grid import partition
from domain.grid_settings import GridSettings
from domain.layout import Layout
from domain.placing import spots
from features.engine import frame_of, open_tables
from features.intake import IntakeReport, take_in
from features.quality.measure import measure
from features.settings import SourceSettings

A_DAY = date(2026, 2, 1)
HEAD = "customer_id,onboarded_on,latitude,longitude,district\n"
GOOD = [f"C{at},2020-01-31,{31.2 + at / 1000},{121.4 + at / 1000},Pudong" for at in range(30)]
TURNED = [f"S{at},2020-01-31,{121.4 + at / 1000},{31.2 + at / 1000},Pudong" for at in range(6)]
ROWS = "transaction_id,customer_id,posted_at,amount\n"
POSTED = [f"T{row[:3].strip(',')},{row.split(',')[0]},2026-01-05,5" for row in GOOD + TURNED]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "out")


def taken(folder: Path, layout: Layout, more: tuple[str, ...] = ()) -> IntakeReport:
    people = "\n".join([HEAD.strip(), *GOOD, *TURNED, *more])
    (folder / "customers.csv").write_text(people + "\n", encoding="utf-8")
    (folder / "transactions.csv").write_text(ROWS + "\n".join(POSTED) + "\n", encoding="utf-8")
    files = {name: {"file": f"{name}.csv"} for name in ("customers", "transactions")}
    return take_in(SourceSettings.model_validate(files), folder, layout)


def test_a_customer_with_swapped_coordinates_keeps_his_row_and_his_transactions(
    tmp_path: Path, layout: Layout
) -> None:
    report = taken(tmp_path, layout).require_sound()  # a sixth of them, and nobody is rejected
    assert (report.quality.table("customers").accepted, len(GOOD) + len(TURNED)) == (36, 36)
    assert report.quality.table("transactions").rejected == 0
    assert not layout.quarantine.exists() or not [*layout.quarantine.iterdir()]
    (finding,) = report.quality.findings
    assert "6 values that are not between -90 and 90 (first: '121.4' in row 32)" in finding
    assert "exchange the two columns in the source" in finding


def test_the_grid_counts_the_swapped_and_places_them_by_their_district(
    tmp_path: Path, layout: Layout
) -> None:
    taken(tmp_path, layout).require_sound()
    people = frame_of(open_tables(layout.tables).customers)
    found = spots(people)
    assert {name: int(rows.sum()) for name, rows in found.problems.items() if rows.any()} == {
        "swapped": 6
    }
    grid = partition(people, GridSettings(floor=10), valid_from=A_DAY)
    assert any("6 customers have latitude and longitude the wrong way" in n for n in grid.notes)
    placed = grid.assignment.set_index("customer_id").cell_id
    assert placed.loc[[row.split(",")[0] for row in TURNED]].notna().all()


def test_they_count_against_validity_and_accuracy(tmp_path: Path, layout: Layout) -> None:
    report = taken(tmp_path, layout).require_sound()
    measured = measure(open_tables(layout.tables), late_days=3, door=report.quality)
    (valid,) = [
        one
        for one in measured.bank
        if (one.table, one.column, one.dimension) == ("customers", "latitude", "validity")
    ]
    assert (valid.checked, valid.good) == (36, 30)
    assert (measured.accuracy.checked, measured.accuracy.good) == (36, 30)


def test_text_that_is_no_number_is_refused_as_ever(tmp_path: Path, layout: Layout) -> None:
    report = taken(tmp_path, layout, ("X,2020-01-31,121.4,east,Pudong",))
    assert report.quality.table("customers").rejected == 1
    (line,) = (layout.quarantine / "customers.csv").read_text("utf-8").splitlines()[1:]
    assert ",longitude,not a number," in line  # its latitude is not what it is refused for
    assert "between" not in line
    broken = json.dumps(report.quality.broken)
    assert "not a number" in broken
    assert "between -90 and 90" not in broken


def test_what_is_beyond_every_angle_is_kept_too(tmp_path: Path, layout: Layout) -> None:
    taken(tmp_path, layout, ("X,2020-01-31,inf,3114000,Pudong",)).require_sound()
    rows = pq.read_table(layout.tables / "customers.parquet").to_pylist()
    assert (rows[-1]["latitude"], rows[-1]["longitude"]) == (float("inf"), 3114000.0)
    grid = partition(
        frame_of(open_tables(layout.tables).customers), GridSettings(floor=10), valid_from=A_DAY
    )
    assert any("1 customer has coordinates that are not degrees" in note for note in grid.notes)
