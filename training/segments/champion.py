"""The champion's segments, read back from the store."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import lightgbm as lgb

from domain.bundle import MANIFEST_FILE, MODEL_FILE, NEXT_FILE, SEGMENTS_FILE
from domain.errors import BadInput
from features.manifest import FeatureManifest
from training.segments.naming import Known
from training.segments.scheme import SegmentScheme
from training.store.bundle import read_card, require_definitions, verify
from training.store.rival import Rival
from training.tracking import Store

NAME = "segmentation"


class Champion(NamedTuple):
    """What a retraining keeps of the champion, or a note that says why it keeps nothing."""

    known: Known | None
    notes: tuple[str, ...] = ()


class SegmentTrees(NamedTuple):
    """A segmentation as its files describe it."""

    version: str
    scheme: SegmentScheme
    manifest: FeatureManifest
    booster: lgb.Booster
    following: lgb.Booster | None


def champion_segments(rival: Rival | None) -> Champion:
    """The champion's clusters and names, if there is one that tells them."""
    if rival is None:
        return Champion(None)
    try:
        scheme = read_scheme(*rival.place())
    except BadInput as error:
        return Champion(None, (f"names are new: those of the champion cannot be read ({error})",))
    return Champion(scheme.known())


def champion_trees(store: Store) -> SegmentTrees:
    """The champion, ready to assign; BadInput when there is none or it cannot be read."""
    record = store.champion(NAME)
    if record is None:
        raise BadInput("no segmentation is champion yet; run `gridkeep train segmentation`")
    with tempfile.TemporaryDirectory() as temporary:
        folder, digest = store.fetch_bundle(record, Path(temporary))
        require_definitions(read_card(folder, digest))
        scheme = read_scheme(folder, digest)
        manifest = (folder / MANIFEST_FILE).read_text(encoding="utf-8")
        return SegmentTrees(
            str(record.version),
            scheme,
            FeatureManifest.model_validate_json(manifest),
            lgb.Booster(model_str=(folder / MODEL_FILE).read_text(encoding="utf-8")),
            _following(folder),
        )


def read_scheme(folder: Path, digest: str) -> SegmentScheme:
    """The segments of a verified bundle."""
    verify(folder, digest)
    try:
        text = (folder / SEGMENTS_FILE).read_text(encoding="utf-8")
        return SegmentScheme.model_validate_json(text)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"model bundle '{folder.name}': {SEGMENTS_FILE} is not one of this release; "
            "run `gridkeep train segmentation`"
        ) from error


def _following(folder: Path) -> lgb.Booster | None:
    if not (folder / NEXT_FILE).is_file():
        return None
    return lgb.Booster(model_str=(folder / NEXT_FILE).read_text(encoding="utf-8"))
