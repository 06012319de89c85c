"""Coordinates in another datum enter the tables as WGS-84."""

from pathlib import Path

import numpy as np
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


OUTLETS = "outlet_id,latitude,longitude\nB1,39.90874,116.39748\nB2,0,0\n"


def delivered(tmp_path: Path, **about: str) -> list[list[float | None]]:
    (tmp_path / "customers.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "transactions.csv").write_text(ROWS, encoding="utf-8")
    settings = SourceSettings.model_validate(
        {
            "customers": {"file": "customers.csv", **about},
            "transactions": {"file": "transactions.csv"},
        }
    )
    take_in(settings, tmp_path, Layout(tmp_path / "out")).require_sound()
    return placed(tmp_path, "customers")


def placed(folder: Path, table: str) -> list[list[float | None]]:
    rows = pq.read_table(Layout(folder / "out").tables / f"{table}.parquet")
    return [rows[name].to_pylist() for name in ("latitude", "longitude")]


def test_a_declared_datum_is_converted_at_the_door(tmp_path: Path) -> None:
    latitude, longitude = delivered(tmp_path, datum="GCJ-02")
    assert latitude[0] == pytest.approx(39.90734, abs=1e-4)
    assert longitude[0] == pytest.approx(116.39123, abs=1e-4)
    assert (latitude[1:], longitude[1:]) == ([0.0, None], [0.0, None])


@pytest.mark.parametrize("datum", ["WGS-84", "GCJ-02", "BD-09"])
def test_what_is_no_degrees_is_in_no_datum_and_stays_as_it_was(
    tmp_path: Path, datum: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    swapped = PEOPLE + "C4,2020-01-31,116.39748,39.90874\nC5,2020-01-31,inf,1e300\n"
    monkeypatch.setitem(globals(), "PEOPLE", swapped)
    latitude, longitude = delivered(tmp_path, datum=datum)
    assert latitude[3:] == [116.39748, np.inf]
    assert longitude[3:] == [39.90874, 1e300]


def test_coordinates_without_a_declared_datum_are_taken_as_they_are(tmp_path: Path) -> None:
    assert delivered(tmp_path)[0] == [39.90874, 0.0, None]


def test_outlets_have_a_datum_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "transactions.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "outlets.csv").write_text(OUTLETS, encoding="utf-8")
    settings = SourceSettings.model_validate(
        {
            "customers": {"file": "customers.csv"},
            "transactions": {"file": "transactions.csv"},
            "outlets": {"file": "outlets.csv", "datum": "GCJ-02"},
        }
    )
    take_in(settings, tmp_path, Layout(tmp_path / "out")).require_sound()
    latitude, longitude = placed(tmp_path, "outlets")
    assert latitude == pytest.approx([39.90734, 0.0], abs=1e-4)
    assert longitude == pytest.approx([116.39123, 0.0], abs=1e-4)
    assert placed(tmp_path, "customers")[0] == [39.90874, 0.0, None]
