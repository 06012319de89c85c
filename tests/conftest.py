"""What every test may use: real data where it is, quiet libraries, no network."""

import os
from pathlib import Path

import hypothesis
import pytest

os.environ["BENTOML_DO_NOT_TRACK"] = "true"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.pop("MLFLOW_TRACKING_URI", None)

if "CI" not in os.environ:  # there Hypothesis has a profile of its own: no deadline, same examples
    hypothesis.settings.register_profile("local", deadline=None)
    hypothesis.settings.load_profile("local")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets, or a skip that says where it was looked for."""
    folder = Path(os.environ.get("GRIDKEEP_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real data absent: set GRIDKEEP_REAL_DATA to the folder that holds berka/ ...")
    return folder
