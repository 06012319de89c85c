"""Coordinates in another datum enter the tables as WGS-84."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from domain.layout import Layout
from features.intake import take_in
from features.settings import SourceSettings

PEOPLE = (
    "customer_id,onboarded_on,latitude,longitude\n"
    "C1,2020-01-31,39.90874,116.39748\nC2,2020-01-31,0,0\nC3,2020-01-31,,\n"
)
ROWS = "transaction_id,customer_id,posted_at,amount\nT1,C1,2026-01-05 10:00:00,12.50\n"


def delivered(tmp_path: Path, **about: str) -> list[list[float | None]]:
    (tmp_path / "customers.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "transactions.csv").write_text(ROWS, encoding="utf-8")
    settings = SourceSettings.model_validate(
        {
            "customers": {"file": "customers.csv", **about},
            "transactions": {"file": "transactions.csv"},
        }
    )
    layout = Layout(tmp_path / "out")
    take_in(settings, tmp_path, layout).require_sound()
    people = pq.read_table(layout.tables / "customers.parquet").sort_by("customer_id")
    return [people[name].to_pylist() for name in ("latitude", "longitude")]


def test_a_declared_datum_is_converted_at_the_door(tmp_path: Path) -> None:
    latitude, longitude = delivered(tmp_path, datum="GCJ-02")
    assert latitude[0] == pytest.approx(39.90734, abs=1e-4)
    assert longitude[0] == pytest.approx(116.39123, abs=1e-4)
    assert (latitude[1:], longitude[1:]) == ([0.0, None], [0.0, None])


def test_coordinates_without_a_declared_datum_are_taken_as_they_are(tmp_path: Path) -> None:
    assert delivered(tmp_path)[0] == [39.90874, 0.0, None]
