import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
import traceback
from datetime import date
from pathlib import Path

import pytest

from domain.bundle import DIGEST_TAG, ModelCard
from domain.errors import BadInput
from training.bundle import seal, verify
from training.processes import is_gone, this_process
from training.settings import TrackingSettings, store_uri
from training.tracking import Registered, Store

METRICS = {"log_loss": 0.2, "log_loss_low": 0.19, "log_loss_high": 0.21}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(TrackingSettings(), tmp_path)


def register(store: Store, tmp_path: Path, loss: float = 0.2) -> Registered:
    folder = tmp_path / "out"
    (folder / "model").mkdir(parents=True, exist_ok=True)
    (folder / "model" / "model.txt").write_text("trees")
    metrics = {name: value - 0.2 + loss for name, value in METRICS.items()}
    for name in ("average_precision", "average_precision_low", "average_precision_high"):
        metrics[name] = 0.5
    day = date(2025, 1, 1)
    card = ModelCard(
        name="retention",
        grid_version="grid-0",
        trained_as_of=(day,),
        evaluated_as_of=(day,),
        profile_as_of=day,
        git_revision="unknown",
        features_hash="0" * 64,
        data_hashes={},
        settings={},
        metrics=metrics,
        judged_on="rows",
    )
    (folder / "model" / "card.json").write_text(card.model_dump_json())
    digest = seal(folder / "model")
    with store.run("retention", {}) as run_id:
        return store.log_and_register(
            "retention",
            run_id,
            folder,
            digest=digest,
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
    with pytest.raises(BadInput, match="back at its first champion, version 1: there was none"):
        store.rollback("retention")


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


def test_figures_edited_in_the_run_do_not_open_the_gate(store: Store, tmp_path: Path) -> None:
    register(store, tmp_path)
    register(store, tmp_path, loss=0.3)
    run_id = store.client.get_model_version("gridkeep-retention", "2").run_id
    for name in METRICS:
        store.client.log_metric(run_id, name, 0.01)
    with pytest.raises(BadInput, match=r"is worse than champion 1: log loss 0\.3"):
        store.promote("retention", "2")


def test_a_damaged_challenger_is_never_promoted_and_a_damaged_champion_can_be_replaced(
    store: Store, tmp_path: Path
) -> None:
    register(store, tmp_path)
    register(store, tmp_path)
    cards = {
        version: Path(store.artifact_folder(_run_of(store, version))) / "model" / "card.json"
        for version in ("1", "2")
    }
    whole = cards["2"].read_text()
    cards["2"].write_text(whole.replace("0.2", "0.1"))
    with pytest.raises(BadInput, match=r"card\.json changed after it was written"):
        store.promote("retention", "2", force_reason="I insist")
    cards["2"].write_text(whole)
    cards["1"].unlink()
    with pytest.raises(BadInput, match="cannot be told"):
        store.promote("retention", "2")
    assert store.promote("retention", "2", force_reason="1 is damaged").action == "force"


def _run_of(store: Store, version: str) -> str:
    return str(store.client.get_model_version("gridkeep-retention", version).run_id)


def test_a_store_that_was_moved_goes_on(tmp_path: Path) -> None:
    old, new = tmp_path / "old place", tmp_path / "new place"
    register(Store(TrackingSettings(), old), old)
    new.mkdir()
    (old / "mlruns").rename(new / "mlruns")
    shutil.rmtree(old)
    store = Store(TrackingSettings(), new)
    folder, digest = store.fetch_bundle(store.champion("retention"), tmp_path)
    verify(folder, digest)
    assert register(store, new).version == "2"
    for version in ("1", "2"):
        assert (Path(store.artifact_folder(_run_of(store, version))) / "model").is_dir()
    assert store.promote("retention", "2").version == "2"
    assert not old.exists()


def test_a_copied_store_leaves_the_first_one_alone(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    register(Store(TrackingSettings(), old), old)
    shutil.copytree(old / "mlruns", new / "mlruns")
    register(Store(TrackingSettings(), new), new)
    assert len(list((old / "mlruns" / "artifacts").iterdir())) == 1
    assert len(list((new / "mlruns" / "artifacts").iterdir())) == 2


UNUSABLE = [
    "http://me:sesame@127.0.0.1:{port}",
    "postgresql+psycopg://me:sesame@127.0.0.1:{port}/models",
    "nosuch://me:sesame@127.0.0.1/models",
    "mysql+nodriver://me:sesame@127.0.0.1/models",
]


@pytest.mark.parametrize("uri", UNUSABLE)
def test_a_store_that_does_not_answer_is_told_soon_and_without_its_password(
    uri: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:  # bound and not listening: refused at once
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(port=taken.getsockname()[1]))
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        began = time.monotonic()
        with pytest.raises(BadInput, match="cannot be used") as told:
            Store(TrackingSettings(), tmp_path)
    assert time.monotonic() - began < 30
    assert "***@127.0.0.1" in str(told.value)
    everything = "".join(traceback.format_exception(told.value)) + "".join(capfd.readouterr())
    assert "sesame" not in everything


def test_a_file_that_is_no_store_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").write_bytes(b"no database" * 100)
    with pytest.raises(BadInput, match=r"mlflow\.db cannot be used: .*not a database"):
        Store(TrackingSettings(), tmp_path)


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
    assert digest == champion.tags[DIGEST_TAG]
    verify(folder, digest)


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
