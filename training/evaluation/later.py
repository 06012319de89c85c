"""The retention model on later cut-offs: beside its baselines and the champion of the day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from domain.errors import BadInput
from features.settings import LabelSettings
from training.evaluation import plots
from training.evaluation.baselines import baselines
from training.evaluation.campaign import Campaign, Worth, worth
from training.evaluation.metrics import (
    Estimate,
    Evaluation,
    calibration_table,
    cell_auc,
    evaluate,
)
from training.report import write_metrics, write_tables
from training.retention import RetentionClassifier
from training.rows.dataset import TARGET, CutoffPlan
from training.settings import RetentionSettings
from training.store.bundle import read_retention, require_definitions
from training.store.rival import Rival

CHAMPION = "champion"
BASELINE_CUSTOMERS = 100_000  # at most, that baselines learn from: more change no coefficient
# figures that a baseline should not win; -1: the lower the better
RIVALRY = {"auc": 1, "log_loss": -1, "average_precision": 1}


@dataclass(frozen=True)
class Judged:
    """The model on the evaluation rows, and what a campaign by it would have been worth."""

    rows: pd.DataFrame
    scores: Mapping[str, Any]  # name -> probabilities; the model first
    evaluation: Evaluation
    calibration: pd.DataFrame
    cells: pd.DataFrame
    worth: Worth

    @property
    def probability(self) -> Any:
        """The model's probabilities."""
        return self.scores["model"]


@dataclass(frozen=True)
class Champion:
    """The champion's version, and its probabilities on our rows or why there are none."""

    version: str
    probability: Any | None
    why_not: str = ""


def present_champion(
    rival: Rival | None,
    plan: CutoffPlan,
    label: LabelSettings,
    later: pd.DataFrame,
    grid_version: str,
) -> Champion | None:
    """The champion on the evaluation rows, whose cells are of a grid; None before there is one."""
    if rival is None:
        return None
    version = rival.version
    try:
        old = read_retention(*rival.place())
        require_definitions(old.card)
        probability = old.probability(later, grid_version)
    except BadInput as error:
        return Champion(version, None, str(error))
    if old.card.settings.get("label") != label.model_dump(mode="json"):
        return Champion(version, None, "it was trained for another [label]")
    ahead = timedelta(label.gap_days + label.outcome_days)
    if old.card.trained_as_of[-1] + ahead > plan.evaluate[0]:
        return Champion(version, None, "it has seen outcomes of these evaluation cut-offs")
    return Champion(version, probability)


def judge(
    model: RetentionClassifier,
    train: pd.DataFrame,
    later: pd.DataFrame,
    names: list[str],
    champion: Champion | None,
    settings: RetentionSettings,
    campaign: Campaign,
) -> Judged:
    """Judge model, baselines and champion on the same rows."""
    target = train[TARGET].to_numpy(np.float64)
    others = {
        name: baseline.fit(train[names], target).probability(later[names])
        for name, baseline in baselines(train[names]).items()
    }
    if champion is not None and champion.probability is not None:
        others[CHAMPION] = champion.probability
    y, ours = later[TARGET].to_numpy(np.float64), model.predict_proba(later[names])[:, 1]
    draws, seed, scores = settings.bootstrap, settings.seed, {"model": ours, **others}
    found = evaluate(y, ours, later["customer_id"], others, draws, seed, campaign.metrics)
    return Judged(
        later,
        scores,
        found,
        calibration_table(y, ours),
        cell_auc(later, ours, settings.cell_auc_customers, draws, seed),
        worth(campaign, y, scores, found.metrics["profit_per_customer"]),
    )


def beaten_by(judged: Judged) -> list[str]:
    """Notes on each baseline that has a better value: beyond chance, or no further than chance."""
    found, notes = judged.evaluation, []
    for name, theirs in found.baselines.items():
        apart = found.differences.get(name, {})
        better = [
            metric
            for metric, sign in RIVALRY.items()
            if name != CHAMPION and sign * (theirs[metric].value - found.metrics[metric].value) > 0
        ]
        sure = [one for one in better if _beyond_chance(apart.get(one), RIVALRY[one])]
        chance = [one for one in better if one not in sure]
        for some, words in ((sure, "beats the model"), (chance, "is ahead by what may be chance")):
            told = [f"{m} {theirs[m].value:.4g} against {found.metrics[m].value:.4g}" for m in some]
            if told:
                notes.append(f"the {name} {words}: {', '.join(told)}".replace("_", " "))
    return notes


def _beyond_chance(difference: Estimate | None, sign: int) -> bool:
    """Whether the interval of ours less theirs leaves us behind."""
    return difference is not None and (difference.high if sign > 0 else -difference.low) < 0


def _gain(model: RetentionClassifier) -> dict[str, float]:
    gain = model.booster_.feature_importance("gain")
    return dict(zip(model.manifest_.names, map(float, gain), strict=True))


def draw(model: RetentionClassifier, judged: Judged, folder: Path) -> list[Path]:
    """Every picture of the model, as PNG files in `folder`."""
    y = judged.rows[TARGET].to_numpy(np.float64)
    drawn = [
        plots.calibration(judged.calibration, folder / "calibration.png"),
        plots.lift(y, judged.scores, folder / "lift.png"),
        plots.profit(judged.worth, folder / "profit.png"),
        plots.roc(y, judged.scores, folder / "roc.png"),
        plots.precision_recall(y, judged.scores, folder / "precision_recall.png"),
        plots.importance(_gain(model), folder / "importance.png"),
    ]
    if len(judged.cells):
        overall = judged.evaluation.metrics["auc"].value
        drawn.append(plots.cell_auc(judged.cells, overall, folder / "cell_auc.png"))
    return drawn


def write_evaluation(
    model: RetentionClassifier, judged: Judged, metrics: Mapping[str, float], folder: Path
) -> None:
    """The tables and figures behind the pictures, in `folder`."""
    gain = pd.Series(_gain(model)).sort_values(ascending=False)
    importance = pd.DataFrame({"feature": gain.index, "gain": gain.to_numpy()})
    tables = {
        "calibration": judged.calibration,
        "cells": judged.cells,
        "importance": importance,
        "lift": judged.worth.lift,
        "profit": judged.worth.curve,
    }
    write_tables(folder, tables)
    write_metrics(folder, metrics)
