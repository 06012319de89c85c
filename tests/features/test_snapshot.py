"""Snapshots: the file is whole or absent, says what it was made of, and equals the query."""

import json
import resource
import signal
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import BadInput
from features.customer import customer_features
from features.engine import Tables, frame_of, tables_of
from features.history import data_days, require_history
from features.registry import FEATURES, features_hash
from features.snapshot import (
    is_fresh,
    iter_features,
    read_features,
    snapshot_info,
    write_features,
)

DAYS = [date(2026, 2, 1), date(2026, 3, 1)]
IDS = [f"C{at}" for at in range(25)]
CELLS = pd.DataFrame({"customer_id": IDS, "cell_id": [f"cell-{at % 3}" for at in range(25)]})
MADE_OF: dict[str, Any] = {"grid_version": "grid-1", "data_hashes": {"customers": "abc"}}


@pytest.fixture(scope="module")
def tables() -> Tables:
    draw = np.random.default_rng(1)
    transactions = pd.DataFrame(
        {
            "transaction_id": [str(at) for at in range(400)],
            "customer_id": draw.choice(IDS[1:], 400),
            "posted_at": np.datetime64("2025-10-01", "us")
            + draw.integers(0, 150 * 86400, 400).astype("timedelta64[s]"),
            "amount": draw.normal(0, 50, 400),
        }
    )
    kinds = ["person", None] * 12 + ["business"]
    customers = pd.DataFrame({"customer_id": IDS, "onboarded_on": "2025-01-01", "kind": kinds})
    return tables_of({"customers": customers, "transactions": transactions})


def nothing_left_of(folder: Path) -> bool:
    return not list(folder.iterdir())


def test_a_snapshot_equals_the_query_with_its_cells(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.run.RESULTS_A_RANGE", 8)
    out = tmp_path / "f.parquet"
    info = write_features(tables, DAYS[::-1], out, CELLS, **MADE_OF)
    found = read_features(out)
    assert list(found.columns) == ["customer_id", "as_of", "cell_id", *FEATURES]
    assert found["customer_id"].is_monotonic_increasing
    assert info.rows == len(found) == 50
    expected = frame_of(customer_features(tables, DAYS))
    expected = expected.sort_values(["customer_id", "as_of"], ignore_index=True)
    pd.testing.assert_frame_equal(found.drop(columns="cell_id"), expected, rtol=1e-12)
    cells = dict(zip(CELLS["customer_id"], CELLS["cell_id"], strict=True))
    assert found["cell_id"].tolist() == [cells[who] for who in found["customer_id"]]


def test_a_snapshot_says_what_it_was_made_of(tables: Tables, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "f.parquet"
    written = write_features(tables, DAYS, out, CELLS, **MADE_OF)
    assert snapshot_info(out) == written
    assert (written.as_of, written.grid_version) == (tuple(DAYS), "grid-1")
    assert written.features_hash == features_hash()
    assert is_fresh(out, **MADE_OF, timezone="UTC")
    assert not is_fresh(out, **MADE_OF | {"grid_version": "grid-2"}, timezone="UTC")
    assert not is_fresh(out, **MADE_OF | {"data_hashes": {"customers": "abd"}}, timezone="UTC")
    assert not is_fresh(out, **MADE_OF, timezone="Asia/Shanghai")
    assert not is_fresh(tmp_path / "absent.parquet", **MADE_OF, timezone="UTC")


def test_a_snapshot_that_does_not_say_its_time_zone_is_not_fresh(
    tables: Tables, tmp_path: Path
) -> None:
    out = tmp_path / "f.parquet"
    write_features(tables, DAYS, out, CELLS, **MADE_OF)
    rows = pq.read_table(out)
    words = json.loads(rows.schema.metadata[b"gridkeep"])
    del words["timezone"]
    pq.write_table(rows.replace_schema_metadata({"gridkeep": json.dumps(words)}), out)
    assert snapshot_info(out).rows == 50
    assert not is_fresh(out, **MADE_OF, timezone="UTC")


def test_a_cutoff_far_behind_the_data_is_refused(tables: Tables, tmp_path: Path) -> None:
    posted = tables.transactions.posted_at.max().execute()
    last = posted.date()
    out = tmp_path / "f.parquet"
    write_features(tables, [last + timedelta(days=8)], out, CELLS)
    with pytest.raises(BadInput) as caught:
        write_features(tables, [last, last + timedelta(days=9)], out, CELLS)
    assert str(caught.value) == (
        f"cut-off {last + timedelta(days=9)} is 8 days past the data (the last transaction is "
        f"of {last}); deliver newer transactions, choose --as-of up to "
        f"{last + timedelta(days=8)}, or raise sources.stale_days (7)"
    )
    write_features(tables._replace(stale_days=8), [last + timedelta(days=9)], out, CELLS)


def test_the_days_of_the_data_are_those_of_the_bank() -> None:
    posted = ["2026-01-31 20:00", "2026-02-03 20:00"]
    frames = {
        "customers": pd.DataFrame({"customer_id": ["a"], "onboarded_on": ["2020-01-01"]}),
        "transactions": pd.DataFrame(
            {"transaction_id": ["1", "2"], "customer_id": "a", "posted_at": posted, "amount": 1.0}
        ),
    }
    assert data_days(tables_of(frames)) == (date(2026, 1, 31), date(2026, 2, 3))
    shanghai = tables_of(frames, "Asia/Shanghai")
    assert data_days(shanghai) == (date(2026, 2, 1), date(2026, 2, 4))
    require_history(shanghai, date(2026, 2, 2))
    with pytest.raises(BadInput, match=r"2026-02-01 is before all data .* is of 2026-02-01"):
        require_history(shanghai, date(2026, 2, 1))


def test_numbers_are_floats_and_words_are_text_or_none(tables: Tables, tmp_path: Path) -> None:
    out = tmp_path / "f.parquet"
    write_features(tables, DAYS, out, CELLS)
    found = read_features(out)
    for name, known in FEATURES.items():
        if known.kind == "number":
            assert found[name].dtype == "float64", name
    assert set(found["customer_kind"]) == {"person", "business", None}
    assert type(found["as_of"][0]) is date


def test_a_snapshot_is_read_in_parts(tables: Tables, tmp_path: Path) -> None:
    out = tmp_path / "f.parquet"
    write_features(tables, DAYS, out, CELLS)
    names = ["customer_id", "recency_days"]
    parts = list(iter_features(out, rows=20, columns=names))
    assert [len(part) for part in parts] == [20, 20, 10]
    whole = pd.concat(parts, ignore_index=True)
    pd.testing.assert_frame_equal(whole, read_features(out, names))


def test_progress_rises_to_the_whole(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.run.RESULTS_A_RANGE", 25)
    shares: list[float] = []
    write_features(tables, DAYS, tmp_path / "f", CELLS, lambda _, share: shares.append(share))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1], len(shares)) == (0, 1, 4)


def test_the_engine_spills_nothing_beside_the_target(tables: Tables, tmp_path: Path) -> None:
    write_features(tables, DAYS, tmp_path / "f.parquet", CELLS)
    assert [file.name for file in tmp_path.iterdir()] == ["f.parquet"]


def test_a_cutoff_before_all_data_is_refused(tables: Tables, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cut-off 2025-10-01 is before all data .* 2025-10-01"):
        write_features(tables, [date(2025, 10, 1), *DAYS], tmp_path / "f.parquet", CELLS)
    assert nothing_left_of(tmp_path)


def test_a_customer_without_a_cell_is_refused(tables: Tables, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no cell in grid grid-1 \(first: C0\); run `gridkeep part"):
        write_features(tables, DAYS, tmp_path / "f.parquet", CELLS[1:], **MADE_OF)
    assert nothing_left_of(tmp_path)


def test_nobody_to_write_is_refused(tables: Tables, tmp_path: Path) -> None:
    nobody = tables._replace(customers=tables.customers.limit(0))
    with pytest.raises(BadInput, match="no customer was with the bank at 2026-02-01"):
        write_features(nobody, DAYS, tmp_path / "f.parquet", CELLS)
    assert nothing_left_of(tmp_path)


def test_a_target_in_a_file_that_is_no_folder_is_refused(tables: Tables, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot write"):
        write_features(tables, DAYS, tmp_path / "file" / "f.parquet", CELLS)


@pytest.fixture
def small_files() -> Iterator[None]:
    """Files may not grow beyond 2 kB, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_the_old_snapshot_and_nothing_else(
    tables: Tables, tmp_path: Path, small_files: None
) -> None:
    out = tmp_path / "f.parquet"
    out.write_bytes(b"old")
    with pytest.raises(BadInput, match=r"cannot write '.*f.parquet'"):
        write_features(tables, DAYS, out, CELLS)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_an_interruption_leaves_the_old_snapshot_and_nothing_else(
    tables: Tables, tmp_path: Path
) -> None:
    def stop(step: str, share: float) -> None:
        if share == 1:
            raise KeyboardInterrupt

    out = tmp_path / "f.parquet"
    out.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        write_features(tables, DAYS, out, CELLS, stop)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_what_is_no_snapshot_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"absent.parquet' is missing"):
        read_features(tmp_path / "absent.parquet")
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(BadInput, match=r"text.parquet' cannot be read as Parquet"):
        read_features(tmp_path / "text.parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(BadInput, match=r"other.parquet' is not a feature snapshot"):
        snapshot_info(tmp_path / "other.parquet")
    assert not is_fresh(tmp_path / "other.parquet", **MADE_OF, timezone="UTC")
    with pytest.raises(BadInput, match=r"lacks the columns b"):
        read_features(tmp_path / "other.parquet", ["b"])
