"""Finding a registered version in the model store; what is missing or unfinished is told."""

import re
from typing import Any

from domain.bundle import DIGEST_TAG
from domain.errors import BadInput
from domain.model_store import StoreFailure

RUN_ID = re.compile(r"[0-9a-f]{32}")


def version_named(client: Any, model: str, version: str) -> Any:
    """The store's record of a version of a registered model."""
    try:
        found = client.get_model_version(model, version)
    except StoreFailure as error:
        if error.code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        raise BadInput(
            f"{model} has no version {version!r}; `gridkeep models` lists them"
        ) from error
    if DIGEST_TAG not in found.tags:
        raise BadInput(f"version {version} of {model} was never finished")
    return found


def version_of_run(client: Any, run_id: str) -> Any:
    """The store's record of the version that a run registered."""
    known = RUN_ID.fullmatch(run_id) and versions_of_run(client, run_id)
    if not known:
        raise BadInput(
            f"no registered version is of run {run_id!r}; `gridkeep models --json` tells the run "
            "of each, or name a version as retention:3"
        )
    return known[0]


def versions_of_run(client: Any, run_id: str) -> list[Any]:
    """Every finished version that a run registered."""
    found = client.search_model_versions(f"run_id = '{run_id}'")
    return [one for one in found if DIGEST_TAG in one.tags]
