import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from domain.bundle import DIGEST_TAG
from domain.errors import BadInput
from training.processes import is_gone, this_process
from training.settings import TrackingSettings
from training.tracking import Registered, Store, store_uri

METRICS = {"log_loss": 0.2, "log_loss_low": 0.19, "log_loss_high": 0.21}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(TrackingSettings(), tmp_path)


def register(store: Store, tmp_path: Path, loss: float = 0.2) -> Registered:
    folder = tmp_path / "out"
    (folder / "model").mkdir(parents=True, exist_ok=True)
    (folder / "model" / "model.txt").write_text("trees")
    metrics = {name: value - 0.2 + loss for name, value in METRICS.items()}
    with store.run("retention", {}) as run_id:
        return store.log_and_register(
            "retention",
            run_id,
            folder,
            digest="d1",
            params={"rounds": 3},
            metrics=metrics,
            tags={"gridkeep.judged_on": "rows"},
        )


def aliases(store: Store) -> dict[str, tuple[str, ...]]:
    return {row.version: row.aliases for row in store.models()}


def test_the_first_version_is_champion_and_moves_are_remembered(
    store: Store, tmp_path: Path
) -> None:
    assert register(store, tmp_path) == ("1", "champion")
    assert register(store, tmp_path) == ("2", "challenger")
    assert aliases(store) == {"2": ("challenger",), "1": ("champion",)}
    with pytest.raises(BadInput, match="no other champion to go back to"):
        store.rollback("retention")
    assert store.promote("retention", "2").action == "promote"
    assert aliases(store) == {"2": ("champion",), "1": ()}
    assert store.rollback("retention").version == "1"
    assert aliases(store) == {"2": (), "1": ("champion",)}
    moves = [(record.action, record.version) for record in store.history("retention")]
    assert moves == [("first", "1"), ("promote", "2"), ("rollback", "1")]


def test_a_worse_challenger_needs_a_reason_and_the_reason_is_kept(
    store: Store, tmp_path: Path
) -> None:
    register(store, tmp_path)
    register(store, tmp_path, loss=0.3)
    with pytest.raises(BadInput, match=r"is worse than champion 1: log loss 0\.3"):
        store.promote("retention", "2")
    assert aliases(store)["1"] == ("champion",)
    store.promote("retention", "2", force_reason="the old one reads a column that is gone")
    last = store.history("retention")[-1]
    assert last.action == "force"
    assert last.reason == "the old one reads a column that is gone"


def test_what_is_not_there_is_said(store: Store, tmp_path: Path) -> None:
    assert store.models() == []
    assert store.champion("retention") is None
    with pytest.raises(BadInput, match="there is no model 'churn'; the models are retention"):
        store.promote("churn", "1")
    register(store, tmp_path)
    with pytest.raises(BadInput, match="no version '7'; `gridkeep models` lists them"):
        store.promote("retention", "7")
    with pytest.raises(BadInput, match="is the champion already"):
        store.promote("retention", "1")


def test_the_bundle_comes_back_with_its_registered_digest(store: Store, tmp_path: Path) -> None:
    register(store, tmp_path)
    champion = store.champion("retention")
    into = tmp_path / "back"
    into.mkdir()
    folder, digest = store.fetch_bundle(champion, into)
    assert (folder / "model.txt").read_text() == "trees"
    assert digest == "d1" == champion.tags[DIGEST_TAG]


def test_the_store_is_private_and_beside_its_settings(store: Store, tmp_path: Path) -> None:
    assert (tmp_path / "mlruns" / "mlflow.db").is_file()
    assert (tmp_path / "mlruns").stat().st_mode & 0o077 == 0
    assert store.artifact_folder(_run(store)).startswith(str(tmp_path / "mlruns" / "artifacts"))


def _run(store: Store) -> str:
    with store.run("retention", {}) as run_id:
        return run_id


def test_the_environment_names_the_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = TrackingSettings()
    assert store_uri(settings, tmp_path) == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://models:5000")
    assert store_uri(settings, tmp_path) == "http://models:5000"


def test_a_store_that_cannot_be_made_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "mlruns").write_text("a file where the folder should be")
    with pytest.raises(BadInput, match="cannot be made"):
        Store(TrackingSettings(), tmp_path)


def test_a_failing_training_leaves_a_failed_run(store: Store) -> None:
    with pytest.raises(RuntimeError), store.run("retention", {}) as run_id:
        raise RuntimeError("no")
    assert store.client.get_run(run_id).info.status == "FAILED"


def test_the_next_training_closes_what_a_killed_one_left_open(tmp_path: Path) -> None:
    script = """
        import sys, time
        from pathlib import Path
        from training.settings import TrackingSettings
        from training.tracking import Store
        with Store(TrackingSettings(), Path(sys.argv[1])).run("retention", {}) as run_id:
            print(run_id, flush=True)
            time.sleep(600)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    home = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=home) as child:
        assert child.stdout is not None
        run_id = child.stdout.readline().strip()
        assert re.fullmatch("[0-9a-f]{32}", run_id)
        assert Store(TrackingSettings(), tmp_path).swept == []  # it lives
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    store = Store(TrackingSettings(), tmp_path)
    assert store.swept == [run_id]
    assert store.client.get_run(run_id).info.status == "KILLED"
    assert Store(TrackingSettings(), tmp_path).swept == []


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    mine = json.loads(this_process())
    assert not is_gone(json.dumps(mine))
    assert is_gone(json.dumps({**mine, "start": "1"}))
    assert not is_gone(json.dumps({**mine, "host": "elsewhere", "pid": 2**22 + 1}))
