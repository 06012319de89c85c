"""From the files of a bundle to a model that may answer; whatever does not fit is refused.

The order is the point: hashes first, then JSON, then the trees in a child process (a damaged
LightGBM text can abort the process that reads it), and only then here.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.bundle import (
    CALIBRATION_FILE,
    CARD_FILE,
    CELL_RATES_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    NEXT_FILE,
    ModelCard,
)
from domain.calibration import Calibration
from domain.cell_rates import CELL_LEAVING_RATE, FITTED, CellRates
from domain.errors import BadInput
from features.manifest import FeatureManifest
from features.registry import features_hash
from serving.outlook import Outlook, outlook_of, outlook_texts
from serving.parsed import content, parsed
from serving.verification import verified_files
from serving.vocabulary import Vocabulary, registered_features

if TYPE_CHECKING:
    import lightgbm
    import pandas as pd

TRIAL_SECONDS = 60.0
# Isolated (-I): no variable and no folder of the caller chooses what this child imports.
TRIAL = """
import json, sys
import lightgbm, numpy
for text in json.load(sys.stdin):
    booster = lightgbm.Booster(model_str=text)
    row = numpy.zeros((1, booster.num_feature()))
    assert numpy.isfinite(booster.predict(row, num_threads=1)).all()
    booster.predict(row, pred_contrib=True, num_threads=1)
"""


@dataclass(frozen=True)
class LoadedModel:
    """A verified model, ready to answer; `following` says the segment a quarter later."""

    card: ModelCard
    manifest: FeatureManifest
    version: str
    digest: str
    booster: "lightgbm.Booster"
    calibration: Calibration | None = None
    following: "lightgbm.Booster | None" = None
    cell_rates: CellRates | None = None
    outlook: Outlook = field(default_factory=Outlook)

    @property
    def features(self) -> list[str]:
        """The inputs that are features, in the model's order: not those fitted with the model.

        What only the outlook reads comes at the end.
        """
        own = [name for name in self.manifest.names if name not in FITTED]
        return list(dict.fromkeys([*own, *self.outlook.features]))

    def inputs(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Rows of features with what the model itself adds to them."""
        return frame if self.cell_rates is None else self.cell_rates.added_to(frame)

    def require_grid(self, version: str) -> None:
        """BadInput when the model holds figures of cells of another grid version."""
        if self.cell_rates is not None:
            self.cell_rates.require_grid(version)


def load_bundle(
    folder: Path,
    digest: str,
    version: str = "",
    features: Vocabulary | None = None,
    trial_seconds: float = TRIAL_SECONDS,
) -> LoadedModel:
    """The model in `folder`, whose files must have exactly the hashes that `digest` vouches for.

    `features` are those that can be computed here (default: the registered ones). Raises
    BadInput, saying which file or feature, before anything unverified is parsed.
    """
    files = verified_files(folder, digest)
    card = parsed(ModelCard, files, CARD_FILE)
    manifest = parsed(FeatureManifest, files, MANIFEST_FILE)
    known = registered_features() if features is None else features
    _refuse_strange_features(card.name, manifest, known)
    _refuse_other_definitions(card)
    calibration = _calibration(files) if card.name == "retention" else None
    rates = _cell_rates(files, manifest, card)
    texts = {name: files[name].decode("utf-8") for name in _boosters(card, files)}
    ahead = outlook_texts(files)
    _try_in_a_child(card.name, [*texts.values(), *ahead.values()], trial_seconds)
    boosters = {name: _booster(text, manifest, card, name) for name, text in texts.items()}
    outlook = outlook_of(files, card, lambda text, own, name: _booster(text, own, card, name))
    _refuse_unknown(card.name, outlook.features, known)
    return LoadedModel(
        card,
        manifest,
        version,
        digest,
        boosters[MODEL_FILE],
        calibration,
        boosters.get(NEXT_FILE),
        rates,
        outlook,
    )


def _calibration(files: dict[str, bytes]) -> Calibration:
    try:
        knots = json.loads(content(files, CALIBRATION_FILE))
        return Calibration(tuple(knots["raw"]), tuple(knots["probability"]))
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{CALIBRATION_FILE} of the model bundle cannot be used: {error}") from error


def _cell_rates(
    files: dict[str, bytes], manifest: FeatureManifest, card: ModelCard
) -> CellRates | None:
    """The rates that belong to the trees; BadInput when one is there without the other."""
    if (CELL_RATES_FILE in files) != (CELL_LEAVING_RATE in manifest.names):
        raise BadInput(
            f"the {card.name} model {'holds' if CELL_RATES_FILE in files else 'lacks'} "
            f"{CELL_RATES_FILE} and {MANIFEST_FILE} says otherwise; they do not belong together"
        )
    if CELL_RATES_FILE not in files:
        return None
    rates = parsed(CellRates, files, CELL_RATES_FILE)
    if rates.grid_version != card.grid_version:
        raise BadInput(
            f"{CELL_RATES_FILE} of the {card.name} model is of grid {rates.grid_version}, "
            f"{CARD_FILE} of {card.grid_version}; they do not belong together"
        )
    return rates


def _boosters(card: ModelCard, files: dict[str, bytes]) -> list[str]:
    names = [MODEL_FILE]
    content(files, MODEL_FILE)
    if card.name == "segmentation" and NEXT_FILE in files:
        names.append(NEXT_FILE)
    return names


def _refuse_unknown(name: str, features: list[str], known: Vocabulary) -> None:
    strange = [feature for feature in features if feature not in known]
    if strange:
        raise BadInput(
            f"the {name} model reads features that this installation cannot compute: "
            f"{', '.join(strange)}; train again or install the release that made it"
        )


def _refuse_strange_features(name: str, manifest: FeatureManifest, known: Vocabulary) -> None:
    _refuse_unknown(name, manifest.names, known)
    other = [
        f"{column.name} ({column.kind}, here {known[column.name].kind})"
        for column in manifest.columns
        if column.kind != known[column.name].kind
    ]
    if other:
        raise BadInput(f"the {name} model reads features of another kind: {', '.join(other)}")


def _refuse_other_definitions(card: ModelCard) -> None:
    here = features_hash()
    if card.features_hash != here:
        raise BadInput(
            f"the {card.name} model was trained on other feature definitions "
            f"({card.features_hash[:8]}) than this installation computes ({here[:8]}): its scores "
            f"would be wrong; run `gridkeep train {card.name}`, then `gridkeep promote`, or "
            "install the release that made it"
        )


def _try_in_a_child(name: str, texts: list[str], seconds: float) -> None:
    command = [sys.executable, "-I", "-W", "ignore", "-c", TRIAL]
    try:
        trial = subprocess.run(  # noqa: S603 (our own interpreter and our own text)
            command, input=json.dumps(texts).encode(), capture_output=True, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        raise BadInput(
            f"the trees of the {name} model could not be read within {seconds:g} s; "
            "the model is refused"
        ) from error
    if trial.returncode:
        said = trial.stderr.decode(errors="replace").strip().splitlines()
        raise BadInput(
            f"the trees of the {name} model cannot be read (exit {trial.returncode}: "
            f"{said[-1] if said else 'no message'}); the model is refused"
        )


def _booster(text: str, manifest: FeatureManifest, card: ModelCard, file: str) -> Any:
    import lightgbm

    booster = lightgbm.Booster(model_str=text)
    if booster.feature_name() != manifest.names:
        raise BadInput(
            f"{file} of the {card.name} model reads {_first_difference(booster, manifest)}; "
            f"{MANIFEST_FILE} does not belong to these trees"
        )
    classes = 1 if card.name == "retention" else len(card.segments)
    if booster.num_model_per_iteration() != max(classes, 1):
        raise BadInput(
            f"{file} of the {card.name} model answers {booster.num_model_per_iteration()} "
            f"classes, {CARD_FILE} names {classes}; they do not belong together"
        )
    return booster


def _first_difference(booster: Any, manifest: FeatureManifest) -> str:
    stored, named = booster.feature_name(), manifest.names
    for at, (left, right) in enumerate(zip(stored, named, strict=False)):
        if left != right:
            return f"{left!r} as column {at}, the manifest says {right!r}"
    return f"{len(stored)} columns, the manifest says {len(named)}"
