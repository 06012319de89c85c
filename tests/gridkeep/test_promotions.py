"""`promote`, `rollback` and `models --history` by the command line, on a small simulated bank."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from domain.bundle import CALIBRATION_FILE, CARD_FILE
from gridkeep.cards import keep_cards
from gridkeep.config import load_config
from tests.command import gridkeep_in
from training.store.bundle import seal
from training.tracking import Store

SMALL = """
[retention]
train_cutoffs = 2
evaluate_cutoffs = 1
rounds = 40
bootstrap = 40
[grid]
floor = 150
[tracking]
user = "ann"
"""
EVERY = [
    *("validator", "history", "leakage", "calibration", "calibration, riskiest tenth"),
    *("fairness, calibration", "fairness, lists", "log-loss", "profit", "cells", "latency"),
]


class Bank(NamedTuple):
    """A bank with a trained champion, version 1."""

    home: Path

    @property
    def store(self) -> Store:
        """Its model store."""
        return Store(load_config(self.home / "gridkeep.toml").tracking, self.home)

    @property
    def champion(self) -> str:
        """The version that is champion."""
        return self.store.aliases("retention").get("champion", "none")

    def bundle(self, version: str) -> Path:
        """The files of a version."""
        run = self.store.client.get_model_version("gridkeep-retention", version).run_id
        return Path(self.store.artifact_folder(run)) / "model"

    def call(self, *words: str) -> tuple[int, str]:
        """Exit code and everything that was said."""
        done = gridkeep_in(self.home, *words, "--config", "gridkeep.toml")
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    def again(self, change: Callable[[Path], None] = lambda folder: None) -> str:
        """The bundle of version 1 registered as a new version, changed and sealed anew."""
        store, out = self.store, self.home / "again"
        shutil.rmtree(out, ignore_errors=True)
        for part in ("model", "evaluation"):
            shutil.copytree(self.bundle("1").parent / part, out / part)
        change(out / "model")
        (out / "model" / "hashes.json").unlink()
        digest = seal(out / "model")
        with store.run("retention", {}) as run:
            words: dict[str, Any] = {"params": {}, "metrics": {}, "tags": {}}
            return store.log_and_register("retention", run, out, digest=digest, **words).version


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, blank: Path) -> Path:
    home = tmp_path_factory.mktemp("promotions") / "bank"
    words = ["--out", str(home), "--customers", "900", "--months", "16", "--seed", "5"]
    assert gridkeep_in(home.parent, "simulate", *words).returncode == 0
    with (home / "gridkeep.toml").open("a") as file:
        file.write(SMALL)
    shutil.copytree(blank / "mlruns", home / "mlruns")
    for words in (["check"], ["partition"], ["train", "retention"]):
        code, said = Bank(home).call(*words)
        assert code == 0, said
    return home


@pytest.fixture
def bank(trained: Path, tmp_path: Path) -> Bank:
    shutil.copytree(trained, tmp_path / "bank")
    return Bank(tmp_path / "bank")


def document(said: str) -> dict[str, Any]:
    """The JSON that a call printed before its progress."""
    found: dict[str, Any] = json.JSONDecoder().raw_decode(said)[0]
    return found


def doubtful(folder: Path) -> None:
    """Every probability of loss five times too high, up to one half."""
    knots = json.loads((folder / CALIBRATION_FILE).read_text())
    knots["probability"] = [min(0.5, 5 * p) for p in knots["probability"]]
    (folder / CALIBRATION_FILE).write_text(json.dumps(knots))


def of_another_grid(folder: Path) -> None:
    card = json.loads((folder / CARD_FILE).read_text())
    (folder / CARD_FILE).write_text(json.dumps({**card, "grid_version": "grid-0ther"}))


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def test_a_run_holds_its_fairness_table(trained: Path) -> None:
    bank = Bank(trained)
    text = (bank.bundle("1").parent / "evaluation" / "fairness.csv").read_text()
    for group in ("age,", "sex,women", "sex,men", "place,"):
        assert f"\n{group}" in text
    metrics = bank.store.models()[0].metrics
    assert metrics["fairness_ratio"] > 0
    assert 0 <= metrics["fairness_gap"] <= 1


def test_an_equal_challenger_passes_every_check_and_one_command_goes_back(bank: Bank) -> None:
    assert bank.again() == "2"
    code, said = bank.call("promote", "retention", "2", "--validator", "bob", "--json")
    assert code == 0, said
    found = document(said)
    checks = {check["name"]: check for check in found["verdict"]["checks"]}
    assert list(checks) == EVERY
    assert checks["log-loss"]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert checks["validator"]["reason"] == "bob looked at what ann trained"
    assert (found["entry"]["by"], found["entry"]["validator"]) == ("ann", "bob")
    assert json.loads((Path(found["kept"]) / "verdict.json").read_text())["challenger"] == "2"
    assert {"cells.csv", "fairness.csv"} <= {file.name for file in Path(found["kept"]).iterdir()}
    assert bank.champion == "2"
    code, said = bank.call("rollback", "retention")
    assert (code, bank.champion) == (0, "1")
    assert "champion of retention is now version 1: rollback by ann" in said
    assert "version 2 is champion no more; the next rollback would put it back" in said
    code, said = bank.call("models", "--history")
    assert code == 0
    assert said.count("every entry is sealed onto the last") == 1
    assert "segmentation: no alias was moved yet" in said


def test_a_worse_challenger_is_refused_by_name_and_the_verdict_is_kept(bank: Bank) -> None:
    bank.again(doubtful)
    code, said = bank.call("promote", "retention", "2")
    assert (code, bank.champion) == (1, "1")
    for name in ("log-loss", "calibration"):
        assert re.search(rf"^  {name}  .*  NO  ", said, re.MULTILINE), said
    assert "version 2 of retention does not pass the gate against champion 1" in said
    kept = list((bank.bundle("2").parent / "promotion").glob("*/verdict.csv"))
    assert len(kept) == 1


def test_one_altered_byte_of_a_challenger_is_never_promoted(bank: Bank) -> None:
    bank.again()
    flip_a_byte(bank.bundle("2") / "model.txt")
    code, said = bank.call("promote", "retention", "2", "--override", "I insist")
    assert (code, bank.champion) == (1, "1")
    assert "error: model.txt of the model bundle was changed" in said


def test_a_damaged_champion_or_history_is_told_and_a_reason_overrides(bank: Bank) -> None:
    bank.again()
    flip_a_byte(bank.bundle("1") / "model.txt")
    with closing(sqlite3.connect(bank.home / "mlruns" / "mlflow.db")) as store, store:
        edit = "update params set value = replace(value, 'ann', 'eve') where key = 'entry.000001'"
        assert store.execute(edit).rowcount == 1
    code, said = bank.call("models", "--history")
    assert (code, "BROKEN: entry 1 was changed after it was written" in said) == (1, True)
    code, said = bank.call("promote", "retention", "2", "--override", "1 is damaged", "--json")
    assert (code, bank.champion) == (0, "2")
    found = document(said)
    failed = [check for check in found["verdict"]["checks"] if not check["passed"]]
    told = {check["name"]: check["reason"] for check in failed}
    assert told.pop("history") == "entry 1 was changed after it was written"
    assert list(told) == ["log-loss", "profit", "cells", "latency"]
    assert all("model.txt of the model bundle was changed" in reason for reason in told.values())
    assert (found["entry"]["action"], found["entry"]["reason"]) == ("override", "1 is damaged")


def test_a_version_of_another_grid_is_refused(bank: Bank) -> None:
    bank.again(of_another_grid)
    code, said = bank.call("promote", "retention", "2", "--override", "I insist")
    assert (code, bank.champion) == (1, "1")
    grid = (bank.home / "grids" / "current").read_text().strip()
    assert f"error: this version was trained on grid grid-0ther, and {grid} is in force" in said


def test_the_trainer_does_not_validate_and_a_validator_may_be_asked_for(bank: Bank) -> None:
    bank.again()
    code, said = bank.call("promote", "retention", "2", "--validator", "Ann")
    assert (code, "error: --validator Ann is who trained this version" in said) == (1, True)
    code, said = bank.call("promote", "retention", "2", "--override", " ")
    assert (code, "error: --override needs the reason in words" in said) == (1, True)
    with (bank.home / "gridkeep.toml").open("a") as file:
        file.write("[promotion]\nindependent_validator = true\n")
    code, said = bank.call("promote", "retention", "2")
    assert (code, "error: [promotion] independent_validator asks for --validator" in said) == (
        1,
        True,
    )
    assert bank.champion == "1"


def test_without_a_champion_only_what_needs_none_is_checked(bank: Bank) -> None:
    bank.again()
    bank.store.client.delete_registered_model_alias("gridkeep-retention", "champion")
    code, said = bank.call("promote", "retention", "2", "--json")
    assert code == 0, said
    found = document(said)
    assert [check["name"] for check in found["verdict"]["checks"]] == EVERY[:7]
    assert (found["verdict"]["champion"], bank.champion) == (None, "2")


def card_in(folder: Path) -> str:
    assert "<h1>Model card: retention, version" in (folder / "card.html").read_text()
    return (folder / "card.md").read_text()


def test_a_training_leaves_its_card_and_the_command_makes_the_same(bank: Bank) -> None:
    left = card_in(bank.bundle("1").parent)
    assert "It became champion as the first version there was." in left
    assert "| owner, who trained it | ann |" in left
    code, said = bank.call("card", "retention", "1", "--out", "card")
    assert code == 0, said
    assert card_in(bank.home / "card") == left
    for metric in ("auc", "recency_rule_auc", "versus_recency_rule_auc"):
        metrics = json.loads((bank.bundle("1") / CARD_FILE).read_text())["metrics"]
        assert f"{metrics[metric]:.4g} (" in left


def test_a_promotion_renews_the_cards_of_both_and_a_rollback_too(bank: Bank) -> None:
    assert bank.again(doubtful) == "2"
    said = bank.call("promote", "retention", "2", "--validator", "bob", "--override", "<i>a|b</i>")
    assert said[0] == 0
    new, old = (card_in(bank.bundle(version).parent) for version in ("2", "1"))
    assert "**Champion by override, refused by the gate" in new
    assert "| validator | bob |" in new
    assert r"because: \<i\>a\|b\</i\>." in new
    assert "**Not in use: not judged by the gate**" in old
    assert bank.call("rollback", "retention")[0] == 0
    assert "**Champion: not judged" in card_in(bank.bundle("1").parent)


@pytest.mark.parametrize("part", ["model/card.json", "evaluation/cells.csv"])
def test_no_card_is_made_of_files_that_changed(bank: Bank, part: str) -> None:
    file = bank.bundle("1").parent / part
    file.write_bytes(file.read_bytes() + b" ")
    code, said = bank.call("card", "retention", "1", "--out", "card")
    assert code == 1
    assert file.name in said
    assert "changed after" in said
    assert not (bank.home / "card").exists()
    # a promotion that was made stands all the same
    told = keep_cards(load_config(bank.home / "gridkeep.toml"), "retention", "1")
    assert told.startswith("none: ")
    assert file.name in told


def test_a_card_of_a_verdict_that_changed_is_refused(bank: Bank) -> None:
    bank.again()
    code, said = bank.call("promote", "retention", "2", "--json")
    assert code == 0
    verdict = Path(document(said)["kept"]) / "verdict.json"
    verdict.write_text(verdict.read_text().replace("true", "false", 1))
    code, said = bank.call("card", "retention", "2", "--out", "card")
    assert (code, "verdict.json" in said, "changed after" in said) == (1, True, True)


def test_a_card_of_no_version_or_into_a_file_is_a_clear_message(bank: Bank) -> None:
    code, said = bank.call("card", "retention", "9", "--out", "card")
    assert (code, "has no version '9'" in said) == (1, True)
    (bank.home / "taken").write_text("")
    assert bank.call("card", "retention", "1", "--out", "taken")[0] == 1
