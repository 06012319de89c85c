"""Finished snapshots: named by their content, never changed, made once for the same inputs."""

import hashlib
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from features.engine import Tables, tables_of
from features.snapshot import quiet
from features.snapshot_store import snapshot_at, snapshot_days

DAY = date(2026, 2, 1)


def bank(amount: float = -5.0) -> Tables:
    customers = pd.DataFrame({"customer_id": ["a", "b"], "onboarded_on": "2025-01-01"})
    posted = {"transaction_id": ["1"], "customer_id": ["a"], "posted_at": ["2026-01-31"]}
    return tables_of(
        {"customers": customers, "transactions": pd.DataFrame({**posted, "amount": [amount]})}
    )


def cells() -> pd.DataFrame:
    return pd.DataFrame({"customer_id": ["a", "b"], "cell_id": ["x", "y"]})


def made(folder: Path, tables: Tables, grid: str = "grid-1", data: str = "d1") -> Path:
    return snapshot_at(
        Layout(folder), tables, DAY, cells, quiet, grid_version=grid, data_hashes={"all": data}
    )


def test_a_snapshot_is_named_by_the_hash_of_its_content(tmp_path: Path) -> None:
    path = made(tmp_path, bank())
    assert path.name == f"2026-02-01-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}.parquet"
    assert snapshot_days(Layout(tmp_path)) == [DAY]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_same_inputs_give_the_same_file_and_other_data_another(tmp_path: Path) -> None:
    first = made(tmp_path, bank())
    written = first.stat().st_mtime_ns
    assert made(tmp_path, bank()) == first
    assert first.stat().st_mtime_ns == written
    other = made(tmp_path, bank(-6.0), data="d2")
    assert other != first
    assert first.exists()
    assert made(tmp_path / "elsewhere", bank()).name == first.name


def test_an_altered_snapshot_is_refused_by_name(tmp_path: Path) -> None:
    path = made(tmp_path, bank())
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadInput, match=f"{path.name}' was altered"):
        made(tmp_path, bank())
