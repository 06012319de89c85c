"""Writing a model bundle: files first, their hashes last; and reading one back."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from domain.bundle import (
    CALIBRATION_FILE,
    CARD_FILE,
    CELL_RATES_FILE,
    HASHES_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    NEXT_FILE,
    PROFILE_FILE,
    SEGMENTS_FILE,
    ModelCard,
    bundle_digest,
)
from domain.calibration import Calibration
from domain.cell_rates import CellRates
from domain.errors import BadInput
from features.atomic import replacing
from features.manifest import FeatureManifest
from features.registry import FEATURES, features_hash

PROFILE_KEYS = ("cell_id", "weight")


def write_text(target: Path, text: str) -> None:
    """Write `text` to `target`, whole or not at all."""
    with replacing(target) as path:
        path.write_text(text, encoding="utf-8")


def write_bundle(
    folder: Path,
    *,
    booster: "lgb.Booster",
    manifest: FeatureManifest,
    card: ModelCard,
    profile: pd.DataFrame,
    calibration: Calibration | None = None,
    next_booster: "lgb.Booster | None" = None,
    cell_rates: CellRates | None = None,
    segments: str | None = None,
    ahead: Mapping[str, str] | None = None,
) -> str:
    """Write every file of the bundle into `folder` and return its digest.

    `ahead` are the files of models of the time ahead (`features.outlook`), by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        **(ahead or {}),
        MODEL_FILE: booster.model_to_string(),
        MANIFEST_FILE: manifest.model_dump_json(indent=1),
        CARD_FILE: card.model_dump_json(indent=1),
    }
    if calibration is not None:
        knots = {"raw": calibration.raw, "probability": calibration.probability}
        texts[CALIBRATION_FILE] = json.dumps(knots)
    if cell_rates is not None:
        texts[CELL_RATES_FILE] = cell_rates.model_dump_json(indent=1)
    if segments is not None:
        texts[SEGMENTS_FILE] = segments
    if next_booster is not None:
        texts[NEXT_FILE] = next_booster.model_to_string()
    for name, text in texts.items():
        write_text(folder / name, text)
    with replacing(folder / PROFILE_FILE) as path:
        profile.to_parquet(path, index=False)
    return seal(folder)


def seal(folder: Path) -> str:
    """Write the hashes of the files in `folder`; returns the digest of all."""
    hashes = file_hashes(folder)
    write_text(folder / HASHES_FILE, json.dumps(hashes, indent=1))
    return bundle_digest(hashes)


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a bundle but the list of hashes itself."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.iterdir())
        if file.name != HASHES_FILE
    }


def verify(folder: Path, digest: str) -> None:
    """Raise BadInput unless the files of `folder` are those that were sealed as `digest`."""
    try:
        listed: Mapping[str, str] = json.loads((folder / HASHES_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(
            f"model bundle '{folder.name}': {HASHES_FILE} cannot be read; do not use it, and "
            "train or roll back"
        ) from error
    found = file_hashes(folder)
    changed = sorted(name for name in {*listed, *found} if listed.get(name) != found.get(name))
    if changed:
        raise BadInput(
            f"model bundle '{folder.name}': {', '.join(changed)} changed after it was written; "
            "do not use it, and train or roll back"
        )
    if bundle_digest(listed) != digest:
        raise BadInput(
            f"model bundle '{folder.name}': its hashes are not those that were registered; "
            "do not use it, and train or roll back"
        )


def read_card(folder: Path, digest: str) -> ModelCard:
    """The card of a verified bundle."""
    verify(folder, digest)
    try:
        return ModelCard.model_validate_json((folder / CARD_FILE).read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(
            f"model bundle '{folder.name}': {CARD_FILE} is not one of this release; train again"
        ) from error


def require_definitions(card: ModelCard) -> None:
    """BadInput unless the features of a model mean here what they meant when it was trained."""
    here = features_hash()
    if card.features_hash != here:
        raise BadInput(
            f"it was trained on other feature definitions ({card.features_hash[:8]}) than this "
            f"installation computes ({here[:8]}); run `gridkeep train {card.name}`, or install "
            "the release that made it"
        )


def read_retention(folder: Path, digest: str) -> "Reread":
    """The retention model of a verified bundle."""
    verify(folder, digest)
    text = {
        name: (folder / name).read_text(encoding="utf-8")
        for name in file_hashes(folder)
        if not name.endswith(".parquet")
    }
    return Reread(
        lgb.Booster(model_str=text[MODEL_FILE]),
        FeatureManifest.model_validate_json(text[MANIFEST_FILE]),
        Calibration(
            **{key: tuple(knots) for key, knots in json.loads(text[CALIBRATION_FILE]).items()}
        ),
        read_card(folder, digest),
        CellRates.model_validate_json(text[CELL_RATES_FILE]) if CELL_RATES_FILE in text else None,
    )


class Reread:
    """A retention model as its files describe it."""

    def __init__(
        self,
        booster: "lgb.Booster",
        manifest: FeatureManifest,
        calibration: Calibration,
        card: ModelCard,
        cell_rates: CellRates | None = None,
    ) -> None:
        self.booster, self.manifest = booster, manifest
        self.calibration, self.card = calibration, card
        self.cell_rates = cell_rates

    def probability(
        self, frame: pd.DataFrame, grid_version: str = ""
    ) -> "np.ndarray[Any, np.dtype[np.float64]]":
        """Probability of loss of each row; BadInput when rates are of another grid than `cell_id`.

        Only a model that reads rates of cells asks for `cell_id` and the version of the grid.
        """
        if self.cell_rates is not None:
            self.cell_rates.require_grid(grid_version)
            frame = self.cell_rates.added_to(frame)
        margin = self.booster.predict(self.manifest.encode(frame), raw_score=True)
        return self.calibration.apply(np.asarray(margin, dtype=np.float64))


def profile(frame: pd.DataFrame, at_most: int, seed: int) -> pd.DataFrame:
    """Monitored features of up to `at_most` customers a cell, without their ids.

    `weight` is how many customers of the cell a row stands for.

    >>> frame = pd.DataFrame({"customer_id": list("abc"), "cell_id": "c", "f": [1.0, 2.0, 3.0]})
    >>> profile(frame, at_most=2, seed=0)["weight"].tolist()
    [1.5, 1.5]
    """
    chosen = profile_weights(frame, at_most, seed)
    columns = [PROFILE_KEYS[0], *monitored(frame), PROFILE_KEYS[1]]
    return frame.loc[chosen.index].assign(weight=chosen)[columns].reset_index(drop=True)


def profile_weights(frame: pd.DataFrame, at_most: int, seed: int) -> pd.Series:
    """Weights of up to `at_most` rows a cell, drawn at random, in order of cells.

    >>> profile_weights(pd.DataFrame({"cell_id": list("bab")}), at_most=1, seed=0).tolist()
    [1.0, 2.0]
    """
    size = frame.groupby("cell_id")["cell_id"].transform("size")
    weighed = frame[["cell_id"]].assign(weight=size / size.clip(upper=at_most))
    # the order must not tell who is who either: rows are shuffled, then cut
    mixed = weighed.sample(frac=1, random_state=seed)
    kept = mixed.groupby("cell_id", sort=False).head(at_most)
    return kept.sort_values("cell_id", kind="stable")["weight"]


def monitored(frame: pd.DataFrame) -> list[str]:
    """Feature columns that drift is watched in; a feature that is not registered is watched."""
    keys = {"customer_id", "as_of", "churned", *PROFILE_KEYS}
    names = [str(name) for name in frame.columns if name not in keys]
    return [name for name in names if name not in FEATURES or FEATURES[name].monitored]
