"""Scores of the time ahead: from the files of a bundle to the score file, and over real HTTP."""

import hashlib
import json
import shutil
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from domain.bundle import HASHES_FILE, bundle_digest
from domain.errors import BadInput
from domain.scores import SCORE_COLUMNS
from serving.batch import score_snapshot
from serving.loader import load_bundle
from serving.opening import champion_scorer
from serving.scoring import Scorer
from serving.settings import ServingSettings

AHEAD = [
    "churn_probability_30d",
    "churn_probability_90d",
    "churn_probability_closed_30d",
    "churn_probability_closed_90d",
    "expected_margin",
    "value_at_risk_low",
    "value_at_risk_high",
]


@pytest.fixture(scope="module")
def scorer(outlook_folder):
    return Scorer(load_bundle(*outlook_folder, version="4"))


@pytest.fixture(scope="module")
def frame(frames):
    return frames(250, seed=31)


def test_the_columns_come_at_the_end_and_only_where_the_model_has_them(scorer, frame, retention):
    assert list(scorer.score(frame, "g").columns) == [*SCORE_COLUMNS, *AHEAD]
    assert list(scorer.score(frame.head(0), "g").columns) == [*SCORE_COLUMNS, *AHEAD]
    assert list(Scorer(retention).score(frame, "g").columns) == list(SCORE_COLUMNS)


def test_no_row_is_less_likely_lost_by_a_later_horizon(scorer, frame):
    scores = scorer.score(frame, "g")
    for kind in ("", "closed_"):
        soon, late = (scores[f"churn_probability_{kind}{days}d"] for days in (30, 90))
        assert ((soon >= 0) & (late <= 1)).all()
        assert (late >= soon).all()
        assert (late > soon).any()


def test_money_at_risk_is_the_margin_by_the_probability_of_the_label(scorer, frame):
    scores = scorer.score(frame, "g")
    churn = scores["churn_probability"]
    assert np.allclose(scores["value_at_risk"], churn * scores["expected_margin"])
    assert (scores["value_at_risk_low"] <= scores["value_at_risk_high"]).all()
    spec, trees = scorer.retention.outlook.value, scorer.retention.outlook.value_trees
    high = spec.margins(trees, frame).high
    assert np.allclose(scores["value_at_risk_high"], churn * high)


def test_a_night_writes_them_as_numbers(scorer, frame, tmp_path):
    frame.to_parquet(tmp_path / "snapshot.parquet")
    out = tmp_path / "scores.parquet"
    score_snapshot(tmp_path / "snapshot.parquet", scorer, out, "g", rows=60)
    written = pq.read_table(out).to_pandas()
    expected = scorer.score(frame, "g")
    assert list(written.columns) == [*SCORE_COLUMNS, *AHEAD]
    pd.testing.assert_frame_equal(written[AHEAD], expected[AHEAD])


def test_a_caller_must_bring_what_only_the_time_ahead_reads(scorer):
    assert set(scorer.retention.outlook.features) <= set(scorer.retention.features)


def changed(outlook_folder, tmp_path, change):
    """The bundle with other files, sealed anew."""
    folder = shutil.copytree(outlook_folder[0], tmp_path / "changed")
    change(folder)
    files = [file for file in folder.iterdir() if file.name != HASHES_FILE]
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    (folder / HASHES_FILE).write_text(json.dumps(hashes))
    return folder, bundle_digest(hashes)


@pytest.mark.parametrize("name", ["horizons_closed.txt", "value_low.txt"])
def test_trees_that_are_missing_or_damaged_are_refused(outlook_folder, tmp_path, name):
    gone = changed(outlook_folder, tmp_path, lambda folder: (folder / name).unlink())
    with pytest.raises(BadInput, match=f"no {name}"):
        load_bundle(*gone)


def test_damaged_trees_are_tried_elsewhere_first(outlook_folder, tmp_path):
    def cut(folder):
        text = (folder / "value_any.txt").read_text()
        (folder / "value_any.txt").write_text(text[: len(text) // 2])

    with pytest.raises(BadInput, match="the trees of the retention model cannot be read"):
        load_bundle(*changed(outlook_folder, tmp_path, cut))


def test_a_file_changed_after_it_was_sealed_is_refused(outlook_folder, tmp_path):
    folder = shutil.copytree(outlook_folder[0], tmp_path / "changed")
    told = json.loads((folder / "value.json").read_text())
    (folder / "value.json").write_text(json.dumps(told | {"widened": -1.0}))
    with pytest.raises(BadInput, match=r"value\.json"):
        load_bundle(folder, outlook_folder[1])


def test_a_horizon_without_a_calibration_is_refused(outlook_folder, tmp_path):
    def more(folder):
        file = folder / "horizons_closed.json"
        told = json.loads(file.read_text())
        file.write_text(json.dumps(told | {"days": [30, 90, 180]}))

    with pytest.raises(BadInput, match=r"horizons_closed\.json .*needs the calibration"):
        load_bundle(*changed(outlook_folder, tmp_path, more))


def test_a_feature_nobody_can_compute_is_refused_by_its_name(outlook_folder, tmp_path):
    def rename(folder):
        for name in (
            "value.json",
            *(f"value_{part}.txt" for part in ("any", "much", "low", "high")),
        ):
            file = folder / name
            file.write_text(file.read_text().replace("credit_90d", "wishes_90d"))

    with pytest.raises(BadInput, match="cannot compute: wishes_90d"):
        load_bundle(*changed(outlook_folder, tmp_path, rename))


class Asked(NamedTuple):
    """What the running service says of every customer, looked up and brought; and the batch."""

    language: str
    looked_up: list[dict[str, Any]]
    brought: list[dict[str, Any]]
    batch: pd.DataFrame


@pytest.fixture(scope="module")
def ahead_store(tmp_path_factory, registers, outlook_folder):
    uri = f"sqlite:///{tmp_path_factory.mktemp('mlruns')}/mlflow.db"
    registers(uri, "retention", *outlook_folder)
    return uri


@pytest.fixture(scope="module", params=["en", "zh"])
def asked(request, tmp_path_factory, servers, ahead_store, bank):
    folder, language = tmp_path_factory.mktemp("ahead"), request.param
    scorer = champion_scorer(ahead_store, ServingSettings(language=language))
    score_snapshot(bank.snapshot, scorer, folder / "scores.parquet", bank.grid_version)
    server = servers(folder / "out", ahead_store, bank.online, language)
    assert server.wait().startswith("http://")
    rows = bank.frame.astype(object).where(bank.frame.notna(), None).to_dict("records")
    bringing = [
        {
            "customer_id": row["customer_id"],
            "cell_id": row["cell_id"],
            "as_of": row["as_of"].isoformat(),
            "features": {name: row[name] for name in scorer.retention.features},
        }
        for row in rows[:40]
    ]
    with server.client() as client:
        known = {"customers": [{"customer_id": row["customer_id"]} for row in rows]}
        looked_up = client.post("/v1/score", json=known).json()["scores"]
        brought = client.post("/v1/score", json={"customers": bringing}).json()["scores"]
    assert server.stop() == 0
    return Asked(language, looked_up, brought, pd.read_parquet(folder / "scores.parquet"))


def figures(entries: Any) -> pd.DataFrame:
    names = ["customer_id", "churn_probability", "value_at_risk", *AHEAD]
    return pd.DataFrame(entries)[names].astype(dict.fromkeys(names[1:], float))


@pytest.mark.slow
def test_the_running_service_says_of_the_time_ahead_what_the_batch_says(asked):
    expected = figures(asked.batch)
    assert expected[AHEAD].notna().all(axis=None)
    for told in (asked.looked_up, asked.brought):
        exact = {"check_exact": False, "rtol": 0, "atol": 1e-9}
        pd.testing.assert_frame_equal(figures(told), expected.head(len(told)), **exact)
        assert [name for name in told[0] if name in AHEAD] == AHEAD


@pytest.mark.slow
def test_over_http_no_customer_is_less_likely_lost_by_a_later_horizon(asked):
    told = figures(asked.looked_up)
    for kind in ("", "closed_"):
        soon, late = (told[f"churn_probability_{kind}{days}d"] for days in (30, 90))
        assert ((soon >= 0) & (soon <= late) & (late <= 1)).all()
        assert (soon < late).any()
    low, high = told["value_at_risk_low"], told["value_at_risk_high"]
    assert ((low >= 0) & (low <= high)).all()


@pytest.mark.slow
def test_reasons_beside_the_time_ahead_are_in_the_language_of_the_service(asked):
    of_batch = [[reason["text"] for reason in row] for row in asked.batch["reasons"]]
    for told in (asked.looked_up, asked.brought):
        texts = [[reason["text"] for reason in one["reasons"]] for one in told]
        assert texts == of_batch[: len(told)]
    words = "".join(text for row in of_batch for text in row)
    chinese = any("\u4e00" <= one <= "\u9fff" for one in words)
    assert chinese == (asked.language == "zh")
