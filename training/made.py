"""A trained model that is in no store yet: a folder, and what the store is to be told of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from training.boosting.trials import Trial
from training.environment import Environment
from training.recipe import Recipe
from training.report import TrainReport

RECIPE_FILE, ENVIRONMENT_FILE = "recipe.json", "environment.json"  # artifacts of a run


class Made(NamedTuple):
    """The finished files of a training, `folder` with the bundle in `model/`, and its figures.

    Run, version, alias and artifacts of the report are empty until it is registered.
    """

    folder: Path
    digest: str
    recipe: Recipe  # that makes it again
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    report: TrainReport
    trials: tuple[Trial, ...] = ()


def run_tags(recipe: Recipe, host: Environment) -> dict[str, str]:
    """Tags of a run from its beginning on, so that one that was killed has them too."""
    return {
        "gridkeep.grid_version": recipe.grid_version,
        "gridkeep.features": recipe.features_hash,
        "gridkeep.git_revision": host.git_revision,
        "gridkeep.code": host.code,
        "gridkeep.lock": host.lock,
        "gridkeep.environment": host.digest,
        **{f"gridkeep.data.{name}": value for name, value in recipe.data_hashes.items()},
    }
