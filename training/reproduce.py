"""A run made again: what it saw against what is in place, the same fit, the same bytes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pandas as pd
from pydantic import BaseModel, ValidationError

from domain.bundle import CARD_FILE
from domain.errors import BadInput
from features.engine import Tables
from training.environment import Environment
from training.made import ENVIRONMENT_FILE, RECIPE_FILE, Made
from training.recipe import Recipe, digest_of
from training.report import Progress
from training.store.bundle import file_hashes, verify
from training.store.rival import Rival, rival_of
from training.tracking import RECIPE_TAG, Store
from training.train import fit_retention
from training.train_segments import fit_segmentation

Model = TypeVar("Model", bound=BaseModel)
FREE = ("git_revision",)  # of the card: what may differ between equal models


class Recorded(NamedTuple):
    """A registered version, and all that its run kept of how it was made."""

    run_id: str
    version: str
    recipe: Recipe
    environment: Environment
    bundle: Path
    rival: Rival | None


class FileCompared(NamedTuple):
    """A file of the bundle: SHA-256 then and now ("": there is none), and what is to be said."""

    file: str
    recorded: str
    made: str
    equal: bool
    note: str = ""


def recorded(store: Store, named: str, into: Path) -> Recorded:
    """What the store holds of a run, or of a version as MODEL:VERSION, copied below `into`.

    Raises BadInput when it was never registered, was made by a release that kept no recipe, or
    what it kept was changed.
    """
    record = store.version_of(named)
    bundle, digest = store.fetch_bundle(record, into)
    verify(bundle, digest)
    if RECIPE_TAG not in record.tags:
        raise BadInput(f"run {record.run_id} kept no recipe: an earlier release made it")
    text = store.fetch_file(record.run_id, RECIPE_FILE, into)
    if digest_of(text) != record.tags[RECIPE_TAG]:
        raise BadInput(f"{RECIPE_FILE} of run {record.run_id} changed after it was written")
    recipe = _parsed(Recipe, text, RECIPE_FILE, record.run_id)
    told = store.fetch_file(record.run_id, ENVIRONMENT_FILE, into)
    host = _parsed(Environment, told, ENVIRONMENT_FILE, record.run_id)
    rival = _rival(store, recipe, into)
    return Recorded(record.run_id, str(record.version), recipe, host, bundle, rival)


def _parsed(model: type[Model], text: str, file: str, run_id: str) -> Model:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(
            f"{file} of run {run_id} is none of this release ({where}: {first['msg']}); install "
            "the release that made it"
        ) from error


def _rival(store: Store, recipe: Recipe, into: Path) -> Rival | None:
    if recipe.champion is None:
        return None
    return rival_of(store, store.version_of(f"{recipe.name}:{recipe.champion}"), into)


def make_again(
    tables: Tables, cells: pd.DataFrame, run: Recorded, scratch: Path, progress: Progress
) -> Made:
    """Fit by the recipe of a run, in the folder `scratch`; the store is not asked."""
    fit = fit_retention if run.recipe.name == "retention" else fit_segmentation
    in_its_zone = tables._replace(timezone=run.recipe.timezone)
    return fit(in_its_zone, cells, run.recipe, run.rival, scratch, progress)


def compare(recorded: Path, made: Path) -> tuple[FileCompared, ...]:
    """Every file of two bundles, by SHA-256; a card may name another revision of the code."""
    then, now = file_hashes(recorded), file_hashes(made)
    names = sorted({*then, *now})
    rows = [FileCompared(one, then.get(one, ""), now.get(one, ""), False) for one in names]
    return tuple(_judged(row, recorded, made) for row in rows)


def _judged(row: FileCompared, recorded: Path, made: Path) -> FileCompared:
    if row.recorded == row.made:
        return row._replace(equal=True)
    if row.file != CARD_FILE or not (row.recorded and row.made):
        return row
    apart = differing(_read(recorded / CARD_FILE), _read(made / CARD_FILE))
    told = "but for " if set(apart) <= set(FREE) else "differs in "
    return row._replace(equal=set(apart) <= set(FREE), note=told + ", ".join(apart))


def differing(one: Mapping[str, Any], other: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Names of what differs between two cards, those inside as OUTER.INNER.

    >>> differing({"a": 1, "b": {"c": 1, "d": 2}}, {"a": 1, "b": {"c": 1, "d": 3}})
    ['b.d']
    """
    found: list[str] = []
    for name in sorted({*one, *other}):
        left, right = one.get(name), other.get(name)
        if isinstance(left, dict) and isinstance(right, dict):
            found += differing(left, right, f"{prefix}{name}.")
        elif left != right:
            found.append(f"{prefix}{name}")
    return found


def _read(card: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(card.read_text(encoding="utf-8"))
    return found
