"""A model that reads rates of cells, by the command line: trained, scored, watched, regridded."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from domain.bundle import CELL_RATES_FILE
from domain.cell_rates import CELL_LEAVING_RATE
from tests.command import gridkeep_in

pytestmark = pytest.mark.slow

AS_OF = "2025-05-01"
SETTINGS = """
[retention]
cell_rates = true
train_cutoffs = 2
evaluate_cutoffs = 1
rounds = 40
bootstrap = 20
[grid]
floor = 100
[publication]
customers_min = 12
[monitoring]
evidently_cells_max = 0
"""
# Evidently's page of all columns takes 20 seconds
WATCHED = 'columns = ["cell_leaving_rate", "recency_days", "customer_kind"]\n'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, blank: Path, leavers_together: Any) -> Path:
    parent = tmp_path_factory.mktemp("rates")
    words = ["simulate", "--out", "bank", "--customers", "900", "--months", "16", "--seed", "5"]
    assert gridkeep_in(parent, *words).returncode == 0
    with (parent / "bank" / "gridkeep.toml").open("a") as file:
        file.write(SETTINGS + WATCHED)
    leavers_together(parent / "bank")
    shutil.copytree(blank / "mlruns", parent / "bank" / "mlruns")
    assert gridkeep_in(parent / "bank", "partition").returncode == 0
    return parent / "bank"


def test_a_bank_scores_and_watches_with_rates_until_its_grid_changes(home: Path) -> None:
    done = gridkeep_in(home, "train", "retention", "--json")
    assert done.returncode == 0, done.stderr
    model = Path(json.loads(done.stdout)["report"]["artifacts"]) / "model"
    rates = json.loads((model / CELL_RATES_FILE).read_text())
    assert rates["customers_min"] == 12
    assert rates["grid_version"] == (home / "grids" / "current").read_text().strip()
    done = gridkeep_in(home, "score", "--as-of", AS_OF, "--out", "scores.parquet")
    assert done.returncode == 0, done.stderr
    before = (home / "scores.parquet").read_bytes()
    done = gridkeep_in(home, "monitor", "--as-of", AS_OF)
    assert done.returncode in (0, 2), done.stderr
    drift = pd.read_parquet(home / "reports" / AS_OF / "drift.parquet")
    watched = drift[drift["column"] == CELL_LEAVING_RATE]
    assert len(watched)
    assert not watched["drifted"].any()

    text = (home / "gridkeep.toml").read_text().replace('"cell_leaving_rate", ', "")
    (home / "gridkeep.toml").write_text(text.replace("floor = 100", "floor = 250"))
    assert gridkeep_in(home, "partition").returncode == 0
    done = gridkeep_in(home, "score", "--as-of", AS_OF, "--out", "scores.parquet")
    assert done.returncode == 1
    assert f"reads the rate of loss of cells of grid {rates['grid_version']}" in done.stderr
    assert "Traceback" not in done.stderr
    assert (home / "scores.parquet").read_bytes() == before
    done = gridkeep_in(home, "monitor", "--as-of", AS_OF)  # by features of the profile's cut-off
    assert done.returncode in (0, 2), done.stderr
