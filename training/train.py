"""Training of the two models, from contract tables to a registered version."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from domain.cell_rates import CellRates
from domain.errors import BadInput
from domain.profit import ProfitSettings
from domain.publication import PublicationSettings
from features.atomic import growing, new_folder
from features.engine import Tables
from features.labels import require_two_classes
from features.settings import LabelSettings, ValueSettings
from training.boosting.learners import buckets, learner
from training.boosting.search import Found, classifier, foretelling, search
from training.boosting.trials import NOTHING, Known, Trial, best_of, trial_table
from training.card import card_of, compared, notes_of, parameters_of, tags_of
from training.environment import environment
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
from training.made import Made, run_tags
from training.naming_features import require_known_features
from training.outlook.ahead import Source, look_ahead, write_outlook
from training.recipe import Recipe, cells_hash
from training.report import Progress, TrainReport, silent, within, write_tables
from training.resuming import forget, known_trials, trials_file
from training.retention import RetentionClassifier
from training.rows.cell_rates import CellCounter, FoldRates, add_cell_rates, fold_rates
from training.rows.dataset import TARGET, CutoffPlan, cutoff_plan, feature_names
from training.rows.frames import data_days
from training.rows.population import profile_at
from training.rows.store import Counts, StoredRows, read_sample, write_rows
from training.settings import RetentionSettings, TrackingSettings
from training.store.bundle import file_hashes, write_bundle
from training.store.rival import Rival, rival_of
from training.tracking import Store
from training.train_segments import train_segmentation
from training.unregistered import register

__all__ = ["TrainReport", "train_retention", "train_segmentation"]

NAME: Literal["retention"] = "retention"
ROWS = ".rows-"  # folder of the rows while it trains


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
    what a campaign costs and brings, in `currency`; `value` what a customer earns; `town_density`
    (customers per km2) where town begins. The first version of all is the champion, unless it must
    be promoted like any other. Raises BadInput when the history is too short, the label has one
    class, too few customers were lost, or the cluster that `settings` asks for cannot be used.
    """
    recipe = Recipe(
        name=NAME,
        grid_version=grid_version,
        data_hashes=dict(data_hashes),
        cells_hash=cells_hash(cells),
        timezone=tables.timezone,
        label=label,
        retention=settings,
        publication=publication or PublicationSettings(),
        profit=profit or ProfitSettings(),
        currency=currency,
        town_density=town_density,
        value=value or ValueSettings(),
    )
    store, host = Store(tracking, folder), environment(tables.settings.kind)
    place = rows_folder or folder
    file = trials_file(recipe, host, place)
    with (
        store.run(NAME, run_tags(recipe, host)) as run_id,
        growing(place, ROWS, new_folder) as scratch,
    ):
        champion = rival_of(store, store.champion(NAME), scratch)
        recipe = recipe.beside(champion.version if champion else None)
        trials = known_trials(recipe, file, store.trial_runs(run_id))
        made = fit_retention(tables, cells, recipe, champion, scratch, progress, trials)
        progress("registering", 0.95)
        report = register(store, run_id, made, host, first_is_champion, place)
    forget(file)
    progress("done", 1.0)
    return report


def fit_retention(
    tables: Tables,
    cells: pd.DataFrame,
    recipe: Recipe,
    champion: Rival | None,
    scratch: Path,
    progress: Progress,
    trials: Known = NOTHING,
) -> Made:
    """Train and judge as the recipe says, in the folder `scratch`; nothing is registered.

    `trials` are those of an interrupted search, and what is told of new ones.
    """
    label, settings = recipe.label or LabelSettings(), recipe.retention or RetentionSettings()
    require_known_features(settings)
    known = data_days(tables)
    plan = cutoff_plan(*known, label, settings)
    learned = _learn(tables, cells, recipe, plan, scratch, progress, trials)
    model, stored, rates = learned.model, learned.stored, learned.rates
    source = Source(tables, cells, settings, scratch, within(progress, 0.7, 0.7))
    ahead = look_ahead(source, label, recipe.value)
    progress("judging against the baselines", 0.7)
    customers, grid_version = stored.counts.customers, recipe.grid_version
    later = learned.later
    theirs = present_champion(champion, plan, label, later, grid_version)
    train = read_sample(stored.train, BASELINE_CUSTOMERS, customers)
    campaign = campaign_at(recipe.profit, recipe.currency, later, stored.later)
    judged = judge(model, train, later, feature_names(train), theirs, settings, campaign)
    least = recipe.customers_min
    fairness = fairness_at(tables, later, judged.probability, campaign, recipe.town_density, least)
    progress("drawing", 0.85)
    out = scratch / "out"
    notes = notes_of(plan, known.first, settings, theirs, judged, learned.fitted) + ahead.notes
    card = card_of(model, judged, stored, plan, recipe, campaign)
    # a training that fails a check has ended long before
    passed = {**card.metrics, **worst(fairness), **ahead.metrics, "leakage_passed": 1.0}
    drawn = draw(model, judged, out / "plots")
    drawn += write_rolling(learned.by_origin, out)
    drawn += write_outlook(ahead, out)
    write_evaluation(model, judged, passed, out / "evaluation")
    beside = {"leakage": learned.leakage, "fairness": fairness}
    write_tables(out / "evaluation", beside)
    write_tables(out / "evaluation", why_of(model, judged.rows, least, settings.seed))
    told = {
        "settings": {**card.settings, "publication": {"customers_min": least}},
        "metrics": passed,
        "compared_with": compared(theirs),
        "notes": notes,
        "table_hashes": file_hashes(out / "evaluation"),
    }
    card = card.model_copy(update=told)
    of_profile = (settings.profile_customers, settings.seed, rates)
    digest = write_bundle(
        out / "model",
        booster=model.booster_,
        manifest=model.manifest_,
        calibration=model.calibration_,
        card=card,
        profile=profile_at(stored.snapshot, plan.evaluate[-1], *of_profile),
        cell_rates=rates,
        ahead=ahead.files,
    )
    report = TrainReport(
        name=NAME,
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
        plots=tuple(f"plots/{file.name}" for file in drawn),
    )
    params = parameters_of(model, label, settings)
    if learned.trials:
        write_tables(out / "evaluation", {"trials": trial_table(learned.trials)})
        recipe = recipe.model_copy(update={"chosen": dict(best_of(learned.trials).parameters)})
    return Made(out, digest, recipe, params, card.metrics, tags_of(card), report, learned.trials)


class Learned(NamedTuple):
    """A fitted model, the rows it comes from and is judged on, and what was found on the way."""

    model: RetentionClassifier
    trials: tuple[Trial, ...]  # none when a recipe said what had won
    stored: StoredRows
    later: pd.DataFrame
    leakage: pd.DataFrame
    by_origin: pd.DataFrame
    fitted: FoldRates | None
    rates: CellRates | None  # None also when they would tell nothing


def _learn(
    tables: Tables,
    cells: pd.DataFrame,
    recipe: Recipe,
    plan: CutoffPlan,
    scratch: Path,
    progress: Progress,
    trials: Known,
) -> Learned:
    label, settings = recipe.label or LabelSettings(), recipe.retention or RetentionSettings()
    counter, fitted, rates = CellCounter(settings.folds), None, None
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
        protected=settings.protected,
    )
    later = read_sample(stored.later, settings.judge_customers, stored.counts.customers)
    _require_learnable(stored.counts, later, plan, settings)
    progress("looking for leaks", 0.5)
    checks = leakage_checks(tables, stored, settings, foretelling(settings))
    require_no_leak(checks)
    by_origin = rolled(stored, plan, label, settings, scratch, within(progress, 0.5, 0.6))
    if settings.cell_rates:
        fitted = fold_rates(
            counter.table, settings.folds, recipe.grid_version, recipe.customers_min
        )
    if fitted and fitted.whole.rates:  # else the column would tell nothing
        add_cell_rates(stored.train, fitted)
        rates, later = fitted.whole, fitted.whole.added_to(later)
    with learner(stored, settings, scratch) as fit:
        part = within(progress, 0.6, 0.7)
        found = (
            search(settings, fit, part, *trials)
            if recipe.chosen is None
            else Found(fit(classifier(settings, **recipe.chosen)), ())
        )
    leakage = pd.DataFrame(checks)
    return Learned(found.model, found.trials, stored, later, leakage, by_origin, fitted, rates)


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
