"""What a training of the retention model says of itself: its card, parameters, tags and notes."""

from datetime import date
from typing import Any

import numpy as np

from domain.bundle import ModelCard
from domain.cell_rates import CellRates
from features.settings import LabelSettings
from training.evaluation.campaign import Campaign
from training.evaluation.later import Champion, Judged, beaten_by
from training.recipe import Recipe
from training.report import beside, git_revision, judged_on
from training.retention import RetentionClassifier
from training.rows.cell_rates import FoldRates
from training.rows.dataset import TARGET, CutoffPlan, judged_once, truncated
from training.rows.population import value_feature_at
from training.rows.store import StoredRows
from training.settings import RetentionSettings
from training.tracking import COMPARED_TAG, JUDGED_TAG

RISK_QUANTILES = (0.7, 0.9)  # a tenth of the customers is at high risk, two tenths at medium


def card_of(
    model: RetentionClassifier,
    judged: Judged,
    stored: StoredRows,
    plan: CutoffPlan,
    recipe: Recipe,
    campaign: Campaign,
) -> ModelCard:
    """The card, without the champion and the notes."""
    label, settings = recipe.label or LabelSettings(), recipe.retention or RetentionSettings()
    low, high = np.quantile(judged.probability, RISK_QUANTILES)
    metrics = {**beside(*judged.evaluation), **judged.worth.figures}
    metrics["out_of_fold_log_loss"] = model.out_of_fold_log_loss_
    metrics["churn_rate"] = float(judged.rows[TARGET].mean())
    return ModelCard(
        name="retention",
        grid_version=recipe.grid_version,
        trained_as_of=plan.train,
        evaluated_as_of=plan.evaluate,
        profile_as_of=plan.evaluate[-1],
        git_revision=git_revision(),
        features_hash=recipe.features_hash,
        data_hashes=recipe.data_hashes,
        settings={
            "retention": settings.model_dump(mode="json"),
            "label": label.model_dump(mode="json"),
            "profit": {"currency": campaign.currency, **campaign.settings.model_dump(mode="json")},
        },
        metrics=metrics,
        judged_on=judged_on(plan.evaluate, label),
        value_feature=value_feature_at(stored.snapshot, plan.evaluate[-1]),
        risk_edges=(float(low), float(high)),
    )


def parameters_of(
    model: RetentionClassifier, label: LabelSettings, settings: RetentionSettings
) -> dict[str, Any]:
    """Parameters of the run in the model store."""
    tried = {f"trees.{key}": value for key, value in model.get_params().items()}
    told = {f"label.{key}": value for key, value in label.model_dump(mode="json").items()}
    return {
        **tried,
        **told,
        "trees.rounds_used": model.rounds_,
        "trees.finer": model.finer_,
        "trials": settings.trials,
        "learner": settings.learner,
        "cell_rates": settings.cell_rates,
    }


def compared(champion: Champion | None) -> str | None:
    """The version of the champion that was judged on the same rows."""
    return None if champion is None or champion.probability is None else champion.version


def tags_of(card: ModelCard) -> dict[str, str]:
    """Tags of the run and of the registered version."""
    tags = {
        "gridkeep.grid_version": card.grid_version,
        "gridkeep.git_revision": card.git_revision,
        JUDGED_TAG: card.judged_on,
        **{f"gridkeep.data.{name}": value for name, value in card.data_hashes.items()},
    }
    return tags | ({COMPARED_TAG: card.compared_with} if card.compared_with else {})


def notes_of(
    plan: CutoffPlan,
    first_data: date,
    settings: RetentionSettings,
    champion: Champion | None,
    judged: Judged,
    fitted: FoldRates | None = None,
) -> tuple[str, ...]:
    """What a reader of the figures must know."""
    notes = [
        judged.worth.words,
        *beaten_by(judged),
        *truncated(first_data, (*plan.train, *plan.evaluate)),
    ]
    notes += judged_once(plan)
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
    if fitted is not None:
        notes.append(_of_rates(fitted.whole))
    return tuple(notes)


def _of_rates(rates: CellRates) -> str:
    if not rates.rates:
        return "no rate of loss is read: cells differ by no more than chance, or all are too small"
    return (
        f"{len(rates.rates)} cells have a rate of loss of their own, in which the bank's "
        f"({rates.bank_rate:.2%}) weighs {rates.prior_customers:,.0f} customers"
    )
