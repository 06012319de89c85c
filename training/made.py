"""A trained model that is in no store yet: a folder, and what the store is to be told of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from training.report import TrainReport
from training.tracking import Store


class Made(NamedTuple):
    """The finished files of a training, `folder` with the bundle in `model/`, and its figures.

    Run, version, alias and artifacts of the report are empty until it is registered.
    """

    folder: Path
    digest: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    report: TrainReport


def register(store: Store, run_id: str, made: Made, first_is_champion: bool) -> TrainReport:
    """Log everything in the run and register the bundle as a new version."""
    registered = store.log_and_register(
        made.report.name,
        run_id,
        made.folder,
        digest=made.digest,
        params=made.params,
        metrics=made.metrics,
        tags=made.tags,
        first_is_champion=first_is_champion,
    )
    return replace(
        made.report,
        run_id=run_id,
        version=registered.version,
        alias=registered.alias,
        artifacts=store.artifact_folder(run_id),
    )
