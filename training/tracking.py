"""The model store: runs, versions, aliases and their history. The only module that uses MLflow."""

import logging
import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd

from domain.bundle import CHAMPION, DIGEST_TAG, MODEL_NAMES, registered_name
from domain.errors import BadInput
from domain.model_store import (
    BUNDLE_FOLDER,
    DATABASE_TRIES,
    PATIENCE,
    QUIET,
    Asked,
    answering,
    bundle_folder,
)
from training.promotion.verdict import Verdict
from training.settings import TrackingSettings, acting_user, store_uri
from training.store.champions import Champions
from training.store.embedded import artifact_location, follow_move
from training.store.history import Entry, History
from training.store.processes import PROCESS_TAG, this_process
from training.store.registered import Candidacy, ModelVersion, Registered
from training.store.runs import TrialRuns, close_left_open, ending
from training.store.versions import version_named, version_of_run, versions_of_run

JUDGED_TAG, COMPARED_TAG = "gridkeep.judged_on", "gridkeep.compared_with"
TRAINER_TAG, VERDICT_TAG = "gridkeep.trained_by", "gridkeep.verdict"  # the last one, its digest
RECIPE_TAG = "gridkeep.recipe"  # of a version: SHA-256 of what makes it again
VERDICTS = "promotion"  # artifacts of a challenger's run: a folder for each verdict on it


class Store:
    """Runs and registered models; opening it closes what a killed training left open."""

    def __init__(self, settings: TrackingSettings, folder: Path) -> None:
        self.uri, self.user = store_uri(settings, folder), acting_user(settings)
        self._artifacts = artifact_location(self.uri)
        self.client = _client(self.uri)
        with answering(self.uri, (sqlite3.Error, OSError)):
            follow_move(self.uri, settings.experiment)
        self._experiment = self._experiment_id(settings.experiment)
        self.swept = close_left_open(self.client, self._experiment)

    @contextmanager
    def run(self, name: str, tags: Mapping[str, str]) -> Iterator[str]:
        """A run that ends FINISHED, or FAILED when the block raises."""
        marks = {**tags, PROCESS_TAG: this_process(), "gridkeep.model": name}
        run = self.client.create_run(self._experiment, tags=marks, run_name=name)
        with ending(self.client, run.info.run_id) as run_id:
            yield run_id

    @contextmanager
    def reopened(self, run_id: str) -> Iterator[str]:
        """A run that ended before its model was registered, open again; ends as `run` does."""
        self.client.set_tag(run_id, PROCESS_TAG, this_process())
        self.client.update_run(run_id, "RUNNING")
        with ending(self.client, run_id):
            yield run_id

    def trial_runs(self, run_id: str) -> TrialRuns:
        """What writes the trials of a run as runs of their own."""
        return TrialRuns(self.client, self._experiment, run_id)

    def log_and_register(
        self,
        name: str,
        run_id: str,
        folder: Path,
        *,
        digest: str,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        first_is_champion: bool = True,
    ) -> Registered:
        """Log `folder` (with the bundle in `model/`) and register the bundle as a new version.

        It becomes the challenger; the first one the champion, unless a promotion must say so.
        """
        for key, value in params.items():
            self.client.log_param(run_id, key, str(value))
        for key, value in metrics.items():
            self.client.log_metric(run_id, key, value)
        self.client.log_artifacts(run_id, str(folder))
        source = f"{self.client.get_run(run_id).info.artifact_uri}/{BUNDLE_FOLDER}"
        champions = self._champions(name)
        champions.register()
        known = versions_of_run(self.client, run_id)
        if not known:  # else the store went away after it, and this is the second attempt
            # tags go in with the version: one without a digest was never finished
            own = {DIGEST_TAG: digest, TRAINER_TAG: self.user}
            made = (champions.model, source, run_id)
            known = [self.client.create_model_version(*made, tags={**tags, **own})]
        version = str(known[0].version)
        return Registered(version, champions.welcome(version, first_is_champion))

    def models(self) -> list[ModelVersion]:
        """Every version of ours, newest first within a model."""
        return [row for name in MODEL_NAMES for row in self._versions(name)]

    def _versions(self, name: str) -> list[ModelVersion]:
        aliases = self._champions(name).aliases()
        found = self.client.search_model_versions(f"name = '{registered_name(name)}'")
        rows = (self._row(name, version, aliases) for version in found)
        return sorted(rows, key=lambda row: -int(row.version))

    def _row(self, name: str, record: Any, aliases: Mapping[str, str]) -> ModelVersion:
        version = str(record.version)
        return ModelVersion(
            name,
            version,
            tuple(sorted(alias for alias, pointed in aliases.items() if pointed == version)),
            datetime.fromtimestamp(record.creation_timestamp / 1000, UTC),
            record.tags.get(JUDGED_TAG, ""),
            dict(self.client.get_run(record.run_id).data.metrics),
            record.run_id,
            record.tags.get(TRAINER_TAG, ""),
        )

    def candidacy(self, name: str, version: str) -> Candidacy:
        """A version beside the champion of the day; BadInput when it cannot become champion."""
        champions = self._champions(name)
        challenger = self.version(name, version)
        history = champions.settled()
        champion = self.champion(name)
        if champion is not None and str(champion.version) == str(challenger.version):
            raise BadInput(f"version {version} of {champions.model} is the champion already")
        trained_by = challenger.tags.get(TRAINER_TAG, "")
        return Candidacy(name, challenger, champion, trained_by, history)

    def keep_verdict(
        self, candidacy: Candidacy, verdict: Verdict, tables: Mapping[str, pd.DataFrame]
    ) -> str:
        """Keep a verdict and its tables as artifacts of the challenger's run; where they are."""
        run_id, place = candidacy.challenger.run_id, f"{VERDICTS}/{verdict.digest[:12]}"
        with tempfile.TemporaryDirectory() as temporary:
            for table, rows in {"verdict": verdict.table, **tables}.items():
                rows.to_csv(Path(temporary) / f"{table}.csv", index=False)
            (Path(temporary) / "verdict.json").write_text(verdict.json, encoding="utf-8")
            self.client.log_artifacts(run_id, temporary, place)
        self.client.set_tag(run_id, VERDICT_TAG, verdict.digest)
        return f"{self.artifact_folder(run_id)}/{place}"

    def promote(self, candidacy: Candidacy, verdict: Verdict, override: str = "") -> Entry:
        """Make a version champion by a verdict on it; a reason overrides one that refuses."""
        if verdict.challenger != str(candidacy.challenger.version):
            raise BadInput(f"the verdict is on version {verdict.challenger}, not on this one")
        if verdict.failed and not override:
            raise BadInput(verdict.refusal)
        return self._champions(candidacy.name).promote(
            "" if candidacy.champion is None else str(candidacy.champion.version),
            verdict.challenger,
            len(candidacy.history.entries),
            verdict.validator,
            verdict.digest,
            override if verdict.failed else "",
        )

    def rollback(self, name: str) -> Entry:
        """Put back the version that was champion before the present one."""
        champions = self._champions(name)
        gone, back, seen = champions.back()
        self.version(name, back)  # it may have been deleted since
        return champions.rollback(gone, back, seen)

    def history(self, name: str) -> History:
        """Every move of every alias of a model, oldest first, and whether its chain holds."""
        return self._champions(name).history()

    def aliases(self, name: str) -> dict[str, str]:
        """Alias -> version of a model."""
        return self._champions(name).aliases()

    def champion(self, name: str) -> Any | None:
        """The store's record of the champion, or None."""
        version = self._champions(name).aliases().get(CHAMPION)
        return None if version is None else self.version(name, version)

    def fetch_bundle(self, version: Any, into: Path) -> tuple[Path, str]:
        """The bundle folder of a version, copied below `into`, and its registered digest."""
        kept = bundle_folder(self.uri, version.run_id)
        if kept is not None and kept.is_dir():
            with answering(self.uri, (OSError, shutil.Error)):
                path = shutil.copytree(kept, into / BUNDLE_FOLDER)
        else:
            path = self.client.download_artifacts(version.run_id, BUNDLE_FOLDER, str(into))
        return Path(path), version.tags[DIGEST_TAG]

    def version_of(self, named: str) -> Any:
        """The store's record of a version: by MODEL:VERSION, or by the run that made it."""
        name, colon, version = named.partition(":")
        if not colon:
            return version_of_run(self.client, named)
        self._champions(name)  # there is such a model
        return self.version(name, version)

    def fetch_file(self, run_id: str, name: str, into: Path) -> str:
        """The text of an artifact of a run."""
        path = self.client.download_artifacts(run_id, name, str(into))
        return Path(path).read_text(encoding="utf-8")

    def artifact_folder(self, run_id: str) -> str:
        """Where the artifacts of a run are: a path for the embedded store, else a URI."""
        uri = str(self.client.get_run(run_id).info.artifact_uri)
        return unquote(uri.removeprefix("file://")) if uri.startswith("file://") else uri

    def _champions(self, name: str) -> Champions:
        if name not in MODEL_NAMES:
            raise BadInput(f"there is no model {name!r}; the models are {', '.join(MODEL_NAMES)}")
        return Champions(self.client, registered_name(name), self.user, self._experiment)

    def version(self, name: str, version: str) -> Any:
        """The store's record of a finished version; BadInput when there is none."""
        return version_named(self.client, registered_name(name), version)

    def _experiment_id(self, name: str) -> str:
        known = self.client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        return str(self.client.create_experiment(name, artifact_location=self._artifacts))


def _client(uri: str) -> Any:
    os.environ.update(QUIET)  # before the first import of MLflow
    for key, value in PATIENCE.items():
        os.environ.setdefault(key, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow about its own libraries
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from mlflow.store.db import utils
        from sqlalchemy.exc import SQLAlchemyError

        utils.MAX_RETRY_COUNT = DATABASE_TRIES  # its ten tries take two minutes
        # after the import, which sets levels of its own: making tables is no news
        for noisy in ("alembic", "mlflow"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        # ImportError: the driver of the database that the address names
        failures = (MlflowException, SQLAlchemyError, OSError, ImportError)
        with answering(uri, failures):
            return Asked(MlflowClient(tracking_uri=uri, registry_uri=uri), uri, failures)
