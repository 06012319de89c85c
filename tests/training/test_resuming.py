"""A training that is stopped in its search, and the next one of the same."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from domain.errors import BadInput
from training.boosting.trials import Trial, read_trials, write_trials
from training.environment import environment
from training.recipe import Recipe
from training.report import TrainReport
from training.resuming import trials_file
from training.settings import RetentionSettings
from training.store.runs import PARENT_TAG
from training.tracking import Store


def test_the_next_training_goes_on_with_the_trials_of_a_stopped_one(
    train: Callable[..., TrainReport], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopping(file: Path, trials: Sequence[Trial]) -> None:
        write_trials(file, trials)
        if len(trials) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("training.resuming.write_trials", stopping)
        with pytest.raises(KeyboardInterrupt):
            train("retention", tmp_path, trials=2)
    (file,) = (tmp_path / "trials").iterdir()
    before = read_trials(file)
    assert [trial.number for trial in before] == [0, 1]
    assert [run.info.status for run in runs(store, "retention")] == ["KILLED"]

    report = train("retention", tmp_path, trials=2)
    assert not (tmp_path / "trials").exists()
    assert not (tmp_path / "unregistered").exists()
    table = pd.read_csv(
        Path(report.artifacts) / "evaluation" / "trials.csv", float_precision="round_trip"
    )
    assert table["log_loss"].tolist()[:2] == [trial.log_loss for trial in before]
    nested = f"tags.`{PARENT_TAG}` = '{report.run_id}'"
    every = list(store.client.search_runs(["1"], nested))
    found = {run.info.run_name: run for run in every}
    assert sorted(run.info.run_name for run in every) == ["trial 0", "trial 1", "trial 2"]
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    losses = [found[f"trial {at}"].data.metrics["out_of_fold_log_loss"] for at in range(3)]
    assert losses == table["log_loss"].tolist()
    leaves = found["trial 2"].data.params["num_leaves"]
    assert int(leaves) == table["num_leaves"][2]


def test_a_trial_is_written_once_however_often_all_of_them_are_told(store: Store) -> None:
    trials = [Trial(at, {"num_leaves": 7}, {}, 0.3 - at, 9) for at in range(3)]
    with store.run("retention", {}) as run_id:
        kept = store.trial_runs(run_id)
        for told in (1, 2, 3, 3):
            kept.write(trials[:told])
        store.trial_runs(run_id).write(trials)  # as a registration that was taken up again
    nested = store.client.search_runs(["1"], f"tags.`{PARENT_TAG}` = '{run_id}'")
    assert sorted(run.info.run_name for run in nested) == ["trial 0", "trial 1", "trial 2"]


def runs(store: Store, name: str) -> list[Any]:
    return list(store.client.search_runs(["1"], f"attributes.run_name = '{name}'"))


@pytest.mark.parametrize("text", ["", "{", '[{"number": 0}]', '[{"curve": []}]', "3", "[3]"])
def test_a_file_that_holds_no_trials_is_told_by_its_name(text: str, tmp_path: Path) -> None:
    file = tmp_path / "trials.json"
    file.write_text(text)
    with pytest.raises(BadInput, match=r"trials\.json' does not hold the trials of a search"):
        read_trials(file)


def test_trials_are_those_of_the_same_data_configuration_and_code(tmp_path: Path) -> None:
    host, settings = environment("duckdb"), RetentionSettings(trials=3)
    one = Recipe(name="retention", grid_version="g", data_hashes={"t": "1"}, retention=settings)
    file = trials_file(one, host, tmp_path)
    more = one.model_copy(update={"retention": settings.model_copy(update={"trials": 9})})
    assert trials_file(more, host, tmp_path) == file
    assert trials_file(one.beside("4"), host, tmp_path) == file
    others = [
        (one.model_copy(update={"data_hashes": {"t": "2"}}), host),
        (one.model_copy(update={"retention": settings.model_copy(update={"seed": 1})}), host),
        (one, host.model_copy(update={"code": "another"})),
        (one, host.model_copy(update={"lock": "another"})),
    ]
    names = {trials_file(*other, tmp_path) for other in others}
    assert len(names | {file}) == 5
