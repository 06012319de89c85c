"""What the comparison of models says, on figures that are known beforehand."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from benchmarks import model_runs
from benchmarks.model_quality import HEADS, METRICS, calibration_error, difference, judged, verdict
from benchmarks.model_runs import Found, Job
from benchmarks.model_sets import Customers, splits
from training.evaluation.metrics import customer_weights

ROWS = 600


@pytest.fixture(scope="module")
def customers() -> Customers:
    random = np.random.default_rng(0)
    risk = random.random(ROWS)
    return Customers(pd.DataFrame({"risk": risk}), (random.random(ROWS) < risk).astype(float))


@pytest.fixture(scope="module")
def weights() -> list[Any]:
    return [np.ones(ROWS), *customer_weights(pd.Series(range(ROWS)), 40, 0)]


def foretold(customers: Customers, noise: float, repeats: int = 3) -> dict[str, Found]:
    """The true risk, blurred."""
    random = np.random.default_rng(1)
    blurred = (1 - noise) * customers.X["risk"].to_numpy() + noise * random.random(ROWS)
    return {
        split.name: Found(blurred[split.test].tolist(), 1.0, 2.0, 3, 4.0)
        for split in splits(customers, repeats)
    }


def test_figures_are_the_mean_of_the_folds(customers: Customers, weights: list[Any]) -> None:
    found = foretold(customers, 0.3)
    model = judged(customers, found, weights)
    expected = {
        "auc": roc_auc_score,
        "average_precision": average_precision_score,
        "log_loss": log_loss,
        "brier": brier_score_loss,
    }
    for name, of in expected.items():
        every = [of(customers.y[s.test], found[s.name].probability) for s in splits(customers)]
        assert model.values[name][:, 0].mean() == pytest.approx(np.mean(every))
    assert len(model.folds) == 15
    assert set(model.values) == set(METRICS)
    assert len(HEADS) == len(METRICS)


def test_a_blurred_model_is_behind_beyond_the_interval_and_a_twin_is_not(
    customers: Customers, weights: list[Any]
) -> None:
    models = {
        "ours": judged(customers, foretold(customers, 0.0), weights),
        "twin": judged(customers, foretold(customers, 0.0), weights),
        "blurred": judged(customers, foretold(customers, 0.9, repeats=1), weights),
    }
    assert difference(models["ours"], models["twin"], "auc") == (0, 0, 0)
    assert difference(models["ours"], models["blurred"], "auc").low > 0
    # on the folds that both have
    first = models["ours"].values["brier"][:5, 0].mean()
    apart = first - models["blurred"].values["brier"][:, 0].mean()
    assert difference(models["ours"], models["blurred"], "brier").value == pytest.approx(apart)
    said = verdict("set", models)
    assert "worse than none" in said
    assert "blurred in AUC" in said
    assert "blurred in log-loss" in said
    assert "twin" not in said


def test_a_calibration_error_is_the_mean_distance_of_tenths() -> None:
    p = np.repeat([0.1, 0.7], 500)
    y = np.concatenate([np.arange(500) % 10 < 3, np.arange(500) % 10 < 7]).astype(float)
    assert calibration_error(y, p, np.ones(1000)) == pytest.approx(0.1, abs=0.01)


def test_what_is_done_is_not_done_again_and_other_code_is(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(tmp_path, tmp_path, "telco", False, "0.1", "peers", ("gridkeep", "EBM"))
    found = Found([0.5], 1.0, 2.0, 3, 4.0)
    for model in job.models:
        assert model_runs.read(job, model) is None
        model_runs.kept_file(job, model).write_text(json.dumps(found._asdict()))
        assert model_runs.read(job, model) == found
    assert list(model_runs.run([job], 1)) == []
    monkeypatch.setattr(model_runs, "code_hash", lambda: "other")
    assert model_runs.read(job, "gridkeep") is None
    assert model_runs.read(job, "EBM") == found
