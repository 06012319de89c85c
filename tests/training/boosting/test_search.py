"""The search for parameters: what is tried, what is stopped, and a kill in between."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.manifest import FeatureManifest
from training.boosting.bag import Watch
from training.boosting.search import STARTUP, WARMUP, Found, search, step_of
from training.boosting.trials import Trial, best_of, read_trials, trial_table, write_trials
from training.retention import RetentionClassifier
from training.rows.encoding import Encoded
from training.settings import RetentionSettings

HOME = Path(__file__).resolve().parents[3]
BASE = RetentionSettings(rounds=60, folds=3, learning_rate=0.9, trials=6, seed=4)
Fit = Callable[..., RetentionClassifier]


def silent(step: str, share: float) -> None:
    """Nobody watches."""


def rows() -> Encoded:
    """800 customers of a logistic truth over one number, beside two that tell nothing."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.normal(size=(800, 3)), columns=["a", "b", "c"])
    lost = random.random(800) < 1 / (1 + np.exp(2 - frame["a"]))
    manifest = FeatureManifest.fit(frame)
    return Encoded(manifest, manifest.encode(frame), lost.to_numpy(np.float64), np.arange(800))


@pytest.fixture(scope="module")
def fit() -> Fit:
    learned = rows()
    return lambda model, watch=None: model.fit_encoded(learned, watch)


@pytest.fixture(scope="module")
def whole(fit: Fit) -> Found:
    """A search that nothing interrupted."""
    return search(BASE, fit, silent)


def text(found: Found) -> str:
    return str(found.model.booster_.model_to_string())


def test_the_best_of_the_settings_and_the_trials_wins(whole: Found, fit: Fit) -> None:
    assert [trial.number for trial in whole.trials] == list(range(7))
    losses = [trial.log_loss for trial in whole.trials if trial.log_loss is not None]
    assert whole.model.out_of_fold_log_loss_ == min(losses)
    plain = search(BASE.model_copy(update={"trials": 0}), fit, silent)
    assert plain.trials == ()  # nothing was searched
    assert plain.model.out_of_fold_log_loss_ == whole.trials[0].log_loss
    assert whole.model.out_of_fold_log_loss_ < plain.model.out_of_fold_log_loss_
    assert len({str(trial.parameters) for trial in whole.trials}) == 7
    won = best_of(whole.trials)
    again = fit(RetentionClassifier(rounds=60, folds=3, seed=4, **won.parameters))
    assert again.booster_.model_to_string() == text(whole)


def test_the_first_trials_are_the_same_for_any_number(whole: Found, fit: Fit) -> None:
    few = search(BASE.model_copy(update={"trials": 3}), fit, silent)
    assert few.trials == whole.trials[:4]
    other = search(BASE.model_copy(update={"trials": 1, "seed": 5}), fit, silent)
    assert other.trials[1].parameters != whole.trials[1].parameters


def test_a_trial_is_stopped_when_it_is_worse_than_the_median_of_the_whole_ones() -> None:
    good, bad = curve(0.30), curve(0.40)
    before = [Trial(0, {}, {}, 0.3, 9)]
    before += [Trial(n, drawn(n), good, 0.30, 60) for n in range(1, STARTUP + 1)]
    told: list[int] = []

    def fit(model: RetentionClassifier, watch: Watch | None = None) -> RetentionClassifier:
        assert watch is not None
        for rounds in range(1, 61):
            told.append(rounds)
            watch(rounds, bad[max(1, step_of(rounds, model.learning_rate))])
        raise AssertionError("it was not stopped")

    settings = BASE.model_copy(update={"trials": STARTUP + 1})
    kept: list[Trial] = []

    def plain(model: RetentionClassifier, watch: Watch | None = None) -> RetentionClassifier:
        return model if watch is None else fit(model, watch)

    search(settings, plain, silent, before, lambda trials: kept.append(trials[-1]))
    last = kept[-1]
    assert (last.state, last.log_loss, last.rounds) == ("pruned", None, told[-1])
    assert max(last.curve) == WARMUP
    assert step_of(told[-1], last.parameters["learning_rate"]) == WARMUP


def curve(log_loss: float) -> dict[int, float]:
    return dict.fromkeys(range(1, 40), log_loss)


def drawn(number: int) -> dict[str, Any]:
    return {
        "learning_rate": 0.1 + number / 50,
        "num_leaves": 3 + number,
        "min_data_in_leaf": 50 + number,
        "feature_fraction": 0.5,
        "lambda_l2": 2.0,
    }


def test_trials_come_back_from_their_file(whole: Found, tmp_path: Path) -> None:
    file = tmp_path / "trials" / "a.json"
    assert read_trials(file) == []
    write_trials(file, whole.trials)
    assert tuple(read_trials(file)) == whole.trials  # to the last bit of every number
    table = trial_table(whole.trials)
    assert table["trial"].tolist() == list(range(7))
    assert set(table["state"]) <= {"complete", "pruned"}


SCRIPT = """
    import os, signal, sys
    from pathlib import Path
    from tests.training.boosting.test_search import BASE, rows, silent
    from training.boosting.search import search
    from training.boosting.trials import read_trials, write_trials
    file, last = Path(sys.argv[1]), int(sys.argv[2])
    learned = rows()
    def fit(model, watch=None):
        if len(read_trials(file)) > last:
            os.kill(os.getpid(), signal.SIGKILL)
        return model.fit_encoded(learned, watch)
    found = search(BASE, fit, silent, read_trials(file), lambda trials: write_trials(file, trials))
    print(found.model.booster_.model_to_string(), end="")
"""


def test_a_search_that_was_killed_goes_on_to_the_same_model(whole: Found, tmp_path: Path) -> None:
    file = tmp_path / "trials.json"
    ended = [run(file, last) for last in (3, 99)]
    assert [one.returncode for one in ended] == [-signal.SIGKILL, 0]
    assert tuple(read_trials(file)) == whole.trials
    assert ended[-1].stdout == text(whole)


def run(file: Path, last: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(file), str(last)]
    return subprocess.run(
        command, cwd=HOME, capture_output=True, text=True, check=False, env=os.environ
    )


def test_a_best_trial_from_before_the_kill_is_fitted_again(whole: Found, fit: Fit) -> None:
    known: Sequence[Trial] = whole.trials
    assert text(search(BASE, fit, silent, known)) == text(whole)
