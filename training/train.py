"""Training of the two models, from contract tables to a registered version."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from domain.errors import BadInput
from domain.profit import ProfitSettings
from domain.publication import PublicationSettings
from features.atomic import growing, new_folder
from features.engine import Tables
from features.labels import require_two_classes
from features.settings import LabelSettings, ValueSettings
from training.boosting.learners import buckets, learner
from training.boosting.search import best_classifier, foretelling
from training.card import card_of, compared, notes_of, parameters_of, tags_of
from training.evaluation.campaign import campaign_at
from training.evaluation.fairness import fairness_at, worst
from training.evaluation.later import (
    BASELINE_CUSTOMERS,
    draw,
    judge,
    present_champion,
    write_evaluation,
)
from training.evaluation.leakage import leakage_checks, require_no_leak
from training.evaluation.rolling import rolled, write_rolling
from training.evaluation.why import why_of
from training.outlook.ahead import Source, look_ahead, write_outlook
from training.report import Progress, TrainReport, silent, within, write_tables
from training.rows.cell_rates import CellCounter, add_cell_rates, fold_rates
from training.rows.dataset import TARGET, CutoffPlan, cutoff_plan, feature_names
from training.rows.frames import data_days
from training.rows.population import profile_at
from training.rows.store import Counts, read_sample, write_rows
from training.settings import RetentionSettings, TrackingSettings
from training.store.bundle import write_bundle
from training.tracking import Store
from training.train_segments import train_segmentation

__all__ = ["TrainReport", "train_retention", "train_segmentation"]

NAME, ROWS = "retention", ".rows-"  # ROWS: folder of the rows while it trains


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
    publication: PublicationSettings | None = None,
    profit: ProfitSettings | None = None,
    value: ValueSettings | None = None,
    currency: str = "CNY",
    town_density: float = 0.0,
    first_is_champion: bool = True,
) -> TrainReport:
    """Train on earlier cut-offs, judge on later ones, register; `folder` holds the store.

    `cells` says the cell of each customer (`customer_id`, `cell_id`). The rows lie in a folder of
    their own under `rows_folder` (default: `folder`) while it trains. With `settings.cell_rates` no
    cell of fewer than `publication.customers_min` customers has a rate of its own. `profit` says
    what a campaign costs and brings, in `currency`; `value` what a
    customer earns; `town_density` (customers per km2) where town
    begins. The first version of all is the champion, unless it must be promoted like any other.
    Raises BadInput when the history is too short, the label has one class, too few customers were
    lost, or the cluster that `settings` asks for cannot be used.
    """
    known = data_days(tables)
    plan = cutoff_plan(*known, label, settings)
    store = Store(tracking, folder)
    of_profile = (settings.profile_customers, settings.seed)
    counter, fitted, rates = CellCounter(settings.folds), None, None
    least = (publication or PublicationSettings()).customers_min
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
            counting=[counter.add] if settings.cell_rates else [],
        )
        customers = stored.counts.customers
        later = read_sample(stored.later, settings.judge_customers, customers)
        _require_learnable(stored.counts, later, plan, settings)
        progress("looking for leaks", 0.5)
        checks = leakage_checks(tables, stored, settings, foretelling(settings))
        require_no_leak(checks)
        by_origin = rolled(stored, plan, label, settings, scratch, within(progress, 0.5, 0.6))
        least = (publication or PublicationSettings()).customers_min
        if settings.cell_rates:
            fitted = fold_rates(counter.table, settings.folds, grid_version, least)
        if fitted and fitted.whole.rates:  # else the column would tell nothing
            add_cell_rates(stored.train, fitted)
            rates, later = fitted.whole, fitted.whole.added_to(later)
        with learner(stored, settings, scratch) as fit:
            model = best_classifier(settings, fit, within(progress, 0.6, 0.7))
        source = Source(tables, cells, settings, scratch, within(progress, 0.7, 0.7))
        ahead = look_ahead(source, label, value or ValueSettings())
        progress("judging against the baselines", 0.7)
        champion = present_champion(store, plan, label, later, grid_version)
        train = read_sample(stored.train, BASELINE_CUSTOMERS, customers)
        campaign = campaign_at(profit or ProfitSettings(), currency, later, stored.later)
        judged = judge(model, train, later, feature_names(train), champion, settings, campaign)
        fairness = fairness_at(tables, later, judged.probability, campaign, town_density, least)
        progress("drawing", 0.85)
        with tempfile.TemporaryDirectory() as temporary:
            out = Path(temporary)
            notes = notes_of(plan, known.first, settings, champion, judged, fitted) + ahead.notes
            card = card_of(
                model,
                judged,
                stored,
                plan,
                label,
                settings,
                grid_version,
                data_hashes,
                campaign,
            )
            # a training that fails a check has ended long before
            passed = {**card.metrics, **worst(fairness), **ahead.metrics, "leakage_passed": 1.0}
            card = card.model_copy(
                update={"metrics": passed, "compared_with": compared(champion), "notes": notes}
            )
            digest = write_bundle(
                out / "model",
                booster=model.booster_,
                manifest=model.manifest_,
                calibration=model.calibration_,
                card=card,
                profile=profile_at(stored.snapshot, plan.evaluate[-1], *of_profile, rates),
                cell_rates=rates,
                ahead=ahead.files,
            )
            drawn = draw(model, judged, out / "plots")
            drawn += write_rolling(by_origin, out)
            drawn += write_outlook(ahead, out)
            write_evaluation(model, judged, card.metrics, out / "evaluation")
            beside = {"leakage": pd.DataFrame(checks), "fairness": fairness}
            write_tables(out / "evaluation", beside)
            write_tables(out / "evaluation", why_of(model, judged.rows, least, settings.seed))
            progress("registering", 0.95)
            registered = store.log_and_register(
                NAME,
                run_id,
                out,
                digest=digest,
                params=parameters_of(model, label, settings),
                metrics=card.metrics,
                tags=tags_of(card),
                first_is_champion=first_is_champion,
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
        campaign=judged.worth.figures,
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
