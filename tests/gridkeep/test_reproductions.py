"""`train --reproduce` by the command line, on a small simulated bank."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from domain.errors import BadInput
from features.engine import Tables
from features.settings import ValueSettings
from gridkeep.config import load_config
from tests.command import gridkeep_in
from training.reproduce import compare, make_again, recorded
from training.settings import RetentionSettings
from training.store.bundle import file_hashes
from training.tracking import RECIPE_TAG, Store

AS_TRAINED = """
[retention]
train_cutoffs = 2
evaluate_cutoffs = 1
rounds = 30
bootstrap = 20
num_leaves = 5
trials = 2
[segmentation]
bootstrap = 20
rounds = 20
[grid]
floor = 150
"""
SINCE = {
    "num_leaves = 5": "num_leaves = 31",
    "trials = 2": "trials = 0",
    "rounds = 20": "rounds = 9",
}


ANY_TABLES = Tables(*[None] * 6)  # what nobody reads


class Bank(NamedTuple):
    """A bank with a retention model and two segmentations, whose configuration changed since."""

    home: Path

    def call(self, *words: str) -> tuple[int, str]:
        """Exit code and everything that was said."""
        done = gridkeep_in(self.home, *words, "--config", "gridkeep.toml")
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    def store(self) -> Store:
        return Store(load_config(self.home / "gridkeep.toml").tracking, self.home)

    def artifacts(self, name: str, version: str) -> Path:
        """The artifacts of the run of a version."""
        store = self.store()
        return Path(store.artifact_folder(store.version_of(f"{name}:{version}").run_id))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, blank: Path) -> Path:
    home = tmp_path_factory.mktemp("reproductions") / "bank"
    words = ["--out", str(home), "--customers", "700", "--months", "16", "--seed", "5"]
    assert gridkeep_in(home.parent, "simulate", *words).returncode == 0
    settings = home / "gridkeep.toml"
    settings.write_text(settings.read_text() + AS_TRAINED)
    shutil.copytree(blank / "mlruns", home / "mlruns")
    for words in (["partition"], ["train", "retention"], *([["train", "segmentation"]] * 2)):
        code, told = Bank(home).call(*words)
        assert code == 0, told
    text = settings.read_text()
    for was, now in SINCE.items():
        text = text.replace(was, now)
    settings.write_text(text)
    return home


@pytest.fixture
def bank(trained: Path, tmp_path: Path) -> Bank:
    """A copy that a test may spoil."""
    shutil.copytree(trained, tmp_path / "bank")
    return Bank(tmp_path / "bank")


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_run_is_made_again_to_the_byte_and_the_store_stays_as_it_is(trained: Path) -> None:
    bank, store = Bank(trained), Bank(trained).store()
    runs = len(store.client.search_runs([store._experiment]))
    aliases = store.aliases("retention")
    code, told = bank.call("train", "--reproduce", "retention:1", "--json")
    assert code == 0, told
    found = json.JSONDecoder().raw_decode(told)[0]
    files = {row["file"]: row for row in found["files"]}
    assert set(files) == {
        *("model.txt", "manifest.json", "calibration.json", "card.json", "profile.parquet"),
    }
    for name, row in files.items():
        kept = sha256(bank.artifacts("retention", "1") / "model" / name)
        assert row["recorded"] == row["made"] == kept
    assert found["elsewhere"] == {}
    assert (len(store.models()), store.aliases("retention")) == (3, aliases)
    assert len(store.client.search_runs([store._experiment])) == runs
    assert not list(trained.glob(".rows-*"))


def test_segments_are_made_again_by_the_id_of_their_run_and_other_code_is_a_warning(
    bank: Bank,
) -> None:
    file = bank.artifacts("segmentation", "2") / "environment.json"
    host = json.loads(file.read_text())
    host["packages"]["lightgbm"] = "4.0.0"
    file.write_text(json.dumps({**host, "code": "f00d"}))
    run = bank.store().version_of("segmentation:2").run_id
    code, told = bank.call("train", "--reproduce", run)
    assert code == 0, told
    assert f"segmentation version 2 (run {run}) was made again" in told
    for word in ("segments.json", "next_quarter.txt", "model.txt", "4.0.0", "f00d"):
        assert word in told
    assert "code or packages are not those of the run" in told


def test_a_second_version_waits_beside_the_champion(trained: Path) -> None:
    bank = Bank(trained)
    assert bank.store().aliases("segmentation") == {"champion": "1", "challenger": "2"}
    code, told = bank.call("models")
    assert code == 0
    assert "challenger" in told


def test_a_run_keeps_what_it_was_made_of(trained: Path) -> None:
    bank, artifacts = Bank(trained), Bank(trained).artifacts("retention", "1")
    recipe = json.loads((artifacts / "recipe.json").read_text())
    assert recipe["champion"] is None
    again = json.loads((bank.artifacts("segmentation", "2") / "recipe.json").read_text())
    assert again["champion"] == "1"
    assert recipe["retention"]["num_leaves"] == 5
    table = pd.read_csv(artifacts / "evaluation" / "trials.csv")
    assert table["trial"].tolist() == [0, 1, 2]
    won = table.loc[table["log_loss"].idxmin()].dropna()
    assert {name: won[name] for name in recipe["chosen"]} == pytest.approx(recipe["chosen"])
    assert bool(recipe["chosen"]) == (won["trial"] > 0)
    assert recipe["data_hashes"].keys() >= {"customers", "transactions"}
    host = json.loads((artifacts / "environment.json").read_text())
    lock = sha256(Path(__file__).resolve().parents[2] / "uv.lock")
    assert host["lock"] == lock
    assert host["packages"].keys() >= {"numpy", "lightgbm", "duckdb", "ibis-framework"}
    store = bank.store()
    tags = store.client.get_run(store.version_of("retention:1").run_id).data.tags
    assert (tags["gridkeep.lock"], tags["gridkeep.code"]) == (lock, host["code"])
    assert tags["gridkeep.data.customers"] == recipe["data_hashes"]["customers"]


def test_the_champion_of_that_day_takes_part(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("training.reproduce.fit_segmentation", lambda *words: seen.append(words))
    run = recorded(Bank(trained).store(), "segmentation:2", tmp_path)
    # equal data give equal names without it, so the bytes alone would not tell
    make_again(ANY_TABLES, pd.DataFrame(), run, tmp_path, lambda step, share: None)
    tables, _, recipe, rival, *_ = seen[0]
    assert tables.timezone == recipe.timezone == "Asia/Shanghai"
    assert rival.version == "1"
    first = Bank(trained).artifacts("segmentation", "1") / "model"
    assert file_hashes(rival.place()[0]) == file_hashes(first)


def test_a_byte_that_differs_is_found(trained: Path, tmp_path: Path) -> None:
    kept = Bank(trained).artifacts("retention", "1") / "model"
    made = shutil.copytree(kept, tmp_path / "model")
    assert all(row.equal for row in compare(kept, made))
    (made / "model.txt").write_text((kept / "model.txt").read_text() + " ")
    (made / "calibration.json").unlink()
    card = json.loads((kept / "card.json").read_text())
    card["git_revision"] = "another"
    (made / "card.json").write_text(json.dumps(card))
    rows = {row.file: row for row in compare(kept, made)}
    unlike = {name for name, row in rows.items() if not row.equal}
    assert unlike == {"model.txt", "calibration.json"}
    assert rows["calibration.json"].made == ""
    assert rows["card.json"].note == "but for git_revision"
    card["metrics"]["auc"] += 1e-12
    (made / "card.json").write_text(json.dumps(card))
    row = next(row for row in compare(kept, made) if row.file == "card.json")
    assert (row.equal, row.note) == (False, "differs in git_revision, metrics.auc")


def test_other_data_are_told_before_any_work(bank: Bank) -> None:
    people = pd.read_parquet(bank.home / "customers.parquet")
    people.iloc[1:].to_parquet(bank.home / "customers.parquet", index=False)
    assert bank.call("check")[0] == 0
    code, told = bank.call("train", "--reproduce", "retention:1")
    assert code == 1
    assert "saw other data than are in place" in told
    assert "table customers" in told
    assert "cells_hash" in told
    assert "grid_version" not in told
    assert "features_hash" not in told
    assert "computing features" not in told


def test_a_recipe_that_was_changed_is_refused(bank: Bank) -> None:
    file = bank.artifacts("retention", "1") / "recipe.json"
    file.write_text(file.read_text().replace('"num_leaves": 5', '"num_leaves": 6'))
    code, told = bank.call("train", "--reproduce", "retention:1")
    assert code == 1
    assert "recipe.json of run" in told
    assert "changed after it was written" in told


def kept_otherwise(bank: Bank, change: Callable[[dict[str, Any]], object]) -> None:
    """Let the first retention run have kept its recipe as another release would have."""
    file, record = bank.artifacts("retention", "1") / "recipe.json", bank.store()
    recipe = json.loads(file.read_text())
    change(recipe)
    file.write_text(json.dumps(recipe))
    record.client.set_model_version_tag("gridkeep-retention", "1", RECIPE_TAG, sha256(file))


def test_a_recipe_of_a_release_that_knew_less_is_as_it_was_written(
    bank: Bank, tmp_path: Path
) -> None:
    kept_otherwise(bank, lambda recipe: (recipe.pop("value"), recipe["retention"].pop("horizons")))
    run = recorded(bank.store(), "retention:1", tmp_path)
    assert run.recipe.retention.horizons == RetentionSettings().horizons
    assert run.recipe.value == ValueSettings()


def test_a_recipe_of_a_release_that_knew_more_is_told(bank: Bank, tmp_path: Path) -> None:
    kept_otherwise(bank, lambda recipe: recipe["retention"].update(depth=3))
    with pytest.raises(BadInput, match=r"recipe.json of run .*this release \(retention.depth"):
        recorded(bank.store(), "retention:1", tmp_path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["retention", "--reproduce", "retention:1"], "each stand alone"),
        (["--reproduce", "retention:9"], "has no version '9'"),
        (["--reproduce", "churn:1"], "there is no model 'churn'"),
        (["--reproduce", "f" * 32], "no registered version is of run"),
        (["--register", "nowhere"], "holds no trained model that waits"),
        ([], "name a model"),
    ],
)
def test_what_cannot_be_made_again_is_said(trained: Path, words: list[str], told: str) -> None:
    code, said = Bank(trained).call("train", *words)
    assert code == 1
    assert told in said
