"""The road from the registry: which version is champion, and its files; nothing is parsed here.

The MLflow client only copies files. No model is opened by MLflow: an edited `MLmodel` file
could run code, and ours does not even need one.
"""

import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from domain.bundle import CHAMPION, DIGEST_TAG, registered_name
from domain.errors import BadInput
from domain.model_store import (
    BUNDLE_FOLDER,
    DATABASE_TRIES,
    EMBEDDED,
    PATIENCE,
    QUIET,
    Asked,
    StoreFailure,
    answering,
    bundle_folder,
    redacted,
)


class NoChampion(BadInput):
    """No version of this model is champion; a bank may live without a segmentation."""


class FetchedBundle(NamedTuple):
    """A copied bundle: its folder, the registered version and the digest it must have."""

    folder: Path
    version: str
    digest: str


def require_champion(name: str, uri: str) -> None:
    """NoChampion, before any work, when no version of `name` is champion."""
    if _absent(uri):
        raise _no_champion(name, uri)
    _champion(name, uri)


def fetch_champion(name: str, uri: str, into: Path) -> FetchedBundle:
    """Copy the champion of `name` ("retention" or "segmentation") under the folder `into`.

    The copy lies in a folder that only this user can read. Raises NoChampion when nothing is
    registered and BadInput when the store does not answer or the version carries no digest.
    """
    if _absent(uri):
        raise _no_champion(name, uri)
    version = _champion(name, uri)
    digest = version.tags.get(DIGEST_TAG)
    if not digest:
        raise BadInput(
            f"version {version.version} of {registered_name(name)} has no tag {DIGEST_TAG!r}, so "
            f"its files cannot be trusted; register it with `gridkeep train {name}`"
        )
    target = into / f"{name}-{version.version}"
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.mkdir(mode=0o700)
    return FetchedBundle(_download(name, version, uri, target), str(version.version), digest)


def _absent(uri: str) -> bool:
    """Whether the store is an SQLite file that is not there: the client would create it."""
    return uri.startswith(EMBEDDED) and not Path(uri.removeprefix(EMBEDDED)).exists()


def _no_champion(name: str, uri: str) -> NoChampion:
    return NoChampion(
        f"no champion of {registered_name(name)} in the model registry {redacted(uri)}; run "
        f"`gridkeep train {name}`, or `gridkeep promote {name} VERSION`"
    )


@contextmanager
def _client(uri: str) -> Iterator[Any]:
    """A client; what its own libraries have to say to each other is not for us."""
    os.environ.update(QUIET)  # before the first import of MLflow
    for key, value in PATIENCE.items():
        os.environ.setdefault(key, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from mlflow.store.db import utils
        from sqlalchemy.exc import SQLAlchemyError

        utils.MAX_RETRY_COUNT = DATABASE_TRIES  # its ten tries take two minutes
        logging.getLogger("mlflow").setLevel(logging.ERROR)  # it logs the address it tries
        # ImportError: the driver of the database that the address names
        failures = (MlflowException, SQLAlchemyError, OSError, ImportError)
        with answering(uri, failures):
            client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        yield Asked(client, uri, failures)


def _champion(name: str, uri: str) -> Any:
    with _client(uri) as client:
        try:
            return client.get_model_version_by_alias(registered_name(name), CHAMPION)
        except StoreFailure as failure:
            if failure.code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise _no_champion(name, uri) from failure
            raise


def _download(name: str, version: Any, uri: str, target: Path) -> Path:
    # an embedded store may have been moved since: its own folder comes before what it recorded
    kept = bundle_folder(uri, version.run_id or "none")
    try:
        if kept is not None and kept.is_dir():
            with answering(uri, (OSError, shutil.Error)):
                return Path(shutil.copytree(kept, target / BUNDLE_FOLDER))
        with _client(uri) as client:
            return Path(client.download_artifacts(version.run_id, BUNDLE_FOLDER, str(target)))
    except StoreFailure as failure:
        raise BadInput(
            f"the files of {registered_name(name)} version {version.version} cannot be "
            f"copied: {failure}"
        ) from failure
