"""A search that a kill interrupted, taken up by the next training of the same."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from training.boosting.trials import NOTHING, Known, Trial, read_trials, write_trials
from training.environment import Environment
from training.recipe import Recipe
from training.store.runs import TrialRuns

FOLDER = "trials"


def trials_file(recipe: Recipe, host: Environment, parent: Path) -> Path:
    """Where the trials of a search are kept until its model is: a name for all that decides them.

    Another number of trials does not: the first ones are the same.
    """
    settings = recipe.retention and recipe.retention.model_copy(update={"trials": 0})
    decided = recipe.beside(None).model_copy(update={"retention": settings})
    words = f"{decided.text}\n{host.code}\n{host.lock}\n{host.python}"
    return parent / FOLDER / f"{hashlib.sha256(words.encode()).hexdigest()[:16]}.json"


def known_trials(recipe: Recipe, file: Path, runs: TrialRuns) -> Known:
    """What an interrupted search left, and the keeping of every trial in `file` and the store."""
    if not (recipe.retention and recipe.retention.trials):
        return NOTHING

    def keep(trials: Sequence[Trial]) -> None:
        write_trials(file, trials)
        runs.try_to_write(trials)

    return Known(read_trials(file), keep)


def forget(file: Path) -> None:
    """Remove the trials of a search that came to its end."""
    file.unlink(missing_ok=True)
    if file.parent.is_dir() and not any(file.parent.iterdir()):
        file.parent.rmdir()
