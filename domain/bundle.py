"""A model bundle: the files by which training and serving meet, and nothing else.

A bundle is a folder of text, JSON and Parquet files; no pickle. `hashes.json` names the
SHA-256 of every other file and its own digest is a tag of the registered version.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

MODEL_NAMES = ("retention", "segmentation")
CHAMPION, CHALLENGER = "champion", "challenger"

MODEL_FILE = "model.txt"  # LightGBM text: churn (binary) or segment (multiclass)
NEXT_FILE = "next_quarter.txt"  # LightGBM text: segment a quarter later (segmentation only)
MANIFEST_FILE = "manifest.json"  # features.manifest.FeatureManifest
CALIBRATION_FILE = "calibration.json"  # domain.calibration.Calibration (retention only)
CARD_FILE = "card.json"  # ModelCard
CELL_RATES_FILE = "cell_rates.json"  # domain.cell_rates.CellRates (retention that reads them only)
# beside these, of retention: horizons_KIND.* and value*, the time ahead (features.outlook)
SEGMENTS_FILE = "segments.json"  # training.segments.scheme.SegmentScheme (segmentation only)
PROFILE_FILE = "profile.parquet"  # rows (cell_id, monitored columns, weight), no customer ids
HASHES_FILE = "hashes.json"  # file name -> SHA-256 hex
DIGEST_TAG = "gridkeep.digest"  # tag of the registered version: bundle_digest(hashes)


class ModelCard(BaseModel):
    """What a model was made of, and the constants that scoring needs beside the trees."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["retention", "segmentation"]
    grid_version: str
    trained_as_of: tuple[date, ...]
    evaluated_as_of: tuple[date, ...]
    profile_as_of: date
    git_revision: str
    features_hash: str  # features.registry.features_hash(): the definitions it was trained with
    data_hashes: dict[str, str]
    settings: dict[str, Any]
    metrics: dict[str, float]
    judged_on: str = ""  # cut-offs and label, in words
    compared_with: str | None = None  # version of the champion judged on the same rows
    notes: tuple[str, ...] = ()  # what a reader of the figures must know
    table_hashes: dict[str, str] = {}  # SHA-256 of the tables beside it: evaluation/NAME
    value_feature: str | None = (
        None  # money at risk is churn probability x this feature, without a margin model
    )
    risk_edges: tuple[float, float] | None = None  # lower edges of medium and high
    segments: tuple[str, ...] = ()  # class index of the boosters -> name


def bundle_digest(hashes: Mapping[str, str]) -> str:
    """SHA-256 over the sorted file hashes: one word for the whole bundle.

    >>> bundle_digest({"a": "1"}) == bundle_digest(dict(a="1"))
    True
    """
    return hashlib.sha256(json.dumps(dict(sorted(hashes.items()))).encode()).hexdigest()


def registered_name(name: str) -> str:
    """Name of a model in the registry.

    >>> registered_name("retention")
    'gridkeep-retention'
    """
    return f"gridkeep-{name}"
