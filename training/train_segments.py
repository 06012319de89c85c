"""Training of the segmentation model."""

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.bundle import ModelCard
from domain.errors import BadInput
from domain.publication import PublicationSettings
from features.engine import Tables
from features.registry import features_hash
from features.settings import LabelSettings
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
from training.tracking import JUDGED_TAG, Store

NAME = "segmentation"
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
    known = data_days(tables)
    days = quarter_plan(*known, settings.horizon_months)
    store = Store(tracking, folder)
    with store.run(NAME, {"gridkeep.grid_version": grid_version}) as run_id:
        read = within(progress, 0.0, 0.5)
        quarters = quarter_rows(tables, cells, days, settings, known.first, read)
        progress("fitting segments", 0.5)
        grown = _fit(tables, quarters, settings, store, label)
        model = grown.model
        progress("judging", 0.8)
        least = (publication or PublicationSettings()).customers_min
        judged = judge(model, quarters, grown.train, grown.outcomes, settings, least)
        figures = beside(judged.metrics, judged.baselines, {NO_CHANGE: judged.differences})
        with tempfile.TemporaryDirectory() as temporary:
            out = Path(temporary)
            write_tables(out / "evaluation", judged.tables)
            write_metrics(out / "evaluation", figures)
            card = ModelCard(
                name="segmentation",
                grid_version=grid_version,
                trained_as_of=days[:2],
                evaluated_as_of=days[2:],
                profile_as_of=days[2],
                git_revision=git_revision(),
                features_hash=features_hash(),
                data_hashes=dict(data_hashes),
                settings={NAME: settings.model_dump(mode="json")},
                metrics=figures,
                judged_on=f"{days[2]} (segments of {days[0]})",
                notes=(*truncated(known.first, days), *grown.notes),
                table_hashes=file_hashes(out / "evaluation"),
                value_feature=model.rule.value_feature,
                segments=model.names,
            )
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
            progress("registering", 0.95)
            registered = store.log_and_register(
                NAME,
                run_id,
                out,
                digest=digest,
                params=_parameters(model, settings),
                metrics=card.metrics,
                tags=_tags(card),
                first_is_champion=first_is_champion,
            )
    progress("done", 1.0)
    return TrainReport(
        name=NAME,
        run_id=run_id,
        version=registered.version,
        alias=registered.alias,
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
        artifacts=store.artifact_folder(run_id),
        plots=tuple(f"plots/{file.name}" for file in drawn),
    )


def _fit(
    tables: Tables,
    quarters: Quarters,
    settings: SegmentationSettings,
    store: Store,
    label: LabelSettings | None,
) -> Grown:
    first, second = quarters.first, quarters.second
    if len(first) < FEWEST:
        raise BadInput(
            f"only {len(first)} customers are there on {first['as_of'].min()}; segments need "
            f"{FEWEST} or more; deliver a longer history or lower segmentation.horizon_months"
        )
    train = ~held_out(first["customer_id"], settings.held_out, settings.seed)
    outcomes = outcomes_of(tables, first, second, settings, label)
    champion = champion_segments(store)
    model = SegmentModel(settings).fit(
        first.loc[train, feature_names(first)],
        second[feature_names(second)],
        list(first.loc[train, "customer_id"]),
        list(second["customer_id"]),
        outcomes=Outcomes(outcomes.value[train], outcomes.lost[train]),
        known=champion.known,
    )
    return Grown(model, train, outcomes, (*model.notes, *champion.notes))


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
