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
from features.engine import Tables
from features.registry import features_hash
from training import plots
from training.bundle import profile, write_bundle
from training.dataset import feature_names, quarter_plan, truncated
from training.evaluation import Estimate, customer_weights, interval
from training.report import (
    Progress,
    TrainReport,
    flat,
    git_revision,
    silent,
    write_metrics,
    write_tables,
)
from training.rows import data_days, feature_rows
from training.segmentation import SegmentModel, match
from training.settings import SegmentationSettings, TrackingSettings
from training.tracking import JUDGED_TAG, Store

NAME = "segmentation"
FEWEST = 50  # customers; fewer have no quantiles worth a tier


class Quarters(NamedTuple):
    """Feature rows of three cut-offs a horizon apart."""

    first: pd.DataFrame
    second: pd.DataFrame
    third: pd.DataFrame


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
    first_is_champion: bool = True,
) -> TrainReport:
    """Fit the segments at one cut-off, judge them at the two that follow, register.

    `cells` says the cell of each customer (`customer_id`, `cell_id`). Raises BadInput when the
    history is too short for three cut-offs a horizon apart or too few customers are there.
    """
    known = data_days(tables)
    days = quarter_plan(*known, settings.horizon_months)
    store = Store(tracking, folder)
    with store.run(NAME, {"gridkeep.grid_version": grid_version}) as run_id:
        frames = []
        for at, day in enumerate(days):
            progress(f"features of {day}", 0.15 * at)
            frames.append(feature_rows(tables, cells, day))
        quarters = Quarters(*frames)
        progress("fitting segments", 0.5)
        model, train = _fit(quarters, settings)
        progress("judging", 0.8)
        metrics, base, differences = judge(model, quarters, train, settings)
        with tempfile.TemporaryDirectory() as temporary:
            out = Path(temporary)
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
                metrics=flat(metrics) | flat(differences, "versus_no_change_"),
                judged_on=f"{days[2]} (segments of {days[0]})",
                notes=tuple(truncated(known.first, days)),
                value_feature=model.rule.value_feature,
                segments=model.names,
            )
            digest = write_bundle(
                out / "model",
                booster=model.booster,
                next_booster=model.next_booster,
                manifest=model.manifest,
                card=card,
                profile=profile(quarters.third, settings.profile_customers, settings.seed),
            )
            shares = _shares(model, quarters.third)
            drawn = _draw(model, quarters.third, shares, out)
            write_metrics(out / "evaluation", card.metrics)
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
        rows=int(train.sum()),
        customers=int(train.sum()),
        metrics=metrics,
        baselines=base,
        differences={"no change": differences},
        segments=shares,
        notes=card.notes,
        artifacts=store.artifact_folder(run_id),
        plots=tuple(f"plots/{file.name}" for file in drawn),
    )


def _fit(
    quarters: Quarters, settings: SegmentationSettings
) -> tuple[SegmentModel, NDArray[np.bool_]]:
    first, second = quarters.first, quarters.second
    if len(first) < FEWEST:
        raise BadInput(
            f"only {len(first)} customers are there on {first['as_of'].min()}; segments need "
            f"{FEWEST} or more; deliver a longer history or lower segmentation.horizon_months"
        )
    train = ~held_out(first["customer_id"], settings.held_out, settings.seed)
    model = SegmentModel(settings).fit(
        first.loc[train, feature_names(first)],
        second[feature_names(second)],
        list(first.loc[train, "customer_id"]),
        list(second["customer_id"]),
    )
    return model, train


def held_out(customers: pd.Series, share: float, seed: int) -> NDArray[np.bool_]:
    """Which customers are kept aside; the same ones at every cut-off.

    >>> held_out(pd.Series(range(10_000)), 0.2, seed=0).mean().round(2)
    np.float64(0.2)
    """
    limit = share * 2**32
    digests = (hashlib.sha256(f"{seed}:{one}".encode()).digest() for one in customers)
    return np.array([int.from_bytes(digest[:4], "big") < limit for digest in digests], dtype=bool)


def judge(
    model: SegmentModel,
    quarters: Quarters,
    train: NDArray[np.bool_],
    settings: SegmentationSettings,
) -> tuple[dict[str, Estimate], dict[str, dict[str, Estimate]], dict[str, Estimate]]:
    """Agreement of the trees with the rule, and of the forecast with the segment that came.

    `assign_accuracy`: customers held out, first cut-off; `assign_later_accuracy`: all customers,
    third cut-off; `next_accuracy`: second cut-off to third, beside `no change`, and the paired
    difference of both.
    """
    first, second, third = quarters
    aside = first[~train]
    here, there = match(second["customer_id"], third["customer_id"], len(second), len(third))
    truth = model.segments(third)[there]
    came = model.predict_next_proba(second)[here].argmax(axis=1) == truth
    stayed = model.segments(second)[here] == truth
    hits = {"assign_accuracy": _hits(model, aside), "assign_later_accuracy": _hits(model, third)}
    metrics = {name: _mean(hit, settings) for name, hit in {**hits, "next_accuracy": came}.items()}
    change = came.astype(np.float64) - stayed
    return (
        metrics,
        {"no change": {"next_accuracy": _mean(stayed, settings)}},
        {"next_accuracy": _mean(change, settings)},
    )


def _hits(model: SegmentModel, frame: pd.DataFrame) -> NDArray[np.bool_]:
    if not len(frame):
        return np.zeros(0, dtype=bool)
    return np.asarray(model.predict_proba(frame).argmax(axis=1) == model.segments(frame))


def _mean(values: NDArray[Any], settings: SegmentationSettings) -> Estimate:
    if not len(values):
        return Estimate(float("nan"), float("nan"), float("nan"))
    rows = pd.Series(np.arange(len(values)))  # one row per customer
    draws = [
        np.average(values, weights=weight)
        for weight in customer_weights(rows, settings.bootstrap, settings.seed)
    ]
    return interval(float(np.mean(values)), np.array(draws))


def _shares(model: SegmentModel, frame: pd.DataFrame) -> dict[str, float]:
    counts = np.bincount(model.segments(frame), minlength=len(model.names))
    return dict(zip(model.names, (counts / len(frame)).tolist(), strict=True))


def _draw(
    model: SegmentModel, frame: pd.DataFrame, shares: Mapping[str, float], out: Path
) -> list[Path]:
    ranks = pd.DataFrame(model.rule.ranks(frame), columns=list(model.rule.behaviour))
    value = frame[model.rule.value_feature].rank(pct=True).fillna(0.0)
    ranks.insert(0, model.rule.value_feature, value.to_numpy())
    names = pd.Series([model.names[at] for at in model.segments(frame)], name="segment")
    means = ranks.groupby(names).mean().reindex([n for n in model.names if shares[n] > 0])
    write_tables(out / "evaluation", {"segments": means.reset_index()})
    return [
        plots.segment_sizes(shares, out / "plots" / "segment_sizes.png"),
        plots.segment_profiles(means, out / "plots" / "segment_profiles.png"),
    ]


def _parameters(model: SegmentModel, settings: SegmentationSettings) -> dict[str, Any]:
    return {
        **settings.model_dump(mode="json"),
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
