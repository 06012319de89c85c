"""Trials of the search as values, kept in a file so that a kill loses one of them at most."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from domain.errors import BadInput
from training.store.bundle import write_text

Keep = Callable[[Sequence["Trial"]], None]


class Trial(NamedTuple):
    """A parameter set that was tried.

    `curve` is the mean log-loss of the folds left out by what had been learned (`steps_of`);
    `log_loss` that of the whole, calibrated, None when the trial was pruned.
    """

    number: int  # 0: the settings themselves
    parameters: Mapping[str, Any]
    curve: Mapping[int, float]
    log_loss: float | None
    rounds: int

    @property
    def state(self) -> str:
        """`pruned` when it was stopped early, as hopeless, else `complete`."""
        return "pruned" if self.log_loss is None else "complete"


class Known(NamedTuple):
    """Trials of an interrupted search, and what is to be told of all of them after each."""

    trials: Sequence[Trial] = ()
    keep: Keep = lambda trials: None


NOTHING = Known()


def read_trials(file: Path) -> list[Trial]:
    """The trials that an interrupted search left in a file; none when there is no file."""
    if not file.is_file():
        return []
    try:
        return [_trial(told) for told in json.loads(file.read_text(encoding="utf-8"))]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(
            f"'{file}' does not hold the trials of a search ({error}); remove it, and the search "
            "begins anew"
        ) from error


def write_trials(file: Path, trials: Sequence[Trial]) -> None:
    """Keep the trials, whole or not at all: the file of before stays when this is cut short."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, json.dumps([trial._asdict() for trial in trials], indent=1))


def best_of(trials: Sequence[Trial]) -> Trial:
    """The trial with the lowest loss; of equals the earliest.

    >>> tried = [Trial(0, {}, {}, 0.3, 9), Trial(1, {}, {}, None, 5), Trial(2, {}, {}, 0.3, 9)]
    >>> best_of(tried).number
    0
    """
    whole = [trial for trial in trials if trial.log_loss is not None]
    return min(whole, key=lambda trial: (trial.log_loss, trial.number))


def trial_table(trials: Sequence[Trial]) -> pd.DataFrame:
    """One row per trial: its state, loss, trees a booster, and parameters."""
    return pd.DataFrame(
        [
            {
                "trial": trial.number,
                "state": trial.state,
                "log_loss": trial.log_loss,
                "rounds": trial.rounds,
                **trial.parameters,
            }
            for trial in trials
        ]
    )


def _trial(told: Mapping[str, Any]) -> Trial:
    curve = {int(step): loss for step, loss in told["curve"].items()}
    return Trial(**{**told, "curve": curve})
