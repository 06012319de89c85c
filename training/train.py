"""Training of the two models, from contract tables to a registered version."""

import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from domain.bundle import ModelCard
from domain.errors import BadInput
from features.atomic import growing, new_folder
from features.engine import Tables
from features.labels import require_two_classes
from features.registry import features_hash
from features.settings import LabelSettings
from training.bundle import write_bundle
from training.dataset import TARGET, CutoffPlan, cutoff_plan, feature_names, truncated
from training.judging import (
    BASELINE_CUSTOMERS,
    CHAMPION,
    Champion,
    Judged,
    beaten_by,
    draw,
    judge,
    present_champion,
    write_evaluation,
)
from training.learners import buckets, learner
from training.population import profile_at, value_feature_at
from training.promotion import VERSUS
from training.report import (
    Progress,
    TrainReport,
    flat,
    git_revision,
    judged_on,
    silent,
    within,
)
from training.retention import RetentionClassifier
from training.row_store import Counts, StoredRows, read_sample, write_rows
from training.rows import data_days
from training.search import best_classifier
from training.settings import RetentionSettings, TrackingSettings
from training.tracking import COMPARED_TAG, JUDGED_TAG, Store
from training.train_segments import train_segmentation

__all__ = ["TrainReport", "train_retention", "train_segmentation"]

NAME, ROWS = "retention", ".rows-"  # ROWS: folder of the rows while it trains
RISK_QUANTILES = (0.7, 0.9)  # a tenth of the customers is at high risk, two tenths at medium


def train_retention(
    tables: Tables,
    cells: pd.DataFrame,
    *,
    grid_version: str,
    label: LabelSettings,
    settings: RetentionSettings,
    tracking: TrackingSettings,
    folder: Path,
    data_hashes: Mapping[str, str],
    rows_folder: Path | None = None,
    progress: Progress = silent,
) -> TrainReport:
    """Train on earlier cut-offs, judge on later ones, register; `folder` holds the store.

    `cells` says the cell of each customer (`customer_id`, `cell_id`). The rows lie in a folder of
    their own under `rows_folder` (default: `folder`) while it trains. Raises BadInput when the
    history is too short, the label has one class, too few customers were lost, or the cluster
    that `settings` asks for cannot be used.
    """
    known = data_days(tables)
    plan = cutoff_plan(*known, label, settings)
    store = Store(tracking, folder)
    of_profile = (settings.profile_customers, settings.seed)
    with (
        store.run(NAME, {"gridkeep.grid_version": grid_version}) as run_id,
        growing(rows_folder or folder, ROWS, new_folder) as scratch,
    ):
        stored = write_rows(
            tables,
            cells,
            plan,
            label,
            scratch,
            within(progress, 0.0, 0.5),
            seed=settings.seed,
            buckets=buckets(settings),
        )
        customers = stored.counts.customers
        later = read_sample(stored.later, settings.judge_customers, customers)
        _require_learnable(stored.counts, later, plan, settings)
        with learner(stored, settings, scratch) as fit:
            model = best_classifier(settings, fit, within(progress, 0.5, 0.7))
        progress("judging against the baselines", 0.7)
        champion = present_champion(store, plan, label, later)
        train = read_sample(stored.train, BASELINE_CUSTOMERS, customers)
        judged = judge(model, train, later, feature_names(train), champion, settings)
        progress("drawing", 0.85)
        with tempfile.TemporaryDirectory() as temporary:
            out = Path(temporary)
            notes = _notes(plan, known.first, settings, champion, judged)
            card = _card(model, judged, stored, plan, label, settings, grid_version, data_hashes)
            card = card.model_copy(update={"compared_with": _compared(champion), "notes": notes})
            digest = write_bundle(
                out / "model",
                booster=model.booster_,
                manifest=model.manifest_,
                calibration=model.calibration_,
                card=card,
                profile=profile_at(stored.snapshot, plan.evaluate[-1], *of_profile),
            )
            drawn = draw(model, judged, out / "plots")
            write_evaluation(model, judged, card.metrics, out / "evaluation")
            progress("registering", 0.95)
            registered = store.log_and_register(
                NAME,
                run_id,
                out,
                digest=digest,
                params=_parameters(model, label, settings),
                metrics=card.metrics,
                tags=_tags(card),
            )
    progress("done", 1.0)
    return TrainReport(
        name=NAME,
        run_id=run_id,
        version=registered.version,
        alias=registered.alias,
        digest=digest,
        trained_as_of=plan.train,
        evaluated_as_of=plan.evaluate,
        rows=stored.counts.rows,
        customers=customers,
        metrics=judged.evaluation.metrics,
        baselines=judged.evaluation.baselines,
        differences=judged.evaluation.differences,
        cells=judged.cells,
        notes=card.notes,
        artifacts=store.artifact_folder(run_id),
        plots=tuple(f"plots/{file.name}" for file in drawn),
    )


def _require_learnable(
    counts: Counts, later: pd.DataFrame, plan: CutoffPlan, settings: RetentionSettings
) -> None:
    kept = counts.rows - counts.lost_rows
    require_two_classes(pd.DataFrame({TARGET: np.repeat([0, 1], [kept, counts.lost_rows])}))
    require_two_classes(later)
    if counts.lost_customers < settings.min_positives:
        raise BadInput(
            f"only {counts.lost_customers} customers were lost after the training cut-offs "
            f"{plan.train[0]} to {plan.train[-1]}; retention.min_positives asks for "
            f"{settings.min_positives}; deliver a longer history, or choose a [label] that more "
            "customers meet"
        )


def _card(
    model: RetentionClassifier,
    judged: Judged,
    stored: StoredRows,
    plan: CutoffPlan,
    label: LabelSettings,
    settings: RetentionSettings,
    grid_version: str,
    data_hashes: Mapping[str, str],
) -> ModelCard:
    low, high = np.quantile(judged.probability, RISK_QUANTILES)
    metrics = flat(judged.evaluation.metrics)
    for name, estimates in judged.evaluation.differences.items():
        prefix = VERSUS if name == CHAMPION else f"versus_{name.replace(' ', '_')}_"
        metrics |= flat(estimates, prefix)
    metrics["out_of_fold_log_loss"] = model.out_of_fold_log_loss_
    metrics["churn_rate"] = float(judged.rows[TARGET].mean())
    return ModelCard(
        name="retention",
        grid_version=grid_version,
        trained_as_of=plan.train,
        evaluated_as_of=plan.evaluate,
        profile_as_of=plan.evaluate[-1],
        git_revision=git_revision(),
        features_hash=features_hash(),
        data_hashes=dict(data_hashes),
        settings={
            "retention": settings.model_dump(mode="json"),
            "label": label.model_dump(mode="json"),
        },
        metrics=metrics,
        judged_on=judged_on(plan.evaluate, label),
        value_feature=value_feature_at(stored.snapshot, plan.evaluate[-1]),
        risk_edges=(float(low), float(high)),
    )


def _parameters(
    model: RetentionClassifier, label: LabelSettings, settings: RetentionSettings
) -> dict[str, Any]:
    tried = {f"trees.{key}": value for key, value in model.get_params().items()}
    told = {f"label.{key}": value for key, value in label.model_dump(mode="json").items()}
    return {
        **tried,
        **told,
        "trees.rounds_used": model.rounds_,
        "trials": settings.trials,
        "learner": settings.learner,
    }


def _compared(champion: Champion | None) -> str | None:
    return None if champion is None or champion.probability is None else champion.version


def _tags(card: ModelCard) -> dict[str, str]:
    tags = {
        "gridkeep.grid_version": card.grid_version,
        "gridkeep.git_revision": card.git_revision,
        JUDGED_TAG: card.judged_on,
        **{f"gridkeep.data.{name}": value for name, value in card.data_hashes.items()},
    }
    return tags | ({COMPARED_TAG: card.compared_with} if card.compared_with else {})


def _notes(
    plan: CutoffPlan,
    first_data: date,
    settings: RetentionSettings,
    champion: Champion | None,
    judged: Judged,
) -> tuple[str, ...]:
    notes = [*beaten_by(judged), *truncated(first_data, (*plan.train, *plan.evaluate))]
    wanted = (settings.train_cutoffs, settings.evaluate_cutoffs)
    if not settings.train_as_of and (len(plan.train), len(plan.evaluate)) != wanted:
        notes.append(
            f"the history allows {len(plan.train)} training and {len(plan.evaluate)} evaluation "
            f"cut-offs of {wanted[0]} and {wanted[1]} wanted"
        )
    if champion is not None and champion.probability is None:
        notes.append(f"not compared with champion {champion.version}: {champion.why_not}")
    if not len(judged.cells):
        notes.append(f"no cell has {settings.cell_auc_customers} customers and both classes")
    return tuple(notes)
