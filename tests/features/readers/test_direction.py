"""Amounts without a sign get it from the column that says which way the money went."""

import csv
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.layout import Layout
from features.intake import IntakeReport, take_in
from features.parts import table_files
from features.settings import SourceSettings

WAY = {"column": "借贷标志", "received": ["贷"], "spent": ["借", ""]}
HEAD = "transaction_id,customer_id,posted_at,amount,借贷标志"
ROWS = [
    'T1,C1,2026-01-05,"12,50",借',
    'T2,C1,2026-01-05,"12,50",贷',
    "T3,C1,2026-01-05,-3,借",  # taken back
    "T4,C1,2026-01-05,+4, 借 ",
    "T5,C1,2026-01-05,5,",
]
SIGNED = [-12.5, 12.5, 3.0, -4.0, -5.0]


def taken(folder: Path, file: str, way: object, **more: object) -> IntakeReport:
    (folder / "customers.csv").write_text("customer_id,onboarded_on\nC1,2020-01-31\n", "utf-8")
    told = {
        "customers": {"file": "customers.csv"},
        "transactions": {"file": file, "direction": way, **more},
        "rejected_share_max": 1.0,
    }
    return take_in(SourceSettings.model_validate(told), folder, Layout(folder / "out"))


def amounts(folder: Path) -> list[float]:
    files = table_files(Layout(folder / "out").tables, "transactions")
    rows = pa.concat_tables(map(pq.read_table, files)).to_pandas()
    values: list[float] = rows.sort_values("transaction_id").amount.tolist()
    return values


def written(folder: Path, *rows: str) -> str:
    (folder / "t.csv").write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    return "t.csv"


def test_what_was_spent_is_negative_and_what_was_taken_back_positive(tmp_path: Path) -> None:
    taken(tmp_path, written(tmp_path, *ROWS), WAY, decimal=",").require_sound()
    assert amounts(tmp_path) == SIGNED


@pytest.mark.parametrize(
    "kind", [pa.float64(), pa.int64(), pa.uint8(), pa.decimal128(30, 2)], ids=str
)
def test_numbers_of_every_type_are_turned_round(tmp_path: Path, kind: pa.DataType) -> None:
    table = pa.table(
        {
            "transaction_id": ["T1", "T2"],
            "customer_id": ["C1", "C1"],
            "posted_at": pd.to_datetime(["2026-01-05", "2026-01-06"]),
            "amount": pa.array([200, 7]).cast(kind),
            "借贷标志": pa.array(["借", "贷"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    taken(tmp_path, "t.parquet", WAY).require_sound()
    assert amounts(tmp_path) == [-200.0, 7.0]


def test_an_amount_that_cannot_be_read_is_refused_as_ever(tmp_path: Path) -> None:
    file = written(tmp_path, "T1,C1,2026-01-05,,借", "T2,C1,2026-01-05,two,借", ROWS[4])
    report = taken(tmp_path, file, WAY)
    assert report.quality.table("transactions").rejected == 2
    with (tmp_path / "out/quarantine/transactions.csv").open(encoding="utf-8", newline="") as lines:
        assert [one["reason"] for one in csv.DictReader(lines)] == ["empty", "not a number"]


@pytest.mark.parametrize(
    ("way", "words"),
    [
        (WAY | {"spent": ["借"]}, "column '借贷标志' of t.csv says '', which is neither"),
        (WAY | {"column": "D_C"}, "names column 'D_C', which is not there; the columns are tran"),
        (WAY | {"received": ["贷", "借"]}, "has '借' both as received and as spent"),
    ],
)
def test_a_direction_that_says_not_all_stops_before_any_amount_is_wrong(
    tmp_path: Path, way: object, words: str
) -> None:
    report = taken(tmp_path, written(tmp_path, *ROWS), way, decimal=",")
    assert words in report.quality.broken[0]
    assert report.record is None
