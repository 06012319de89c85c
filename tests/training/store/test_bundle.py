import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bundle import HASHES_FILE, MODEL_FILE, bundle_digest
from domain.errors import BadInput
from features.registry import FEATURES
from features.settings import LabelSettings
from tests.training.versions import card_of
from training.evaluation.later import present_champion
from training.retention import RetentionClassifier
from training.rows.dataset import CutoffPlan
from training.rows.frames import steady
from training.store.bundle import (
    file_hashes,
    monitored,
    profile,
    read_retention,
    seal,
    verify,
    write_bundle,
)
from training.store.rival import Rival


@pytest.fixture
def bundle(tmp_path: Path, draw_population: Callable[..., Any]) -> tuple[Path, str, Any]:
    X, y, _ = draw_population(600)
    model = RetentionClassifier(rounds=20, threads=1).fit(X, y)
    folder = tmp_path / "model"
    digest = write_bundle(
        folder,
        booster=model.booster_,
        manifest=model.manifest_,
        calibration=model.calibration_,
        card=card_of(grid_version="grid-00000000", metrics={"auc": 0.8}),
        profile=X.assign(cell_id="c", weight=1.0),
    )
    return folder, digest, (model, X)


def test_a_champion_of_other_feature_definitions_is_not_compared(
    bundle: tuple[Path, str, Any],
) -> None:
    folder, digest, (_, X) = bundle
    day, label = date(2026, 1, 1), LabelSettings()
    plan, rival = CutoffPlan((day,), (day,)), Rival("1", (folder, digest))
    found = present_champion(rival, plan, label, X, "grid-00000000")
    assert found is not None
    assert found.probability is None
    assert found.why_not.startswith("it was trained on other feature definitions (00000000) than")


def test_a_bundle_read_back_scores_the_same_bits(bundle: tuple[Path, str, Any]) -> None:
    folder, digest, (model, X) = bundle
    again = read_retention(folder, digest)
    assert np.array_equal(again.probability(X), model.predict_proba(X)[:, 1])
    assert again.card.metrics == {"auc": 0.8}
    assert bundle_digest(json.loads((folder / HASHES_FILE).read_text())) == digest


def test_a_changed_byte_in_any_file_is_refused_by_name(bundle: tuple[Path, str, Any]) -> None:
    folder, digest, _ = bundle
    for file in sorted(set(folder.iterdir()) - {folder / HASHES_FILE}):
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(BadInput, match=file.name):
            verify(folder, digest)
        file.write_bytes(whole)
    verify(folder, digest)


def test_an_added_or_missing_file_and_a_resealed_bundle_are_refused(
    bundle: tuple[Path, str, Any],
) -> None:
    folder, digest, _ = bundle
    (folder / "extra.txt").write_text("x")
    with pytest.raises(BadInput, match=r"extra\.txt"):
        verify(folder, digest)
    seal(folder)
    with pytest.raises(BadInput, match="not those that were registered"):
        verify(folder, digest)
    (folder / MODEL_FILE).unlink()
    with pytest.raises(BadInput, match=MODEL_FILE):
        verify(folder, digest)


def test_a_bundle_holds_no_pickle_and_no_leftovers(bundle: tuple[Path, str, Any]) -> None:
    folder, _, _ = bundle
    names = {file.suffix for file in folder.iterdir()}
    assert names == {".txt", ".json", ".parquet"}
    assert set(file_hashes(folder)) == {file.name for file in folder.iterdir()} - {HASHES_FILE}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(1, 12))
def test_a_profile_caps_cells_keeps_their_weight_and_tells_no_ids(
    sizes: list[int], at_most: int
) -> None:
    cells = np.repeat([f"c{at}" for at in range(len(sizes))], sizes)
    frame = pd.DataFrame(
        {
            "customer_id": [f"id{at}" for at in range(len(cells))],
            "as_of": date(2025, 1, 1),
            "cell_id": cells,
            "recency_days": np.arange(len(cells), dtype=float),
            "tenure_days": 1.0,
        }
    )
    found = profile(frame, at_most, seed=3)
    assert found.groupby("cell_id").size().le(at_most).all()
    assert found.groupby("cell_id")["weight"].sum().tolist() == pytest.approx(sizes)
    assert list(found.columns) == ["cell_id", "recency_days", "weight"]
    assert found.equals(profile(frame, at_most, seed=3))


def test_a_profile_is_the_same_bytes_after_sums_in_another_order(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    values = random.lognormal(3, 3, 400) * random.choice([-1, 1], 400)
    values[:5] = [np.nan, np.inf, -np.inf, 0.0, 1234567.89]
    frame = pd.DataFrame({"customer_id": range(400), "cell_id": "c", "f": values})
    files = []
    for noise in (0.0, 2e-16, -2e-16):
        file = tmp_path / f"{noise}.parquet"
        summed = steady(frame.assign(f=values * (1 + noise)))
        profile(summed, 300, seed=0).to_parquet(file, index=False)
        files.append(file.read_bytes())
    assert files[0] == files[1] == files[2]
    kept = np.sort(steady(frame)["f"].to_numpy())
    assert np.allclose(kept, np.sort(values), rtol=1e-9, atol=0, equal_nan=True)


def test_every_monitored_feature_and_no_other_is_watched() -> None:
    frame = pd.DataFrame(columns=["customer_id", "as_of", "cell_id", *FEATURES])
    assert monitored(frame) == [name for name, known in FEATURES.items() if known.monitored]
