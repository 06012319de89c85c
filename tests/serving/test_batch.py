"""Batch scores: streamed, resumable after kill -9, whole or absent."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import BadInput
from domain.scores import SCORE_COLUMNS
from serving.batch import score_snapshot

ROWS = 300


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory, frames):
    path = tmp_path_factory.mktemp("snapshots") / "2026-01-01.parquet"
    frames(ROWS, seed=11).to_parquet(path, row_group_size=70)
    return path


def test_the_file_holds_the_scores_of_every_customer(tmp_path, snapshot, scorer):
    out = tmp_path / "scores.parquet"
    summary = score_snapshot(snapshot, scorer, out, "grid-00000001", rows=64)
    written = pq.read_table(out)
    expected = scorer.score(pd.read_parquet(snapshot), "grid-00000001")
    assert written.column_names == list(SCORE_COLUMNS)
    plain = [name for name in SCORE_COLUMNS if name not in ("reasons", "as_of")]
    pd.testing.assert_frame_equal(
        written.select(plain).to_pandas(), expected[plain], check_dtype=False, rtol=0, atol=1e-12
    )
    assert written["as_of"].to_pylist() == expected["as_of"].tolist()
    assert (summary.customers, summary.parts, summary.resumed_parts) == (ROWS, 5, 0)
    assert (
        summary.risk_bands
        == expected["risk_band"]
        .value_counts()
        .reindex(["low", "medium", "high"], fill_value=0)
        .to_dict()
    )
    assert summary.value_at_risk == pytest.approx(np.nansum(expected["value_at_risk"]))
    assert summary.value_unknown == expected["value_at_risk"].isna().sum() > 0
    assert [path.name for path in tmp_path.iterdir()] == ["scores.parquet"]


def test_reasons_are_lists_of_structs(tmp_path, snapshot, scorer):
    out = tmp_path / "scores.parquet"
    score_snapshot(snapshot, scorer, out, "g")
    kind = pq.read_schema(out).field("reasons").type
    fields = [field.name for field in kind.value_type]
    assert fields == ["feature", "value", "category", "contribution", "text"]
    frame = pd.read_parquet(snapshot)
    seen = set()
    for row, reasons in enumerate(pq.read_table(out)["reasons"].to_pylist()):
        for reason in reasons:
            value = frame[reason["feature"]][row]
            told = reason["value"] if reason["category"] is None else reason["category"]
            assert told == value or (told is None and pd.isna(value))
            seen.add(type(told))
    assert seen >= {float, str}


def test_the_size_of_the_parts_does_not_change_a_score(tmp_path, snapshot, scorer):
    small, large = tmp_path / "small.parquet", tmp_path / "large.parquet"
    score_snapshot(snapshot, scorer, small, "g", rows=7)
    score_snapshot(snapshot, scorer, large, "g", rows=1000)
    assert pq.read_table(small).equals(pq.read_table(large))


def test_progress_rises_to_one(tmp_path, snapshot, scorer):
    shares: list[float] = []
    score_snapshot(
        snapshot, scorer, tmp_path / "s.parquet", "g", lambda _, share: shares.append(share), 100
    )
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_run_that_failed_goes_on_where_it_stopped(tmp_path, snapshot, scorer):
    out, whole = tmp_path / "scores.parquet", tmp_path / "whole.parquet"
    with pytest.raises(KeyboardInterrupt):
        score_snapshot(snapshot, scorer, out, "g", _stop_after(0.4), rows=50)
    assert not out.exists()
    summary = score_snapshot(snapshot, scorer, out, "g", rows=50)
    score_snapshot(snapshot, scorer, whole, "g", rows=50)
    assert summary.resumed_parts == 3
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("change", ["grid", "rows", "language"])
def test_another_key_starts_over(tmp_path, snapshot, scorer, change):
    out = tmp_path / "scores.parquet"
    with pytest.raises(KeyboardInterrupt):
        score_snapshot(snapshot, scorer, out, "g", _stop_after(0.4), rows=50)
    grid, rows = "h" if change == "grid" else "g", 51 if change == "rows" else 50
    scorer = replace(scorer, language="zh") if change == "language" else scorer
    summary = score_snapshot(snapshot, scorer, out, grid, rows=rows)
    assert summary.resumed_parts == 0
    assert set(pq.read_table(out)["grid_version"].to_pylist()) == {grid}


def _stop_after(share):
    def progress(_: str, done: float) -> None:
        if done > share:
            raise KeyboardInterrupt

    return progress


CHILD = """
import sys, time
from dataclasses import replace
from pathlib import Path
from serving.batch import score_snapshot
from serving.loader import load_bundle
from serving.scoring import Scorer

snapshot, folder, digest, out = sys.argv[1:]
scorer = Scorer(load_bundle(Path(folder), digest, "3"))
score_snapshot(Path(snapshot), scorer, Path(out), "g", lambda *_: time.sleep(0.05), rows=10)
"""


@pytest.mark.slow
def test_kill_9_in_mid_run_loses_nothing_and_the_result_is_the_same_bytes(
    tmp_path, snapshot, retention, retention_folder, scorer
):
    from serving.scoring import Scorer

    out, whole = tmp_path / "scores.parquet", tmp_path / "whole.parquet"
    out.write_bytes(b"the scores of last month")
    told = [str(each) for each in (snapshot, *retention_folder, out)]
    child = subprocess.Popen([sys.executable, "-c", CHILD, *told])
    parts = tmp_path / "scores.parquet.parts"
    _wait_for(lambda: parts.exists() and len(list(parts.glob("*-*.parquet"))) >= 4)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert out.read_bytes() == b"the scores of last month"
    summary = score_snapshot(snapshot, Scorer(retention), out, "g", rows=10)
    assert summary.resumed_parts >= 4
    score_snapshot(snapshot, Scorer(retention), whole, "g", rows=10)
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores.parquet", "whole.parquet"]


def _wait_for(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


FULL = """
import resource, sys
from dataclasses import replace
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[5]), resource.RLIM_INFINITY))
from domain.errors import BadInput
from serving.batch import score_snapshot
from serving.loader import load_bundle
from serving.scoring import Scorer

try:
    snapshot, folder, digest, out = sys.argv[1:5]
    score_snapshot(Path(snapshot), Scorer(load_bundle(Path(folder), digest)), Path(out), "g")
except BadInput as error:
    print(error)
    sys.exit(7)
"""


@pytest.mark.slow
def test_a_disk_without_room_is_one_message_and_the_old_scores_stay(
    tmp_path, snapshot, retention_folder
):
    out = tmp_path / "scores.parquet"
    out.write_bytes(b"the scores of last month")
    told = [str(each) for each in (snapshot, *retention_folder, out, 4000)]
    child = subprocess.run([sys.executable, "-c", FULL, *told], capture_output=True, text=True)
    assert child.returncode == 7, child.stderr
    assert "cannot write" in child.stdout
    assert "File too large" in child.stdout
    assert out.read_bytes() == b"the scores of last month"
    assert not list(tmp_path.rglob("*.tmp"))


def test_an_output_folder_that_cannot_be_written_is_one_message(tmp_path, snapshot, scorer):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BadInput, match="cannot write"):
        score_snapshot(snapshot, scorer, tmp_path / "file" / "scores.parquet", "g")


def test_a_read_only_output_folder_is_one_message(tmp_path, snapshot, scorer):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write anywhere: no folder is read-only for root")
    with pytest.raises(BadInput, match="Permission denied"):
        score_snapshot(snapshot, scorer, folder / "scores.parquet", "g")


def test_two_runs_of_one_file_do_not_meet(tmp_path, snapshot, scorer):
    out = tmp_path / "scores.parquet"

    def second(_: str, share: float) -> None:
        if share < 1:
            with pytest.raises(BadInput, match="another run is writing"):
                score_snapshot(snapshot, scorer, out, "g")

    score_snapshot(snapshot, scorer, out, "g", second)
    assert out.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "is not there; run `gridkeep features`"), (b"no", "is not a Parquet file")],
)
def test_a_snapshot_that_is_none_is_one_message(tmp_path, scorer, content, message):
    path = tmp_path / "snapshot.parquet"
    if content:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=message):
        score_snapshot(path, scorer, tmp_path / "scores.parquet", "g")


def test_a_snapshot_without_cells_is_named(tmp_path, scorer, frames):
    path = tmp_path / "snapshot.parquet"
    frames(3).drop(columns="cell_id").to_parquet(path)
    with pytest.raises(BadInput, match="has no column cell_id"):
        score_snapshot(path, scorer, tmp_path / "scores.parquet", "g")


def test_a_damaged_snapshot_is_one_message(tmp_path, snapshot, scorer):
    path = tmp_path / "snapshot.parquet"
    content = bytearray(snapshot.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(bytes(content))
    with pytest.raises(BadInput, match="cannot be read to its end"):
        score_snapshot(path, scorer, tmp_path / "scores.parquet", "g")


def test_an_empty_snapshot_gives_an_empty_score_file(tmp_path, scorer, frames):
    path = tmp_path / "snapshot.parquet"
    frames(0).to_parquet(path)
    summary = score_snapshot(path, scorer, tmp_path / "scores.parquet", "g")
    assert summary.customers == 0
    assert pq.read_table(tmp_path / "scores.parquet").schema.names == list(SCORE_COLUMNS)
    assert isinstance(pq.read_schema(Path(tmp_path / "scores.parquet")), pa.Schema)
