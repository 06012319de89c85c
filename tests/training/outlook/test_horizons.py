"""The hazard by horizon, on customers whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from features.outlook import INTERVAL
from training.outlook.horizons import fit_kind, intervals, judged_kind, metrics_of
from training.settings import RetentionSettings

# with so few columns a tree must see all of them
SETTINGS = RetentionSettings(rounds=60, bootstrap=20, feature_fraction=1.0)
DAYS = (30, 90)
HAZARDS = {"calm": (0.02, 0.05), "early": (0.5, 0.05), "late": (0.02, 0.6)}


def customers(rows: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Three kinds of customers, of whom one leaves soon and one later."""
    random = np.random.default_rng(seed)
    temper = random.choice(list(HAZARDS), rows)
    first, second = (random.random(rows) < [HAZARDS[t][at] for t in temper] for at in (0, 1))
    lost = pd.DataFrame({"lost_30d": first, "lost_90d": first | second}).astype(int)
    return pd.DataFrame({"temper": temper}), lost, pd.Series(range(rows)).map("C{:05d}".format)


@pytest.fixture(scope="module")
def model():
    features, lost, ids = customers(3000, seed=1)
    return fit_kind("closed", features, lost, ids, DAYS, SETTINGS)


def test_a_customer_stands_in_every_interval_that_began_with_them() -> None:
    lost = pd.DataFrame({"a": [0, 1, 0], "b": [0, 1, 1], "c": [0, 1, 1]})
    cut = intervals(pd.DataFrame({"f": [5.0, 6.0, 7.0]}), lost)
    told = list(zip(cut.row, cut.features[INTERVAL], cut.features["f"], cut.lost, strict=True))
    assert told == [
        (0, 0, 5, 0),
        (0, 1, 5, 0),
        (0, 2, 5, 0),
        (1, 0, 6, 1),
        (2, 0, 7, 0),
        (2, 1, 7, 1),
    ]


def test_it_knows_who_leaves_soon_and_who_later(model) -> None:
    found = model.probability(pd.DataFrame({"temper": list(HAZARDS)}))
    truth = [(one, 1 - (1 - one) * (1 - two)) for one, two in HAZARDS.values()]
    assert found == pytest.approx(np.array(truth), abs=0.06)


def test_the_figures_are_of_each_horizon(model) -> None:
    features, lost, ids = customers(1000, seed=2)
    table = judged_kind(model, features, lost, ids, SETTINGS)
    assert table["horizon_days"].tolist() == list(DAYS)
    assert table["seen"].tolist() == lost.mean().tolist()
    assert table["foretold"].to_numpy() == pytest.approx(lost.mean().to_numpy(), abs=0.05)
    metrics = metrics_of(table)
    assert metrics["lost_by_closed_30d_auc"] == table["auc"][0]
    low, high = (metrics[f"lost_by_closed_90d_log_loss_{end}"] for end in ("low", "high"))
    assert low < metrics["lost_by_closed_90d_log_loss"] < high


@pytest.mark.parametrize(("alone", "told"), [(9, False), (10, True)])
def test_a_figure_is_not_about_the_rank_of_a_few(model, alone: int, told: bool) -> None:
    features, lost, ids = customers(400, seed=3)
    lost.loc[:, "lost_30d"] = 0
    lost.iloc[:alone, 0] = 1
    table = judged_kind(model, features, lost, ids, SETTINGS)
    assert table["lost"].tolist()[0] == alone
    assert ("lost_by_closed_30d_auc" in metrics_of(table)) == told
    assert "lost_by_closed_90d_auc" in metrics_of(table)
