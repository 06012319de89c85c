"""The road from the registry: which version is champion, and its files; nothing is parsed here.

The MLflow client only copies files. No model is opened by MLflow: an edited `MLmodel` file
could run code, and ours does not even need one.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from domain.bundle import CHAMPION, DIGEST_TAG, registered_name
from domain.errors import BadInput

SQLITE = "sqlite:///"


class NoChampion(BadInput):
    """No version of this model is champion; a bank may live without a segmentation."""


class FetchedBundle(NamedTuple):
    """A copied bundle: its folder, the registered version and the digest it must have."""

    folder: Path
    version: str
    digest: str


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
    return uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).exists()


def _no_champion(name: str, uri: str) -> NoChampion:
    return NoChampion(
        f"no champion of {registered_name(name)} in the model registry {_shown(uri)}; run "
        f"`gridkeep train {name}`, or `gridkeep promote {name} VERSION`"
    )


def _shown(uri: str) -> str:
    """The address without what may be a password."""
    scheme, at, rest = uri.partition("://")
    return f"{scheme}{at}{rest.rpartition('@')[2]}"


def _mlflow() -> Any:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    os.environ["DO_NOT_TRACK"] = "true"
    import mlflow

    return mlflow


@contextmanager
def _client(uri: str) -> Iterator[tuple[Any, Any]]:
    """MLflow and a client; what its own libraries have to say to each other is not for us."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow = _mlflow()
        yield mlflow, mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)


def _champion(name: str, uri: str) -> Any:
    with _client(uri) as (mlflow, client):
        return _by_alias(mlflow, client, name, uri)


def _by_alias(mlflow: Any, client: Any, name: str, uri: str) -> Any:
    try:
        return client.get_model_version_by_alias(registered_name(name), CHAMPION)
    except mlflow.exceptions.MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise _no_champion(name, uri) from error
        raise BadInput(
            f"the model registry {_shown(uri)} does not answer ({error.error_code}); "
            "check MLFLOW_TRACKING_URI or [tracking] uri"
        ) from error


def _download(name: str, version: Any, uri: str, target: Path) -> Path:
    with _client(uri) as (mlflow, client):
        try:
            source = client.get_model_version_download_uri(registered_name(name), version.version)
            copied = mlflow.artifacts.download_artifacts(
                artifact_uri=source, dst_path=str(target), tracking_uri=uri, registry_uri=uri
            )
        except (mlflow.exceptions.MlflowException, OSError) as error:
            raise BadInput(
                f"the files of {registered_name(name)} version {version.version} cannot be "
                f"copied from the registry {_shown(uri)}: {error}"
            ) from error
    return Path(copied)
