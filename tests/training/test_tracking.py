import hashlib
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
from pathlib import Path

import pandas as pd
import pytest

from domain.bundle import DIGEST_TAG
from domain.errors import BadInput
from tests.training.versions import promote, register, verdict
from training.settings import TrackingSettings, store_uri
from training.store.bundle import verify
from training.store.champions import HISTORY_TAG
from training.store.processes import is_gone, this_process
from training.tracking import Store


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
    assert promote(store, "2").action == "promote"
    assert aliases(store) == {"2": ("champion",), "1": ()}
    assert store.rollback("retention").version == "1"
    assert aliases(store) == {"2": (), "1": ("champion",)}
    history = store.history("retention")
    moves = [(entry.alias, entry.action, entry.was, entry.version) for entry in history.entries]
    assert moves == [
        ("champion", "first", "", "1"),
        ("challenger", "challenge", "", "2"),
        ("champion", "promote", "1", "2"),
        ("challenger", "retire", "2", ""),
        ("champion", "rollback", "2", "1"),
    ]
    assert history.broken == ""
    with pytest.raises(BadInput, match="back at its first champion, version 1: there was none"):
        store.rollback("retention")


def test_where_a_promotion_must_say_so_the_first_version_is_no_champion(
    store: Store, tmp_path: Path
) -> None:
    assert register(store, tmp_path, first_is_champion=False) == ("1", "challenger")
    assert store.champion("retention") is None
    assert promote(store, "1").was == ""
    assert aliases(store) == {"1": ("champion",)}


def test_who_trained_and_who_moved_is_kept(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(store, tmp_path)
    monkeypatch.setenv("GRIDKEEP_USER", "ann")
    register(Store(TrackingSettings(), tmp_path), tmp_path)
    monkeypatch.delenv("GRIDKEEP_USER")
    bob = Store(TrackingSettings(user="bob"), tmp_path)
    candidacy = bob.candidacy("retention", "2")
    assert candidacy.trained_by == "ann"
    assert bob.models()[0].trained_by == "ann"
    entry = bob.promote(candidacy, verdict(bob, "2", validator="cem"))
    assert (entry.by, entry.validator) == ("bob", "cem")
    assert entry.verdict == verdict(store, "2", validator="cem")._replace(champion="1").digest


def test_a_verdict_that_refuses_needs_a_reason_and_the_reason_is_kept(
    store: Store, tmp_path: Path
) -> None:
    register(store, tmp_path)
    register(store, tmp_path)
    with pytest.raises(BadInput, match="does not pass the gate against champion 1: log-loss: as"):
        promote(store, "2", passed=False)
    assert aliases(store)["1"] == ("champion",)
    assert len(store.history("retention").entries) == 2
    with pytest.raises(BadInput, match=r"'x+\.\.\.' has 501 characters; 500 are kept"):
        promote(store, "2", passed=False, override="x" * 501)
    entry = promote(store, "2", passed=False, override="die alte liest eine Spalte, die fehlt: é")
    assert store.history("retention").entries[2] == entry
    assert (entry.action, entry.reason) == ("override", "die alte liest eine Spalte, die fehlt: é")


def test_a_reason_without_need_is_no_override(store: Store, tmp_path: Path) -> None:
    register(store, tmp_path)
    register(store, tmp_path)
    entry = promote(store, "2", override="to be sure")
    assert (entry.action, entry.reason) == ("promote", "")


def test_a_verdict_counts_for_the_version_that_it_is_on(store: Store, tmp_path: Path) -> None:
    for _ in range(3):
        register(store, tmp_path)
    with pytest.raises(BadInput, match="the verdict is on version 2, not on this one"):
        store.promote(store.candidacy("retention", "3"), verdict(store, "2"))


def test_a_verdict_is_kept_with_its_tables(store: Store, tmp_path: Path) -> None:
    register(store, tmp_path)
    register(store, tmp_path)
    found = verdict(store, "2", passed=False)
    cells = pd.DataFrame({"cell_id": ["a"], "worse": [True]})
    kept = Path(store.keep_verdict(store.candidacy("retention", "2"), found, {"cells": cells}))
    text = (kept / "verdict.json").read_text(encoding="utf-8")
    assert hashlib.sha256(text.encode()).hexdigest() == found.digest
    assert json.loads(text)["checks"][0]["passed"] is False
    assert pd.read_csv(kept / "verdict.csv")["name"].tolist() == ["log-loss"]
    assert pd.read_csv(kept / "cells.csv")["cell_id"].tolist() == ["a"]


def test_an_alias_that_was_moved_by_hand_is_told_before_the_next_move(
    store: Store, tmp_path: Path
) -> None:
    for _ in range(3):
        register(store, tmp_path)
    store.client.set_registered_model_alias("gridkeep-retention", "champion", "2")
    promote(store, "3")
    told = [
        (entry.action, entry.was, entry.version) for entry in store.history("retention").entries
    ]
    assert told[3:5] == [("settle", "1", "2"), ("promote", "2", "3")]
    assert store.rollback("retention").version == "2"


def test_a_store_of_an_earlier_release_begins_its_history(store: Store, tmp_path: Path) -> None:
    register(store, tmp_path)
    store.client.delete_registered_model_tag("gridkeep-retention", HISTORY_TAG)
    assert store.history("retention").entries == ()
    register(store, tmp_path)
    promote(store, "2")
    assert store.rollback("retention").version == "1"
    assert store.history("retention").broken == ""


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
    assert promote(store, "2").version == "2"
    assert not old.exists()


def test_a_copied_store_leaves_the_first_one_alone(blank: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copytree(blank / "mlruns", old / "mlruns")
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
        store.candidacy("churn", "1")
    with pytest.raises(BadInput, match="retention has no champion, so there is none to go back to"):
        store.rollback("retention")
    register(store, tmp_path)
    with pytest.raises(BadInput, match="no version '7'; `gridkeep models` lists them"):
        store.candidacy("retention", "7")
    with pytest.raises(BadInput, match="is the champion already"):
        store.candidacy("retention", "1")


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
