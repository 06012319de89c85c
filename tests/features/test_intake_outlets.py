"""The table of outlets at the door: optional, checked like every other, older tables without it."""

import csv
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from domain.layout import Layout
from features.engine import frame_of, open_tables
from features.intake import IntakeReport, take_in
from features.parts import INTAKE_FILE, table_files
from features.places import open_outlets
from features.settings import SourceSettings

PEOPLE = "customer_id,onboarded_on,latitude,longitude,outlet_id\nC1,2020-01-31,31.2,121.5,B9\n"
ROWS = "transaction_id,customer_id,posted_at,amount\nT1,C1,2026-01-05 10:00:00,12.50\n"
HEAD = "outlet_id,latitude,longitude,opened_on,closed_on\n"
A_DAY = date(2026, 2, 1)
Taken = Callable[..., IntakeReport]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "out")


@pytest.fixture
def taken(tmp_path: Path, layout: Layout) -> Taken:
    """Takes in a bank with one customer and these lines of outlets."""

    def take(outlets: str, rejected_share_max: float = 1.0) -> IntakeReport:
        for name, text in (("customers", PEOPLE), ("transactions", ROWS), ("outlets", outlets)):
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        files = {name: {"file": f"{name}.csv"} for name in ("customers", "transactions", "outlets")}
        told = {**files, "rejected_share_max": rejected_share_max}
        return take_in(SourceSettings.model_validate(told), tmp_path, layout)

    return take


def quarantined(layout: Layout) -> list[dict[str, str]]:
    with (layout.quarantine / "outlets.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_an_outlet_delivered_twice_counts_once(taken: Taken, layout: Layout) -> None:
    report = taken(f"{HEAD}B1,31.2,121.4,2001-01-05,\nB0,31.3,121.4,,\nB1,31.2,121.4,2001-01-05,\n")
    assert report.require_sound().quality.table("outlets").duplicates == 1
    rows = pq.read_table(layout.tables / "outlets.parquet").to_pylist()
    assert [row["outlet_id"] for row in rows] == ["B0", "B1"]


def test_an_outlet_twice_with_different_places_is_refused(taken: Taken, layout: Layout) -> None:
    report = taken(f"{HEAD}B1,31.2,121.4,,\nB1,31.9,121.4,,\n")
    assert not report.quality.sound
    (line,) = report.quality.broken
    assert "2 rows that repeat a outlet_id with different content (latitude)" in line
    assert "deliver each once" in line
    assert {row["content"] != "" and row["column"] for row in quarantined(layout)} == {"outlet_id"}
    assert not layout.tables.exists()


def test_an_outlet_outside_the_world_is_kept_without_a_place(taken: Taken, layout: Layout) -> None:
    outlets = f"{HEAD}B1,31.2,121.4,,\nB2,131.2,21.4,,\nB3,31.2,-181,,\nB4,north,121,,\n"
    report = taken(outlets).require_sound()
    assert [(row["row"], row["column"]) for row in quarantined(layout)] == [("5", "latitude")]
    assert any("131.2" in line and "exchange" in line for line in report.quality.findings)
    rows = pq.read_table(layout.tables / "outlets.parquet")
    assert rows["outlet_id"].to_pylist() == ["B1", "B2", "B3"]
    assert rows["longitude"].to_pylist() == [121.4, 21.4, -181.0]
    assert open_outlets(open_tables(layout.tables).outlets, A_DAY).outlet_id.tolist() == ["B1"]
    (broken,) = [
        line for line in taken(outlets, 0.01).quality.broken if "rejected_share_max" in line
    ]
    assert "1 of 4 rows of outlets were rejected" in broken


def test_an_outlet_at_0_0_is_accepted_and_told(taken: Taken) -> None:
    report = taken(f"{HEAD}B1,31.2,121.4,,\nB2,0,0,,\n").require_sound()
    columns = {one.column: one for one in report.quality.table("outlets").columns}
    assert columns["latitude"].suspicious == columns["longitude"].suspicious == 1
    assert columns["latitude"].example.row == 3


def test_outlets_need_no_coordinates_and_no_customer(taken: Taken, layout: Layout) -> None:
    report = taken("outlet_id\nB1\nB2\n").require_sound()
    assert report.quality.table("outlets").accepted == 2
    assert report.quality.table("outlets").unknown == 0
    assert frame_of(open_tables(layout.tables).outlets).latitude.isna().all()


def test_tables_of_before_there_were_outlets_have_none(taken: Taken, layout: Layout) -> None:
    taken(f"{HEAD}B1,31.2,121.4,,\n").require_sound()
    file = layout.tables / INTAKE_FILE
    record = json.loads(file.read_text(encoding="utf-8"))
    del record["tables"]["outlets"], record["data_hashes"]["outlets"]
    record["terms"] = record["fingerprint"] = "of before"
    file.write_text(json.dumps(record), encoding="utf-8")
    (layout.tables / "outlets.parquet").unlink()
    assert table_files(layout.tables, "outlets") == []
    assert frame_of(open_tables(layout.tables).outlets).empty
    assert taken(f"{HEAD}B1,31.2,121.4,,\n").require_sound().record is not None
    assert len(frame_of(open_tables(layout.tables).outlets)) == 1
