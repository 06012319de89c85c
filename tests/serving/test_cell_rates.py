"""A model that reads the rate of loss of a customer's cell, wherever it scores."""

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from domain.bundle import CARD_FILE, CELL_RATES_FILE
from domain.cell_rates import CELL_LEAVING_RATE, CellRates
from domain.errors import BadInput
from features.online import OnlineFeatures
from serving.answering import Answering
from serving.batch import score_snapshot
from serving.deployment import Deployment
from serving.loader import load_bundle
from serving.opening import open_service
from serving.prediction_log import DayLog, Pseudonyms
from serving.problems import Problem
from serving.profile import champion_profile
from serving.registry import FetchedBundle
from serving.requests import Customer, score_request
from serving.scoring import Scorer
from serving.sealed import scorer_of, seal
from serving.settings import ServingSettings
from serving.spark_batch import _work

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def rates(rated_folder):
    return CellRates.model_validate_json((rated_folder[0] / CELL_RATES_FILE).read_text())


@pytest.fixture(scope="module")
def scorer(rated_folder):
    return Scorer(load_bundle(*rated_folder, version="4"))


@pytest.fixture(scope="module")
def batch(tmp_path_factory, bank, scorer):
    out = tmp_path_factory.mktemp("batch") / "scores.parquet"
    score_snapshot(bank.snapshot, scorer, out, bank.grid_version)
    return pd.read_parquet(out)


@pytest.fixture
def answering(tmp_path, scorer, bank):
    logs = [DayLog(tmp_path, kind) for kind in ("predictions", "feedback")]
    return Answering(scorer, OnlineFeatures(bank.online), Pseudonyms(b"k" * 32), *logs)


def test_scores_are_those_of_the_trees_with_the_rate_looked_up_by_hand(scorer, bank, batch, rates):
    model = scorer.retention
    rate = [rates.rates.get(cell, rates.bank_rate) for cell in bank.frame["cell_id"]]
    assert len(set(rate)) == 7
    matrix = np.column_stack(
        [model.manifest.encode(bank.frame.assign(**{CELL_LEAVING_RATE: 0.0}))[:, :-1], rate]
    )
    margin = model.booster.predict(matrix, raw_score=True)
    expected = np.interp(margin, model.calibration.raw, model.calibration.probability)
    assert batch["churn_probability"].to_numpy() == pytest.approx(expected, abs=1e-12)


def test_an_answer_over_http_is_the_score_of_the_batch(answering, bank, batch):
    looked_up = [Customer(each) for each in bank.frame["customer_id"]]
    brings = [
        Customer(f"B{at}", {name: _plain(row[name]) for name in answering.vocabulary}, cell)
        for at, (cell, row) in enumerate(
            zip(bank.frame["cell_id"], bank.frame.to_dict("records"), strict=True)
        )
    ]
    for customers in (looked_up, brings):
        told = pd.DataFrame(answering.scores(customers, "r", NOW))
        found, expected = told["churn_probability"], batch["churn_probability"]
        assert found.to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-9)


@pytest.mark.slow
def test_bentoml_answers_with_the_scores_of_the_batch(
    tmp_path, servers, registers, rated_folder, bank, batch
):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    registers(uri, "retention", *rated_folder)
    server = servers(tmp_path, uri, bank.online)
    try:
        assert server.wait().startswith("http://")
        ids = [{"customer_id": each} for each in bank.frame["customer_id"]]
        with server.client() as client:
            told = client.post("/v1/score", json={"customers": ids}).json()["scores"]
        found = [each["churn_probability"] for each in told]
        assert found == pytest.approx(batch["churn_probability"].tolist(), abs=1e-9)
    finally:
        assert server.stop() == 0


def _plain(value):
    return None if pd.isna(value) else value


def test_a_cell_that_nobody_knows_has_the_banks_rate(scorer, frames, rates, bank):
    rows = frames(60, seed=2)
    told = [
        scorer.score(rows.assign(cell_id=cell), bank.grid_version)["churn_probability"].tolist()
        for cell in ("cell-6", "never seen", None, "cell-5")
    ]
    assert told[0] == told[1] == told[2] != told[3]
    known = scorer.retention.cell_rates.of(["never seen", "cell-5"])
    assert known.tolist() == [rates.bank_rate, rates.rates["cell-5"]]


def test_a_caller_is_not_asked_for_the_rate_and_may_not_bring_it(answering):
    assert CELL_LEAVING_RATE not in answering.vocabulary
    listed = answering.inventory()[0]
    assert set(listed["features"]) <= set(answering.vocabulary)
    assert listed["reads_cell"] is True
    features = dict.fromkeys(answering.vocabulary) | {CELL_LEAVING_RATE: 0.5}
    body = json.dumps({"customers": [{"customer_id": "B", "features": features}]}).encode()
    with pytest.raises(Problem) as refused:
        score_request(body, answering.vocabulary, 10)
    assert refused.value.errors[0].loc.endswith(CELL_LEAVING_RATE)


def test_a_reason_tells_the_rate_in_words(batch, bank):
    told = {
        reason["text"]
        for reasons in batch["reasons"]
        for reason in reasons
        if reason["feature"] == CELL_LEAVING_RATE
    }
    lost = "% of the cell's customers were lost in the months the model learned from"
    assert f"about 15 {lost}" in told
    assert all(text.endswith(lost) for text in told)


def test_cells_of_another_grid_are_refused_and_nothing_is_written(tmp_path, scorer, bank, frames):
    other = "of grid grid-00000007, and these are cells of grid-9; run `gridkeep train retention`"
    with pytest.raises(BadInput, match=other):
        scorer.score(frames(3), "grid-9")
    with pytest.raises(BadInput, match=other):
        score_snapshot(bank.snapshot, scorer, tmp_path / "scores.parquet", "grid-9")
    assert not list(tmp_path.iterdir())


def test_a_service_of_another_grid_does_not_open(tmp_path, registers, rated_folder, bank, frames):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    registers(uri, "retention", *rated_folder)
    deployment = Deployment(bank.online, tmp_path / "logs", uri, ServingSettings())
    assert open_service(deployment).scorer.retention.cell_rates is not None
    other = tmp_path / "other.sqlite"
    other.write_bytes(bank.online.read_bytes())
    with sqlite3.connect(other) as store:
        words = json.loads(store.execute("select words from about").fetchone()[0])
        store.execute("update about set words = ?", [json.dumps({**words, "grid_version": "g9"})])
    with pytest.raises(BadInput, match="these are cells of g9"):
        open_service(replace(deployment, online=other))


def changed(known, **fields):
    return json.dumps({**known.model_dump(), **fields}).encode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rates, card: {CELL_RATES_FILE: None}, "lacks cell_rates.json"),
        (lambda rates, card: {CELL_RATES_FILE: b"nonsense"}, "cell_rates.json of the model bundle"),
        (
            lambda rates, card: {CELL_RATES_FILE: changed(rates, bank_rate=1.5)},
            "bank_rate: Input should be less than or equal to 1",
        ),
        (
            lambda rates, card: {CELL_RATES_FILE: changed(rates, rates={"cell-1": -0.1})},
            "rates.cell-1: Input should be greater than or equal to 0",
        ),
        (
            lambda rates, card: {CARD_FILE: json.dumps({**card, "grid_version": "g2"}).encode()},
            r"is of grid grid-00000007, card\.json of g2",
        ),
    ],
)
def test_rates_that_do_not_belong_to_the_trees_are_refused(
    tmp_path, bundles, rated_folder, rates, change, message
):
    card = json.loads((rated_folder[0] / CARD_FILE).read_text())
    digest = bundles(tmp_path / "b", "retention", change(rates, card), rated=True)
    with pytest.raises(BadInput, match=message):
        load_bundle(tmp_path / "b", digest)


def test_rates_beside_trees_that_read_none_are_refused(tmp_path, bundles, rates):
    file = {CELL_RATES_FILE: rates.model_dump_json().encode()}
    digest = bundles(tmp_path / "b", "retention", file)
    with pytest.raises(BadInput, match=r"holds cell_rates\.json and manifest\.json says otherwise"):
        load_bundle(tmp_path / "b", digest)


def test_an_altered_rate_is_refused_before_it_is_parsed(tmp_path, bundles, rates):
    digest = bundles(tmp_path / "b", "retention", rated=True)
    (tmp_path / "b" / CELL_RATES_FILE).write_bytes(changed(rates, bank_rate=0.2))
    with pytest.raises(BadInput, match=r"cell_rates\.json of the model bundle was changed"):
        load_bundle(tmp_path / "b", digest)


def test_executors_of_spark_write_the_same_parts(tmp_path, rated_folder, bank, scorer):
    sealed = seal("retention", FetchedBundle(rated_folder[0], "4", rated_folder[1]))
    plain = ((sealed.name, sealed.version, sealed.digest, sealed.files),)
    part = tmp_path / "part.parquet"
    batch = pa.record_batch({"id": [0]})
    told = (str(bank.snapshot), bank.grid_version, ((str(part), 0, 300),), [batch])
    work = _work(plain, 3, "en", *told)
    assert len(list(work)) == 1
    here = score_snapshot(
        bank.snapshot, scorer_of([sealed], 2, 3), tmp_path / "here.parquet", bank.grid_version
    )
    assert pd.read_parquet(part).equals(pd.read_parquet(here.out))


def test_a_month_beside_the_profile_has_the_rate_of_its_cells(tmp_path, bundles, registers, rates):
    profile = pd.DataFrame({"cell_id": ["cell-1"], "age_years": [30.0], "weight": [1.0]})
    rates.added_to(profile).to_parquet(tmp_path / "profile.parquet")
    file = {"profile.parquet": (tmp_path / "profile.parquet").read_bytes()}
    digest = bundles(tmp_path / "b", "retention", file, rated=True)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    registers(uri, "retention", tmp_path / "b", digest)
    found = champion_profile("retention", uri)
    month = found.beside(pd.DataFrame({"cell_id": ["cell-2", "cell-6"]}))
    assert month[CELL_LEAVING_RATE].tolist() == [rates.rates["cell-2"], rates.bank_rate]
    assert found.rows[CELL_LEAVING_RATE].tolist() == [rates.rates["cell-1"]]
