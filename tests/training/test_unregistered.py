"""A store that goes away while a finished model is registered: nothing is lost."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from domain.errors import BadInput
from domain.model_store import QUIET, Asked
from tests.training.versions import METRICS, register
from training.boosting.trials import Trial
from training.environment import environment
from training.made import Made
from training.recipe import Recipe
from training.report import TrainReport
from training.settings import TrackingSettings
from training.store.bundle import seal
from training.store.processes import PROCESS_TAG, this_process
from training.store.runs import PARENT_TAG, TRIAL_TAG
from training.tracking import Store
from training.unregistered import register as register_made
from training.unregistered import register_folder

TRIALS = (Trial(0, {}, {}, 0.3, 9), Trial(1, {"num_leaves": 4}, {1: 0.5}, None, 5))
NAME = "retention"


class Server(NamedTuple):
    """An MLflow server of this test, with its store in a folder."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def started(folder: Path, port: int) -> Server:
    """A server over HTTP that keeps artifacts too, once it answers."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {**os.environ, **QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = (folder / "server.log").open("ab")
    with log:
        # a session of its own: its workers end with it
        process = subprocess.Popen(
            command, env=quiet, stdout=log, stderr=log, start_new_session=True
        )
    server = Server(folder, port, process)
    for _ in range(600):
        with suppress(OSError), urllib.request.urlopen(f"{server.uri}/health", timeout=5):
            return server
        assert process.poll() is None, (folder / "server.log").read_text()
        time.sleep(0.1)
    raise AssertionError("the server does not answer")


def killed(server: Server) -> None:
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


@pytest.fixture
def server(blank: Path, tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "server"
    folder.mkdir()
    # a store that has its tables, but not the experiment of the fixture, whose files lie there
    shutil.copy(blank / "mlruns" / "mlflow.db", folder / "mlflow.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = started(folder, port)
    yield found
    with suppress(ProcessLookupError):
        killed(found)


def made_in(folder: Path) -> Made:
    """A finished model without trees."""
    out = folder / "out"
    (out / "model").mkdir(parents=True)
    (out / "model" / "model.txt").write_text("trees")
    digest = seal(out / "model")
    recipe = Recipe(name="retention", grid_version="grid-0", data_hashes={})
    report = TrainReport(NAME, digest, (), (), 9, 9, METRICS, {}, {})
    return Made(out, digest, recipe, {"rounds": 3}, METRICS, {}, report, TRIALS)


def refused(store: Store, place: Path, go_away: Callable[[], None]) -> tuple[str, Path]:
    """What a training says whose store goes away, and the folder that it names."""
    made = made_in(place)

    def trained() -> None:
        with store.run(NAME, {}) as run_id:
            go_away()
            register_made(store, run_id, made, environment("duckdb"), True, place)

    with pytest.raises(BadInput) as told:
        trained()
    found = re.search(r"gridkeep train --register (\S+)", str(told.value))
    assert found, told.value
    return str(told.value), Path(found[1])


def nested(store: Store, run_id: str) -> list[str]:
    runs = store.client.search_runs([store._experiment], f"tags.`{PARENT_TAG}` = '{run_id}'")
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}  # none is left open
    return sorted(run.data.tags[TRIAL_TAG] for run in runs if run.info.status == "FINISHED")


@pytest.mark.slow
def test_a_server_that_is_killed_in_mid_run_costs_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = TrackingSettings(uri=server.uri, experiment="remote")
    store = Store(settings, tmp_path)
    told, folder = refused(store, tmp_path, lambda: killed(server))
    assert f"the model store {server.uri} cannot be used" in told
    assert f"the trained model is whole in {folder}" in told
    with pytest.raises(BadInput, match="cannot be used"):
        register_folder(store, folder)
    assert (folder / "files" / "model" / "model.txt").read_text() == "trees"
    again = started(server.folder, server.port)
    try:
        store = Store(settings, tmp_path)
        kept, registered = register_folder(store, folder)
        assert registered == ("1", "champion")
        assert store.client.get_run(kept.run_id).info.status == "FINISHED"
        assert nested(store, kept.run_id) == ["0", "1"]
        (tmp_path / "back").mkdir()
        bundle, _ = store.fetch_bundle(store.champion(NAME), tmp_path / "back")
        assert (bundle / "model.txt").read_text() == "trees"
        assert "recipe.json" in {file.path for file in store.client.list_artifacts(kept.run_id)}
        assert not folder.exists()
        dead = [left_open(store, "1"), left_open(store, "1", {PARENT_TAG: kept.run_id})]
        living = left_open(store, str(json.loads(this_process())["start"]))
        assert sorted(Store(settings, tmp_path).swept) == sorted(dead)
        statuses = [store.client.get_run(run).info.status for run in (*dead, living)]
        assert statuses == ["KILLED", "KILLED", "RUNNING"]
    finally:
        killed(again)


def left_open(store: Store, start: str, tags: Mapping[str, str] = MappingProxyType({})) -> str:
    """A run of a process with our number that began at `start`."""
    mark = json.dumps({**json.loads(this_process()), "start": start})
    run = store.client.create_run(store._experiment, tags={**tags, PROCESS_TAG: mark})
    return str(run.info.run_id)


class Leaving:
    """A client of the store that answers `calls` times and never again."""

    def __init__(self, client: object, calls: int) -> None:
        self.client, self.left = client, calls
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        def asked(*words: object, **named: object) -> object:
            self.asked.append(name)
            if self.left <= 0:
                raise ConnectionRefusedError(111, "Connection refused")
            self.left -= 1
            return getattr(self.client, name)(*words, **named)

        return asked


def test_a_store_that_goes_away_at_any_call_gets_one_version_in_the_end(
    store: Store, tmp_path: Path
) -> None:
    register(store, tmp_path)  # so that there is a champion
    raw, calls, versions, ended = store.client._client, 0, 1, False
    while not ended:
        place = tmp_path / f"place{calls}"
        place.mkdir()
        leaving = Leaving(raw, calls)

        def go_away(client: Leaving = leaving) -> None:
            store.client = Asked(client, store.uri, (OSError,))

        _, folder = refused(store, place, go_away)
        store.client = Asked(raw, store.uri, (OSError,))
        kept, registered = register_folder(store, folder)
        versions += 1
        assert registered == (str(versions), "challenger"), calls
        assert nested(store, kept.run_id) == ["0", "1"]
        assert len(store.models()) == versions
        ended = "set_registered_model_alias" in leaving.asked
        calls += 3
    assert store.history(NAME).broken == ""
    assert calls > 20


def test_a_folder_of_something_else_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no trained model that waits"):
        register_folder(store, tmp_path)
