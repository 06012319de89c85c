"""Damaged and strange bundles; each must be refused, and most before anything is parsed."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from domain.bundle import (
    CALIBRATION_FILE,
    CARD_FILE,
    HASHES_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    NEXT_FILE,
)
from domain.errors import BadInput
from features.registry import FEATURES
from serving.loader import load_bundle
from serving.verification import verified_files


@pytest.fixture
def copy(tmp_path, retention_folder):
    folder, digest = retention_folder
    return Path(shutil.copytree(folder, tmp_path / "copy")), digest


def test_a_sound_bundle_loads_and_says_what_it_is(retention, segmentation):
    assert (retention.card.name, retention.version) == ("retention", "3")
    assert retention.calibration is not None
    assert segmentation.following is not None
    assert segmentation.booster.num_model_per_iteration() == 3


def test_five_hundred_mutations_are_refused_by_their_hash(copy):
    folder, digest = copy
    dice = random.Random(7)
    files = sorted(path for path in folder.iterdir())
    for _ in range(500):
        path = dice.choice(files)
        sound = path.read_bytes()
        path.write_bytes(_mutated(sound, dice))
        if _says_the_same(path.read_bytes(), sound):
            continue
        with pytest.raises(BadInput, match=path.name):
            verified_files(folder, digest)
        path.write_bytes(sound)
    assert verified_files(folder, digest)


def _says_the_same(content: bytes, sound: bytes) -> bool:
    """Whether a table of hashes still names the same hashes: white space is no content."""
    try:
        return bool(json.loads(content) == json.loads(sound)) and b"model.txt" in sound
    except ValueError:
        return False


def _mutated(content: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(content))
    return dice.choice(
        [
            content[:at],
            content[:at] + bytes([content[at] ^ (1 << dice.randrange(8))]) + content[at + 1 :],
            content[:at] + b"9" + content[at:],
            content + b"\n",
            content[:at] + content[at + 1 :],
        ]
    )


def test_changed_trees_with_matching_new_hashes_are_refused_by_the_digest(copy, bundles, tmp_path):
    _, digest = copy
    other = tmp_path / "other"
    bundles(other, "retention", {MODEL_FILE: b"tree\n"})
    with pytest.raises(BadInput, match=f"{HASHES_FILE} of the model bundle is not the registered"):
        load_bundle(other, digest)


def test_a_missing_file_is_named(copy):
    folder, digest = copy
    (folder / MANIFEST_FILE).unlink()
    with pytest.raises(BadInput, match=f"are missing: {MANIFEST_FILE}"):
        load_bundle(folder, digest)


def test_a_missing_table_of_hashes_is_named(copy):
    folder, digest = copy
    (folder / HASHES_FILE).unlink()
    with pytest.raises(BadInput, match=f"{HASHES_FILE} of the model bundle cannot be read"):
        load_bundle(folder, digest)


@pytest.mark.parametrize("name", ["MLmodel", "model.pkl"])
def test_an_extra_file_is_refused(copy, name):
    folder, digest = copy
    (folder / name).write_text("loader_module: os")
    with pytest.raises(BadInput, match=f"other files: {name}"):
        load_bundle(folder, digest)


def test_a_link_or_a_folder_is_refused(copy):
    folder, digest = copy
    sound = folder / MODEL_FILE
    outside = folder.parent / "outside.txt"
    sound.rename(outside)
    sound.symlink_to(outside)
    with pytest.raises(BadInput, match=f"not a file: {MODEL_FILE}"):
        load_bundle(folder, digest)


def test_trees_that_kill_their_reader_are_refused_and_we_live(tmp_path, bundles, retention_folder):
    sound = (retention_folder[0] / MODEL_FILE).read_text()
    crashing = sound.replace("num_leaves=", "num_leaves=99999999", 1).encode()
    digest = bundles(tmp_path / "b", "retention", {MODEL_FILE: crashing})
    with pytest.raises(BadInput, match="trees of the retention model cannot be read"):
        load_bundle(tmp_path / "b", digest)


def test_trees_that_take_for_ever_are_refused(retention_folder):
    with pytest.raises(BadInput, match=r"could not be read within 0\.01 s"):
        load_bundle(*retention_folder, trial_seconds=0.01)


def test_a_manifest_in_another_order_is_refused(tmp_path, bundles, retention_folder):
    manifest = json.loads((retention_folder[0] / MANIFEST_FILE).read_bytes())
    manifest["columns"][0], manifest["columns"][1] = manifest["columns"][1], manifest["columns"][0]
    change = {MANIFEST_FILE: json.dumps(manifest).encode()}
    digest = bundles(tmp_path / "b", "retention", change)
    with pytest.raises(BadInput, match="reads 'recency_days' as column 0, the manifest says"):
        load_bundle(tmp_path / "b", digest)


def test_a_manifest_with_fewer_columns_is_refused(tmp_path, bundles, retention_folder):
    manifest = json.loads((retention_folder[0] / MANIFEST_FILE).read_bytes())
    manifest["columns"].pop()
    digest = bundles(tmp_path / "b", "retention", {MANIFEST_FILE: json.dumps(manifest).encode()})
    with pytest.raises(BadInput, match="7 columns, the manifest says 6"):
        load_bundle(tmp_path / "b", digest)


def test_features_that_are_not_computed_here_are_named(retention_folder):
    here = {name: facts for name, facts in FEATURES.items() if name != "credit_90d"}
    with pytest.raises(BadInput, match="cannot compute: credit_90d"):
        load_bundle(*retention_folder, features=here)


def test_features_of_another_kind_are_named(retention_folder):
    here = {**FEATURES, "credit_90d": FEATURES["customer_kind"]}
    with pytest.raises(BadInput, match=r"another kind: credit_90d \(number, here category\)"):
        load_bundle(*retention_folder, features=here)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (CARD_FILE, b"{}", "card.json of the model bundle: name: Field required"),
        (CARD_FILE, b"nonsense", "card.json of the model bundle"),
        (CALIBRATION_FILE, b'{"raw": [1, 0], "probability": [0, 1]}', "knots must rise"),
        (CALIBRATION_FILE, b"[]", "calibration.json of the model bundle cannot be used"),
        (MANIFEST_FILE, b'{"columns": 3}', "manifest.json of the model bundle: columns"),
    ],
)
def test_a_file_that_says_nonsense_is_named(tmp_path, bundles, file, content, message):
    digest = bundles(tmp_path / "b", "retention", {file: content})
    with pytest.raises(BadInput, match=message):
        load_bundle(tmp_path / "b", digest)


def test_a_card_with_other_segments_than_the_trees_is_refused(
    tmp_path, bundles, segmentation_folder
):
    card = json.loads((segmentation_folder[0] / CARD_FILE).read_bytes())
    card["segments"] = card["segments"][:2]
    digest = bundles(tmp_path / "b", "segmentation", {CARD_FILE: json.dumps(card).encode()})
    with pytest.raises(BadInput, match=r"answers 3 classes, card\.json names 2"):
        load_bundle(tmp_path / "b", digest)


def test_the_loaded_trees_answer_as_the_stored_ones(retention, retention_folder, frames):
    import lightgbm

    stored = lightgbm.Booster(model_file=str(retention_folder[0] / MODEL_FILE))
    matrix = retention.manifest.encode(frames(30))
    assert np.array_equal(stored.predict(matrix), retention.booster.predict(matrix))
    assert (retention_folder[0] / NEXT_FILE).exists() is False


def test_a_model_of_other_feature_definitions_is_refused(tmp_path, bundles, retention_folder):
    card = json.loads((retention_folder[0] / CARD_FILE).read_text())
    other = json.dumps({**card, "features_hash": "5" * 64}).encode()
    digest = bundles(tmp_path / "other", "retention", {CARD_FILE: other})
    with pytest.raises(BadInput, match=r"other feature definitions \(55555555\).*train retention"):
        load_bundle(tmp_path / "other", digest)
    without = json.dumps({k: v for k, v in card.items() if k != "features_hash"}).encode()
    digest = bundles(tmp_path / "without", "retention", {CARD_FILE: without})
    with pytest.raises(BadInput, match="features_hash: Field required; train and register"):
        load_bundle(tmp_path / "without", digest)
