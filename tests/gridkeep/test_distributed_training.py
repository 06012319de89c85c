"""Training by two worker processes, from the command line to a model that serves."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from domain.bundle import MODEL_FILE
from domain.cell_rates import CELL_LEAVING_RATE
from domain.errors import BadInput
from serving.loader import load_bundle
from serving.verification import verified_files
from tests.command import gridkeep_in, gridkeep_started

pytestmark = pytest.mark.slow

Call = Callable[..., subprocess.CompletedProcess[str]]
SETTINGS = """
[retention]
learner = "dask"
workers = 2
cell_rates = true
train_cutoffs = 2
evaluate_cutoffs = 1
rounds = 60
bootstrap = 20
[grid]
floor = 100
"""


def gridkeep(home: Path, *words: str, call: Call = gridkeep_in) -> str:
    """Standard output of a call that succeeds."""
    done = call(home, *words)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    assert "[LightGBM]" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, blank: Path, leavers_together: Any) -> Path:
    """A small simulated bank whose configuration asks for two processes."""
    parent = tmp_path_factory.mktemp("distributed")
    gridkeep(parent, "simulate", "--out", "bank", "--customers", "900", "--months", "16")
    with (parent / "bank" / "gridkeep.toml").open("a") as file:
        file.write(SETTINGS)
    leavers_together(parent / "bank")
    shutil.copytree(blank / "mlruns", parent / "bank" / "mlruns")
    return parent / "bank"


def test_a_model_of_two_processes_serves_like_any_other(home: Path) -> None:
    gridkeep(home, "partition")
    answer = json.loads(gridkeep(home, "train", "retention", "--json", call=gridkeep_started))
    report = answer["report"]
    assert (report["version"], report["alias"]) == ("1", "champion")
    assert report["metrics"]["auc"]["value"] > 0.6
    folder = Path(report["artifacts"]) / "model"
    served = load_bundle(folder, report["digest"])
    assert served.card.settings["retention"]["learner"] == "dask"
    assert served.calibration is not None
    assert served.cell_rates is not None
    assert CELL_LEAVING_RATE in served.manifest.names
    profile = pd.read_parquet(folder / "profile.parquet")
    rows = profile.reindex(columns=served.manifest.names)
    margin = served.booster.predict(served.manifest.encode(rows), raw_score=True)
    found = served.calibration.apply(np.asarray(margin))
    assert found.min() > 0
    assert found.max() < 1
    assert found.std() > 0.001
    assert b"127.0.0.1" not in verified_files(folder, report["digest"])[MODEL_FILE]
    assert not list(home.glob(".rows-*"))
    (folder / MODEL_FILE).write_text("tree")
    with pytest.raises(BadInput, match=MODEL_FILE):
        load_bundle(folder, report["digest"])
