"""A NUL in a text is refused with its row, whichever way it was delivered; nothing is cut."""

import gzip
import sqlite3
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from domain.layout import Layout
from features.intake import take_in
from features.parts import table_files
from features.settings import SourceSettings

PEOPLE = "customer_id,onboarded_on\nC1,2020-01-01\nT9,2020-01-01\n"
ROWS = [("T1", "T9\0x"), ("T2", "T9"), ("T3\0", "C1")]
COLUMNS = ["transaction_id", "customer_id", "posted_at", "amount"]


def deliver(folder: Path, way: str) -> dict[str, object]:
    frame = pd.DataFrame([(*row, "2026-01-05", "1") for row in ROWS], columns=COLUMNS)
    text = "\n".join(",".join(row) for row in [COLUMNS, *frame.values.tolist()])
    name = f"transactions.{way}"
    match way:
        case "csv":
            (folder / name).write_text(text, "utf-8")
        case "csv.gz":
            (folder / name).write_bytes(gzip.compress(text.encode()))
        case "txt":
            (folder / name).write_text(text, "utf-16")
            return {"transactions": {"file": name, "encoding": "utf-16"}}
        case "parquet":
            frame.to_parquet(folder / name)
        case "db":
            with sqlite3.connect(folder / name) as bank:
                frame.to_sql("t", bank, index=False)
            bank.close()
            return {"transactions": {"table": "t"}, "database": f"sqlite://{name}"}
    return {"transactions": {"file": name}}


@pytest.mark.parametrize("way", ["csv", "csv.gz", "txt", "parquet", "db"])
def test_a_row_with_a_nul_is_refused_and_goes_to_no_other_customer(
    tmp_path: Path, way: str
) -> None:
    (tmp_path / "customers.csv").write_text(PEOPLE, "utf-8")
    given = {"customers": {"file": "customers.csv"}, "rejected_share_max": 1.0}
    settings = SourceSettings.model_validate(given | deliver(tmp_path, way))
    layout = Layout(tmp_path / "out")
    take_in(settings, tmp_path, layout).require_sound()
    (file,) = table_files(layout.tables, "transactions")
    assert pq.read_table(file, columns=COLUMNS[:2]).to_pylist() == [
        {"transaction_id": "T2", "customer_id": "T9"}
    ]
    kept = pd.read_csv(layout.quarantine / "transactions.csv")
    assert kept["column"].tolist() == ["customer_id", "transaction_id"]
    assert set(kept["reason"]) == {"text with a NUL character"}
