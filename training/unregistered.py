"""A finished model that waits for the store: kept in a folder until it is registered.

A store that goes away, or a kill, while hours of training are being registered loses nothing: the
folder is removed once the version is there, and registering it a second time makes no second one.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from domain.errors import BadInput
from features.atomic import new_folder
from training.boosting.trials import Trial
from training.environment import Environment
from training.made import ENVIRONMENT_FILE, RECIPE_FILE, Made
from training.report import TrainReport
from training.store.bundle import verify, write_text
from training.store.registered import Registered
from training.tracking import RECIPE_TAG, Store

FOLDER, TOLD, FILES = "unregistered", "registration.json", "files"


class Registration(BaseModel):
    """What the store is to be told of a finished model; the files lie beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    run_id: str
    digest: str
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    trials: tuple[Trial, ...]
    first_is_champion: bool


def register(
    store: Store,
    run_id: str,
    made: Made,
    host: Environment,
    first_is_champion: bool,
    parent: Path,
) -> TrainReport:
    """Register what was made, with what makes it again; it waits below `parent` meanwhile.

    Raises BadInput that names the folder when the store does not answer.
    """
    folder = _kept(run_id, made, host, first_is_champion, parent)
    with _waiting(folder):
        version, alias = _told(store, folder)
        artifacts = store.artifact_folder(run_id)
    return replace(made.report, run_id=run_id, version=version, alias=alias, artifacts=artifacts)


def register_folder(store: Store, folder: Path) -> tuple[Registration, Registered]:
    """Register a model that an earlier training left in `folder`, in the run of that training.

    Raises BadInput for a folder of something else, or whose bundle was changed.
    """
    told = _registration(folder)
    verify(folder / FILES / "model", told.digest)
    with _waiting(folder), store.reopened(told.run_id):
        registered = _told(store, folder)
    return told, registered


def _kept(
    run_id: str, made: Made, host: Environment, first_is_champion: bool, parent: Path
) -> Path:
    write_text(made.folder / RECIPE_FILE, made.recipe.text)
    write_text(made.folder / ENVIRONMENT_FILE, host.model_dump_json(indent=1))
    told = Registration(
        name=made.report.name,
        run_id=run_id,
        digest=made.digest,
        params={name: str(value) for name, value in made.params.items()},
        metrics=dict(made.metrics),
        tags={**made.tags, RECIPE_TAG: made.recipe.digest},
        trials=made.trials,
        first_is_champion=first_is_champion,
    )
    folder = parent / FOLDER / run_id
    folder.parent.mkdir(exist_ok=True)
    new_folder(folder)
    made.folder.rename(folder / FILES)
    write_text(folder / TOLD, told.model_dump_json(indent=1))  # last: without it there is no model
    return folder


def _told(store: Store, folder: Path) -> Registered:
    told = _registration(folder)
    store.trial_runs(told.run_id).write(told.trials)
    return store.log_and_register(
        told.name,
        told.run_id,
        folder / FILES,
        digest=told.digest,
        params=told.params,
        metrics=told.metrics,
        tags=told.tags,
        first_is_champion=told.first_is_champion,
    )


@contextmanager
def _waiting(folder: Path) -> Iterator[None]:
    """The folder is gone when the block ends well; otherwise the error names it."""
    try:
        yield
    except BadInput as error:
        raise BadInput(
            f"{error}\nthe trained model is whole in {folder}; once the store answers, "
            f"run: gridkeep train --register {folder}"
        ) from None
    shutil.rmtree(folder)
    with suppress(OSError):  # others wait in it
        folder.parent.rmdir()


def _registration(folder: Path) -> Registration:
    try:
        return Registration.model_validate_json((folder / TOLD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(
            f"'{folder}' holds no trained model that waits to be registered ({TOLD}); name the "
            "folder that the training told of"
        ) from error
