"""The whole road by the command line on a simulated bank: sources to a served score and drift."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.command import gridkeep_in, gridkeep_started

pytestmark = pytest.mark.slow

AS_OF = "2025-05-01"
SMALL = """
[retention]
train_cutoffs = 3
rounds = 60
bootstrap = 20
[segmentation]
bootstrap = 20
[grid]
floor = 150
[profit]
contact_capacity = 20
[monitoring]
evidently_cells_max = 1
"""
# the code that was changed among a few others; Evidently's pages of all columns take 20 seconds
WATCHED = """columns = [
    "categories_365d", "recency_days", "balance_last", "transactions_90d", "customer_kind"
]
"""


Call = Callable[..., subprocess.CompletedProcess[str]]


def answered(
    home: Path, *words: str, call: Call = gridkeep_in, config: str = "gridkeep.toml"
) -> subprocess.CompletedProcess[str]:
    """What the command says; in this process or in one of its own."""
    done = call(home, *words, "--config", config)
    assert "Traceback" not in done.stderr
    return done


def gridkeep(home: Path, *words: str, call: Call = gridkeep_in) -> str:
    """Standard output of a call that succeeds."""
    done = answered(home, *words, call=call)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def road(tmp_path_factory, blank) -> Path:
    """A bank of 1,500 customers and 16 months that went the whole road."""
    home = tmp_path_factory.mktemp("road") / "bank"
    words = ["--out", str(home), "--customers", "1500", "--months", "16", "--seed", "5"]
    assert gridkeep_in(home.parent, "simulate", *words).returncode == 0
    with (home / "gridkeep.toml").open("a") as file:
        file.write(SMALL)
    shutil.copytree(blank / "mlruns", home / "mlruns")
    for words in (
        ("check",),
        ("partition",),
        ("train", "retention"),
        ("train", "segmentation"),
        ("score", "--as-of", AS_OF, "--out", "scores.parquet"),
    ):
        (home / f"{'-'.join(words[:2])}.txt").write_text(gridkeep(home, *words))
    return home


def test_everyone_with_the_bank_has_one_score(road):
    scores = pd.read_parquet(road / "scores.parquet")
    customers = pd.read_parquet(road / "customers.parquet")
    closures = pd.read_parquet(road / "closures.parquet")
    day = pd.Timestamp(AS_OF).date()
    here = set(customers.customer_id[customers.onboarded_on < day])
    gone = set(closures.customer_id[closures.closed_on < day])
    assert sorted(scores.customer_id) == sorted(here - gone)
    assert scores.churn_probability.between(0, 1).all()
    assert scores.segment.notna().all()
    assert set(scores.grid_version) == {(road / "grids" / "current").read_text().strip()}
    grid = pd.read_parquet(road / "grids" / scores.grid_version[0] / "assignment.parquet")
    placed = grid.set_index("customer_id").cell_id
    assert (scores.set_index("customer_id").cell_id == placed.loc[scores.customer_id]).all()


def test_a_second_scoring_by_another_process_gives_the_same_bytes(road):
    before = (road / "scores.parquet").read_bytes()
    words = ["score", "--as-of", AS_OF, "--out", "again.parquet"]
    gridkeep(road, *words, call=gridkeep_started)
    assert (road / "again.parquet").read_bytes() == before


def test_segments_are_written_with_policies_lists_and_the_migration(road):
    told = gridkeep(road, "segments", "--as-of", AS_OF, "--out", "segments")
    found = {file.stem: pd.read_parquet(file) for file in (road / "segments").iterdir()}
    steps = [*found["migration"].groupby(["before", "after"])["customers"].sum().items()]
    joined = sum(count for (before, _), count in steps if before == "joined")
    left = sum(count for (_, after), count in steps if after == "left")
    moved = sum(count for (before, after), count in steps if before != after) - joined - left
    assert moved > 0
    assert f"the month before {moved:,} moved, {joined:,} joined, {left:,} left" in told
    customers = found["customers"]
    scores = pd.read_parquet(road / "scores.parquet")
    assert customers.customer_id.tolist() == scores.customer_id.tolist()
    assert (customers.segment.to_numpy() == scores.segment.to_numpy()).mean() > 0.7
    same = (customers.segment == scores.segment) & ~customers.borderline
    clear = scores.segment_probability[same]
    assert clear.min() >= 0.5
    assert customers[["contact", "cadence_days", "manager"]].notna().all(axis=None)
    assert found["upgrades"].up_probability.is_monotonic_decreasing
    assert set(found["downgrades"].customer_id) <= set(
        customers.customer_id[customers.value_tier > 1]
    )
    now = found["migration"].query("after != 'left'").groupby("after").customers.sum()
    assert now.to_dict() == customers.segment.value_counts().to_dict()


def test_the_first_versions_are_champions(road):
    versions = json.loads(gridkeep(road, "models", "--json"))["versions"]
    champions = {v["name"]: v["version"] for v in versions if "champion" in v["aliases"]}
    assert champions == {"retention": "1", "segmentation": "1"}
    told = (road / "train-retention.txt").read_text()
    assert "a campaign to 20 of " in told or "a campaign pays for nobody" in told


def test_a_month_is_monitored_and_the_exit_code_says_whether_a_cell_moved(road):
    watched = (road / "gridkeep.toml").read_text() + WATCHED
    (road / "watched.toml").write_text(watched)
    done = answered(road, "monitor", "--as-of", AS_OF, "--json", config="watched.toml")
    found = json.loads(done.stdout)["report"]
    assert done.returncode == (2 if found["flagged"] else 0)
    report = road / "reports" / AS_OF
    drift = pd.read_parquet(report / "drift.parquet")
    assert set(drift.grid_version) == {(road / "grids" / "current").read_text().strip()}
    assert "categories_365d" in found["bank_columns"]  # the code that was changed
    moved = drift[drift.drifted & (drift.cell_id != "bank")]
    assert set(moved.cell_id) == set(found["flagged"])
    page = (report / "index.html").read_text(encoding="utf-8")
    assert "<svg" in page


def test_a_quiet_month_flags_no_cell(road):
    words = ["--as-of", "2025-02-01", "--reference", "2025-01-01", "--json"]
    found = json.loads(gridkeep(road, "monitor", *words))
    assert found["report"]["flagged"] == {}


def test_a_served_score_is_the_batch_score(road):
    scores = pd.read_parquet(road / "scores.parquet").set_index("customer_id")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gridkeep", "serve", "--port", str(port), "--as-of", AS_OF]
    service = subprocess.Popen(command, cwd=road, stderr=subprocess.PIPE, text=True)
    try:
        for line in service.stderr:
            if "/v1/score" in line:
                break
        ids = list(scores.index[:50])
        asked = json.dumps({"customers": [{"customer_id": name} for name in [*ids, "nobody"]]})
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/score",
            data=asked.encode(),
            headers={"Content-Type": "application/json"},
        )
        answer = json.load(urllib.request.urlopen(request, timeout=30))
    finally:
        os.kill(service.pid, signal.SIGTERM)
        service.communicate(timeout=60)
    assert service.returncode == 0
    assert "error" in answer["scores"][-1]
    for row in answer["scores"][:-1]:
        batch = scores.loc[row["customer_id"]]
        assert row["churn_probability"] == pytest.approx(batch.churn_probability, abs=1e-9)
        assert row["segment"] == batch.segment
        assert [r["feature"] for r in row["reasons"]] == [r["feature"] for r in batch.reasons]
