"""Training of the segmentation model."""

import hashlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.bundle import ModelCard
from domain.errors import BadInput
from domain.publication import PublicationSettings
from features.atomic import growing, new_folder
from features.engine import Tables
from features.settings import LabelSettings
from training.environment import environment
from training.made import Made, run_tags
from training.recipe import Recipe, cells_hash
from training.report import (
    Progress,
    TrainReport,
    beside,
    git_revision,
    silent,
    within,
    write_metrics,
    write_tables,
)
from training.rows.dataset import feature_names, quarter_plan, truncated
from training.rows.frames import data_days
from training.segmentation import SegmentModel
from training.segments.champion import champion_segments
from training.segments.judging import NO_CHANGE, draw, judge
from training.segments.rows import Quarters, outcomes_of, quarter_rows
from training.segments.separation import Outcomes
from training.segments.tiers import HELD
from training.settings import SegmentationSettings, TrackingSettings
from training.store.bundle import file_hashes, profile, write_bundle
from training.store.rival import Rival, rival_of
from training.tracking import JUDGED_TAG, Store
from training.unregistered import register

NAME: Literal["segmentation"] = "segmentation"
ROWS = ".rows-"  # folder of the files while it trains
FEWEST = 50  # customers; fewer have no quantiles worth a tier


class Grown(NamedTuple):
    """A fitted model, the customers it learned from, and what became of everyone."""

    model: SegmentModel
    train: NDArray[np.bool_]
    outcomes: Outcomes
    notes: tuple[str, ...]


def train_segmentation(
    tables: Tables,
    cells: pd.DataFrame,
    *,
    grid_version: str,
    settings: SegmentationSettings,
    tracking: TrackingSettings,
    folder: Path,
    data_hashes: Mapping[str, str],
    rows_folder: Path | None = None,
    progress: Progress = silent,
    label: LabelSettings | None = None,
    publication: PublicationSettings | None = None,
    first_is_champion: bool = True,
) -> TrainReport:
    """Fit the segments at one cut-off, judge them at the two that follow, register.

    `cells` says the cell of each customer (`customer_id`, `cell_id`); `label` who counts as lost:
    without it dimensions are chosen by future value alone. Segments that the champion has too keep
    their names. Raises BadInput when the history is too short for three cut-offs a horizon apart
    or too few customers are there.
    """
    recipe = Recipe(
        name=NAME,
        grid_version=grid_version,
        data_hashes=dict(data_hashes),
        cells_hash=cells_hash(cells),
        timezone=tables.timezone,
        label=label,
        segmentation=settings,
        publication=publication or PublicationSettings(),
    )
    store, host = Store(tracking, folder), environment(tables.settings.kind)
    place = rows_folder or folder
    with (
        store.run(NAME, run_tags(recipe, host)) as run_id,
        growing(place, ROWS, new_folder) as scratch,
    ):
        champion = rival_of(store, store.champion(NAME), scratch)
        recipe = recipe.beside(champion.version if champion else None)
        made = fit_segmentation(tables, cells, recipe, champion, scratch, progress)
        progress("registering", 0.95)
        report = register(store, run_id, made, host, first_is_champion, place)
    progress("done", 1.0)
    return report


def fit_segmentation(
    tables: Tables,
    cells: pd.DataFrame,
    recipe: Recipe,
    champion: Rival | None,
    scratch: Path,
    progress: Progress,
) -> Made:
    """Fit and judge as the recipe says, in the folder `scratch`; nothing is registered."""
    settings = recipe.segmentation or SegmentationSettings()
    known, out = data_days(tables), scratch / "out"
    days = quarter_plan(*known, settings.horizon_months)
    read = within(progress, 0.0, 0.5)
    quarters = quarter_rows(tables, cells, days, settings, known.first, read)
    progress("fitting segments", 0.5)
    grown = _fit(tables, quarters, settings, champion, recipe.label)
    model = grown.model
    progress("judging", 0.8)
    judged = judge(model, quarters, grown.train, grown.outcomes, settings, recipe.customers_min)
    notes = (*truncated(known.first, days), *grown.notes)
    figures = beside(judged.metrics, judged.baselines, {NO_CHANGE: judged.differences})
    write_tables(out / "evaluation", judged.tables)
    write_metrics(out / "evaluation", figures)
    told = {
        "metrics": figures,
        "notes": notes,
        "table_hashes": file_hashes(out / "evaluation"),
    }
    card = _card(model, recipe, settings, days).model_copy(update=told)
    digest = write_bundle(
        out / "model",
        booster=model.booster,
        next_booster=model.next_booster,
        manifest=model.manifest,
        card=card,
        profile=_profile(quarters.third, settings),
        segments=model.scheme.model_dump_json(indent=1),
    )
    drawn = draw(model, judged, out / "plots")
    report = TrainReport(
        name=NAME,
        digest=digest,
        trained_as_of=card.trained_as_of,
        evaluated_as_of=card.evaluated_as_of,
        rows=int(grown.train.sum()),
        customers=int(grown.train.sum()),
        metrics=judged.metrics,
        baselines=judged.baselines,
        differences={NO_CHANGE: judged.differences},
        segments=judged.shares,
        segment_table=judged.tables["segments"],
        notes=card.notes,
        plots=tuple(f"plots/{file.name}" for file in drawn),
    )
    params = _parameters(model, settings)
    return Made(out, digest, recipe, params, card.metrics, _tags(card), report)


def _card(
    model: SegmentModel,
    recipe: Recipe,
    settings: SegmentationSettings,
    days: tuple[date, date, date],
) -> ModelCard:
    """The card, without figures and notes."""
    return ModelCard(
        name=NAME,
        grid_version=recipe.grid_version,
        trained_as_of=days[:2],
        evaluated_as_of=days[2:],
        profile_as_of=days[2],
        git_revision=git_revision(),
        features_hash=recipe.features_hash,
        data_hashes=recipe.data_hashes,
        settings={NAME: settings.model_dump(mode="json")},
        metrics={},
        judged_on=f"{days[2]} (segments of {days[0]})",
        value_feature=model.rule.value_feature,
        segments=model.names,
    )


def _fit(
    tables: Tables,
    quarters: Quarters,
    settings: SegmentationSettings,
    rival: Rival | None,
    label: LabelSettings | None,
) -> Grown:
    first, second = quarters.first, quarters.second
    if len(first) < FEWEST:
        raise BadInput(
            f"only {len(first)} customers are there on {first['as_of'].min()}; segments need "
            f"{FEWEST} or more; deliver a longer history or lower segmentation.horizon_months"
        )
    train = learned(first["customer_id"], settings)
    outcomes = outcomes_of(tables, first, second, settings, label)
    champion = champion_segments(rival)
    model = SegmentModel(settings).fit(
        first.loc[train, feature_names(first)],
        second[feature_names(second)],
        list(first.loc[train, "customer_id"]),
        list(second["customer_id"]),
        outcomes=Outcomes(outcomes.value[train], outcomes.lost[train]),
        known=champion.known,
    )
    return Grown(model, train, outcomes, (*model.notes, *champion.notes))


def learned(customers: pd.Series, settings: SegmentationSettings) -> NDArray[np.bool_]:
    """Which customers are learned from; BadInput when they, or those kept aside, are nobody."""
    aside = held_out(customers, settings.held_out, settings.seed)
    if aside.all() or not aside.any():
        raise BadInput(
            f"segmentation.held_out = {settings.held_out:g} keeps {aside.sum()} of {len(aside)} "
            "customers aside, and both sides need some; choose a share nearer the middle"
        )
    return ~aside


def held_out(customers: pd.Series, share: float, seed: int) -> NDArray[np.bool_]:
    """Which customers are kept aside; the same ones at every cut-off.

    >>> held_out(pd.Series(range(10_000)), 0.2, seed=0).mean().round(2)
    np.float64(0.2)
    """
    limit = share * 2**32
    digests = (hashlib.sha256(f"{seed}:{one}".encode()).digest() for one in customers)
    return np.array([int.from_bytes(digest[:4], "big") < limit for digest in digests], dtype=bool)


def _profile(frame: pd.DataFrame, settings: SegmentationSettings) -> pd.DataFrame:
    return profile(frame.drop(columns=HELD), settings.profile_customers, settings.seed)


def _parameters(model: SegmentModel, settings: SegmentationSettings) -> dict[str, Any]:
    return {
        **settings.model_dump(mode="json", exclude={"policies"}),
        "value_feature": model.rule.value_feature,
        "behaviour": ", ".join(model.rule.behaviour),
        "clusters": len(model.rule.centres),
        "segments": len(model.names),
    }


def _tags(card: ModelCard) -> dict[str, str]:
    return {
        "gridkeep.grid_version": card.grid_version,
        "gridkeep.git_revision": card.git_revision,
        JUDGED_TAG: card.judged_on,
        **{f"gridkeep.data.{name}": value for name, value in card.data_hashes.items()},
    }
