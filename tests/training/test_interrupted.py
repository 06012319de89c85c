"""What kills a move, or crosses it, at every call of the store: the old champion stays whole."""

import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from domain.errors import BadInput
from domain.model_store import Asked
from serving.registry import fetch_champion
from serving.verification import verified_files
from tests.training.versions import promote, register, verdict
from training.settings import TrackingSettings
from training.store.champions import Champions
from training.tracking import Store

MODEL, HOME = "gridkeep-retention", Path(__file__).resolve().parents[2]


class Killed(BaseException):
    """What no handler of ours catches."""


class Mortal:
    """A client of the store that dies at its call number `at`."""

    def __init__(self, client: Any, at: int, fault: str) -> None:
        self.client, self.at, self.fault = client, at, fault
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def asked(*words: Any, **named: Any) -> Any:
            self.calls.append(name)
            number = len(self.calls)
            if self.fault == "gone" and number >= self.at:
                raise ConnectionRefusedError(111, "Connection refused")
            if self.fault == "killed" and number == self.at:
                raise Killed  # before this call is after the one before it
            return getattr(self.client, name)(*words, **named)

        return asked


def mortal(folder: Path, at: int, fault: str) -> tuple[Store, Mortal]:
    store = Store(TrackingSettings(), folder)
    client = Mortal(store.client._client, at, fault)
    store.client = Asked(client, store.uri, (OSError,))
    return store, client


def moved(store: Store) -> None:
    """A promotion of version 2, verdict kept, as the command does it."""
    candidacy = store.candidacy("retention", "2")
    found = verdict(store, "2")
    store.keep_verdict(candidacy, found, {"cells": pd.DataFrame({"cell_id": ["a"]})})
    store.promote(candidacy, found)


def back(store: Store) -> None:
    store.rollback("retention")


def lived(act: Callable[[], object]) -> bool:
    """Whether the act came to its end; a store that went away must be told as such."""
    try:
        act()
    except Killed:
        return False
    except BadInput as error:
        return not told(error)
    return True


def told(error: BadInput) -> bool:
    assert "cannot be used: [Errno 111] Connection refused" in str(error)
    return True


@pytest.fixture(scope="module")
def folder(blank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with champion 1 and challenger 2."""
    found = tmp_path_factory.mktemp("store")
    shutil.copytree(blank / "mlruns", found / "mlruns")
    store = Store(TrackingSettings(), found)
    register(store, found)
    register(store, found)
    return found


def champion_is_whole(store: Store, into: Path) -> str:
    """The champion that a service would load now, its files verified."""
    fetched = fetch_champion("retention", store.uri, into)
    assert set(verified_files(fetched.folder, fetched.digest)) == {"model.txt", "card.json"}
    return fetched.version


@pytest.mark.parametrize("fault", ["killed", "gone"])
@pytest.mark.parametrize(("move", "old", "new"), [(moved, "1", "2"), (back, "2", "1")])
def test_a_move_that_ends_at_any_call_of_the_store_leaves_a_whole_champion(
    fault: str,
    move: Callable[[Store], None],
    old: str,
    new: str,
    folder: Path,
    tmp_path: Path,
) -> None:
    whole = Store(TrackingSettings(), folder)
    at, finished = 0, False
    while not finished:
        at += 1
        _stand_at(whole, old)
        store, client = mortal(folder, at, fault)
        finished = lived(lambda store=store: move(store))
        reached = client.calls[: at - 1]
        version = champion_is_whole(whole, tmp_path / str(at))
        assert version == (new if "set_registered_model_alias" in reached else old), reached
        assert whole.history("retention").broken == ""
    assert at > 10
    assert {"log_param", "set_registered_model_alias"} <= set(client.calls)


def _stand_at(store: Store, version: str) -> None:
    """Make `version` champion again; what was cut short before must not stand in the way."""
    if store.aliases("retention")["champion"] != version:
        _ = promote(store, "2") if version == "2" else store.rollback("retention")
    if version == "1":  # so that the promotion has a challenger to retire, too
        store.client.set_registered_model_alias(MODEL, "challenger", "2")
    assert store.aliases("retention")["champion"] == version


def test_a_training_whose_store_goes_away_at_any_call_leaves_the_champion(
    folder: Path, tmp_path: Path
) -> None:
    whole = Store(TrackingSettings(), folder)
    before, at, finished = champion_is_whole(whole, tmp_path / "before"), 0, False
    while not finished:
        at += 1
        store, _ = mortal(folder, at, "gone")
        finished = lived(lambda store=store: register(store, tmp_path))
        assert champion_is_whole(whole, tmp_path / str(at)) == before
        assert whole.history("retention").broken == ""
    assert at > 10


def test_a_process_that_is_killed_between_entry_and_alias_leaves_the_old_champion(
    store: Store, tmp_path: Path
) -> None:
    register(store, tmp_path)
    register(store, tmp_path)
    script = """
        import os, signal, sys
        from pathlib import Path
        from mlflow import MlflowClient
        from tests.training.versions import promote
        from training.settings import TrackingSettings
        from training.tracking import Store
        def killed(*words, **named):
            os.kill(os.getpid(), signal.SIGKILL)
        MlflowClient.set_registered_model_alias = killed
        promote(Store(TrackingSettings(), Path(sys.argv[1])), "2")
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert champion_is_whole(store, tmp_path / "one") == "1"
    assert store.history("retention").says("champion") == "2"  # written, not carried out
    promote(store, "2")
    entries = store.history("retention").of("champion")
    assert [entry.action for entry in entries] == ["first", "promote", "settle", "promote"]
    assert entries[2].reason == f"not as entry {entries[1].number} says"
    assert store.rollback("retention").version == "1"


def crossing(store: Store, then: Callable[[], object]) -> None:
    """Let `then` happen at the last moment, when `store` is about to write its entry."""
    raw, crossed = store.client._client, []

    class Slow:
        def __getattr__(self, name: str) -> Any:
            if name == "log_param" and not crossed:
                crossed.append(name)
                then()
            return getattr(raw, name)

    store.client = Asked(Slow(), store.uri, store.client._failures)


def test_of_two_promotions_at_once_the_second_is_told_and_nothing_is_lost(
    store: Store, tmp_path: Path
) -> None:
    other = Store(TrackingSettings(user="bob"), tmp_path)
    for _ in range(3):
        register(store, tmp_path)
    crossing(store, lambda: promote(other, "3"))
    with pytest.raises(BadInput, match=r"bob moved champion of gridkeep-retention to version 3"):
        promote(store, "2")
    assert champion_is_whole(store, tmp_path / "one") == "3"
    history = store.history("retention")
    assert [entry.version for entry in history.of("champion")] == ["1", "3"]
    assert history.broken == ""


def test_a_training_that_registers_during_a_promotion_does_not_stop_it(
    store: Store, tmp_path: Path
) -> None:
    other = Store(TrackingSettings(), tmp_path)
    register(store, tmp_path)
    register(store, tmp_path)
    crossing(store, lambda: register(other, tmp_path))
    assert promote(store, "2").version == "2"
    history = store.history("retention")
    assert history.broken == ""
    assert [entry.version for entry in history.of("challenger")] == ["2", "3"]
    assert store.aliases("retention") == {"champion": "2", "challenger": "3"}


def test_a_move_that_another_process_is_making_is_waited_for(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(store, tmp_path)
    register(store, tmp_path)
    elsewhere = '{"host": "elsewhere", "pid": 1, "start": null}'
    with monkeypatch.context() as patched:
        patched.setattr("training.store.champions.this_process", lambda: elsewhere)
        champions = Champions(store.client, MODEL, "bob", store._experiment)
        champions._append(champions._entry("champion", "promote", "1", "2"))
    with pytest.raises(BadInput, match="bob has been moving champion of gridkeep-retention from"):
        promote(store, "2")
    monkeypatch.setattr("training.store.champions.PATIENCE", pd.Timedelta(0))
    assert promote(store, "2").version == "2"
