"""The model of each day judged on what followed it."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from domain.cutoffs import month_starts
from features.settings import LabelSettings
from training.boosting.search import classifier
from training.evaluation.rolling import origins, rolled, write_rolling
from training.rows.dataset import TARGET, CutoffPlan
from training.rows.encoding import encoded
from training.rows.store import StoredRows, write_rows
from training.settings import RetentionSettings

LABEL = LabelSettings(gap_days=0, outcome_days=30, observation_days=30)
PLAN = CutoffPlan(
    (date(2024, 9, 1), date(2024, 10, 1), date(2024, 11, 1)), (date(2025, 1, 1), date(2025, 2, 1))
)
SETTINGS = RetentionSettings(
    rounds=15, folds=2, bootstrap=20, rolling_origins=9, min_data_in_leaf=20
)


@given(st.integers(1, 9), st.integers(0, 4), st.integers(1, 120), st.integers(0, 60))
def test_no_outcome_of_a_training_cutoff_reaches_the_one_that_judges(
    months: int, later: int, outcome: int, gap: int
) -> None:
    days = month_starts(date(2024, 1, 1), date(2025, 6, 1))
    plan = CutoffPlan(tuple(days[:months]), tuple(days[months + 2 : months + 2 + later]))
    label = LabelSettings(gap_days=gap, outcome_days=outcome)
    found = origins(plan, label, 99)
    for one in found:
        assert all(day + timedelta(gap + outcome) <= one.judged for day in one.train)
        assert one.judged not in one.train
    judged = [one.judged for one in found]
    # whoever has a training cut-off so far behind is there
    assert judged == [
        day for day in (*plan.train, *plan.evaluate) if (day - plan.train[0]).days >= gap + outcome
    ]
    assert origins(plan, label, 2) == found[-2:]
    assert origins(plan, label, 0) == []


@pytest.fixture(scope="module")
def stored(small_bank: Any, tmp_path_factory: pytest.TempPathFactory) -> StoredRows:
    folder = tmp_path_factory.mktemp("rolling")
    return write_rows(small_bank.tables, small_bank.cells, PLAN, LABEL, folder, lambda *_: None)


@pytest.fixture(scope="module")
def figures(stored: StoredRows, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("work")
    return rolled(stored, PLAN, LABEL, SETTINGS, folder, lambda *_: None)


def test_each_figure_is_that_of_a_model_of_the_rows_known_that_day(
    stored: StoredRows, figures: pd.DataFrame, tmp_path: Path
) -> None:
    assert figures["as_of"].tolist() == [*PLAN.train[1:], *PLAN.evaluate]
    assert figures["train_cutoffs"].tolist() == [1, 2, 3, 3]
    everything = pd.concat(map(pd.read_parquet, (*stored.train, *stored.later)))
    for row in figures.itertuples():
        known = everything[everything["as_of"].isin([d for d in PLAN.train if d < row.as_of])]
        later = everything[everything["as_of"] == row.as_of]
        counts = (row.train_rows, row.rows, row.lost)
        assert counts == (len(known), len(later), later[TARGET].sum())
        known.to_parquet(tmp_path / "known.parquet", index=False)
        rows = encoded([tmp_path / "known.parquet"], len(known), tmp_path / "matrix")
        model = classifier(SETTINGS).fit_encoded(rows)
        theirs = model.predict_proba(later[rows.manifest.names])[:, 1]
        assert row.auc == pytest.approx(roc_auc_score(later[TARGET], theirs), abs=1e-12)
        assert row.log_loss == pytest.approx(log_loss(later[TARGET], theirs), rel=1e-9)
        assert row.auc_low <= row.auc <= row.auc_high


def test_a_day_with_too_little_to_learn_from_says_so(
    stored: StoredRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = next(file for file in stored.train if file.name.startswith(str(PLAN.train[0])))
    kept = pd.read_parquet(first).assign(churned=0)
    other = tmp_path / first.name
    kept.to_parquet(other)
    poor = stored._replace(train=tuple(other if file == first else file for file in stored.train))
    plan = CutoffPlan(PLAN.train[:2], ())
    found = rolled(poor, plan, LABEL, SETTINGS, tmp_path, lambda *_: None)
    assert "the label holds 1 class" in found["note"][0]
    assert write_rolling(found, tmp_path) == []
    assert (tmp_path / "evaluation" / "rolling.csv").is_file()


def test_progress_rises(stored: StoredRows, tmp_path: Path) -> None:
    shares: list[float] = []
    rolled(stored, PLAN, LABEL, SETTINGS, tmp_path, lambda _, share: shares.append(share))
    assert shares == sorted(shares)
    assert len(shares) == 4


def test_the_table_and_its_picture_are_written(figures: pd.DataFrame, tmp_path: Path) -> None:
    (picture,) = write_rolling(figures, tmp_path)
    assert picture.read_bytes().startswith(b"\x89PNG")
    told = pd.read_csv(tmp_path / "evaluation" / "rolling.csv")
    np.testing.assert_allclose(told["auc"], figures["auc"])
    assert write_rolling(pd.DataFrame(), tmp_path / "other") == []
    assert not (tmp_path / "other").exists()


def test_a_cluster_cannot_roll() -> None:
    with pytest.raises(ValueError, match=r'needs retention.learner = "local"'):
        RetentionSettings(learner="dask", rolling_origins=1)
