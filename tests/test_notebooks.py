"""Every notebook runs from top to bottom, and is committed without outputs."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from domain.bundle import CALIBRATION_FILE, HASHES_FILE
from gridkeep.config import load_config
from tests.command import gridkeep_in
from training.store.bundle import seal
from training.tracking import Store

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


def named(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_a_notebook_is_committed_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert "**What you will learn:**" in notebook.cells[0].source


@pytest.fixture(scope="module")
def bank(tmp_path_factory, blank) -> Path:
    """A small simulated bank with a grid, both champions and a challenger."""
    home = tmp_path_factory.mktemp("notebook") / "bank"
    size = ["--customers", "1200", "--months", "14"]
    assert gridkeep_in(home.parent, "simulate", "--out", str(home), *size).returncode == 0
    with (home / "gridkeep.toml").open("a") as file:
        file.write("\n[retention]\ntrain_cutoffs = 2\nrounds = 40\nbootstrap = 20\n")
        file.write("\n[segmentation]\nrounds = 20\nbootstrap = 20\n")
    shutil.copytree(blank / "mlruns", home / "mlruns")
    for words in (["partition"], ["train", "retention"], ["train", "segmentation"]):
        done = gridkeep_in(home, *words)
        assert done.returncode == 0, done.stderr
    register_timid_copy(home)
    return home / "gridkeep.toml"


def register_timid_copy(home: Path) -> None:
    """The champion with every probability halved, as a challenger: a training less."""
    store = Store(load_config(home / "gridkeep.toml").tracking, home)
    root = Path(store.artifact_folder(store.champion("retention").run_id))
    copy = shutil.copytree(root / "model", home / "copy" / "model")
    knots = json.loads((copy / CALIBRATION_FILE).read_text())
    knots["probability"] = [p / 2 for p in knots["probability"]]
    (copy / CALIBRATION_FILE).write_text(json.dumps(knots))
    (copy / HASHES_FILE).unlink()
    digest = seal(copy)
    with store.run("retention", {}) as run:
        nothing = {"params": {}, "metrics": {}, "tags": {}}
        store.log_and_register("retention", run, copy.parent, digest=digest, **nothing)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
# the client of Jupyter leaves its sockets to the collector
@pytest.mark.filterwarnings("ignore")
def test_a_notebook_runs(path, bank, monkeypatch):
    monkeypatch.setenv("GRIDKEEP_CONFIG", str(bank))
    monkeypatch.setenv("PYTHONPATH", str(path.parents[1]))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    told = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in told if output.output_type == "error"]
    assert any("image/png" in output.get("data", {}) for output in told)
    assert any("champion" in str(output.get("data", {})) for output in told)
    if not path.name.startswith("01"):  # the end is worth showing
        last = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
        assert any("image/png" in output.get("data", {}) for output in last.outputs)
