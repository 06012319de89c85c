"""The loaded service without HTTP: what each entry is answered, and what the log keeps of it."""

import json
from datetime import UTC, datetime

import pytest

from features.online import OnlineFeatures, build_online
from serving.answering import Answering
from serving.prediction_log import DayLog, Pseudonyms
from serving.problems import Problem
from serving.requests import Customer, Feedback
from serving.scoring import Scorer

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
STRANGER, OURS = "4111111111111111", "5500005555555559"  # both with a card's check digit


@pytest.fixture
def answering(tmp_path, scorer, frames, snapshots):
    frame = frames(5, seed=3, every=True)
    frame.loc[4, "customer_id"] = OURS
    snapshots(tmp_path / "snapshot.parquet", frame)
    build_online(tmp_path / "snapshot.parquet", tmp_path / "online.sqlite")
    store = OnlineFeatures(tmp_path / "online.sqlite")
    logs = [DayLog(tmp_path, kind) for kind in ("predictions", "feedback")]
    return Answering(scorer, store, Pseudonyms(b"k" * 32), *logs)


def logged(tmp_path, kind="predictions"):
    text = (tmp_path / f"{kind}-2026-01-31.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_feature_left_out_is_an_error_of_that_entry_and_null_is_a_value(answering):
    every = dict.fromkeys(answering.vocabulary)
    less = {name: None for name in every if name not in ("recency_days", "age_years")}
    brought = [{}, less, every]
    told = answering.scores([Customer(f"B{i}", b) for i, b in enumerate(brought)], "r", NOW)
    assert [each["customer_id"] for each in told] == ["B0", "B1", "B2"]
    assert told[0]["error"].startswith(
        "features are missing: recency_days, transactions_30d, credit_90d and 4 more; bring"
    )
    assert told[1]["error"].startswith("features are missing: recency_days, age_years; bring")
    assert set(told[1]) == {"customer_id", "error"}
    assert 0 < told[2]["churn_probability"] < 1


def test_warming_up_scores_and_is_not_in_the_log(tmp_path, answering, monkeypatch):
    scored = []
    monkeypatch.setattr(Scorer, "score", _noting(scored, Scorer.score))
    answering.warm(NOW.date())
    assert scored == [1]
    assert not list(tmp_path.glob("*.jsonl"))


def _noting(scored, score):
    def noting(self, frame, grid_version):
        scored.append(len(frame))
        return score(self, frame, grid_version)

    return noting


def test_a_known_customer_whose_id_has_a_cards_check_digit_is_scored(answering):
    brings = Customer(OURS, dict.fromkeys(answering.vocabulary))
    for asked in (Customer(OURS), brings):
        assert "churn_probability" in answering.scores([asked], "r", NOW)[0]


def test_a_strangers_card_number_is_refused_by_entry_and_stands_in_no_log(tmp_path, answering):
    brings = Customer(STRANGER, dict.fromkeys(answering.vocabulary))
    asked = [Customer("C000001"), Customer(STRANGER), brings, Customer("nobody")]
    told = answering.scores(asked, "r", NOW)
    assert "churn_probability" in told[0]
    assert all("payment-card" in each["error"] for each in told[1:3])
    assert told[3]["error"].startswith("unknown customer")
    kept = logged(tmp_path)
    assert [line["customer"] is None for line in kept] == [False, True, True, False]
    hashed = answering.pseudonyms.of(STRANGER)
    for path in tmp_path.glob("*.jsonl"):
        assert STRANGER not in path.read_text()
        assert hashed not in path.read_text()


def test_nothing_but_strangers_card_numbers_is_a_400(tmp_path, answering):
    with pytest.raises(Problem) as told:
        answering.scores([Customer(STRANGER)] * 2, "r", NOW)
    assert told.value.status == 400
    assert [fault.loc for fault in told.value.errors] == [
        "customers[0].customer_id",
        "customers[1].customer_id",
    ]
    assert not list(tmp_path.glob("*.jsonl"))


def test_feedback_takes_our_customers_and_no_strangers_card_number(tmp_path, answering):
    answering.take_feedback(Feedback(OURS, "left"), "r", NOW)
    with pytest.raises(Problem, match="1 value is not valid"):
        answering.take_feedback(Feedback(STRANGER, "left"), "r", NOW)
    assert len(logged(tmp_path, "feedback")) == 1
