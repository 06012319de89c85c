"""The segmentation on customers and cut-offs it was not fitted to: figures, tables, pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.evaluation.metrics import Estimate, Ranked, auc, customer_weights, interval
from training.segmentation import BORDERLINE, SegmentModel, match
from training.segments import plots
from training.segments.masking import hidden_at_random
from training.segments.migration import cell_migration, migration, month_migration, square
from training.segments.moves import MAIN, move_table
from training.segments.rows import Quarters
from training.segments.separation import Outcomes, foretold
from training.segments.tables import masked_table, profiles, segment_table
from training.settings import SegmentationSettings

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
NO_CHANGE = "no change"


@dataclass(frozen=True)
class Judged:
    """Figures with intervals, those of no change, and every table by its name."""

    metrics: Mapping[str, Estimate]
    baselines: Mapping[str, Mapping[str, Estimate]]
    differences: Mapping[str, Estimate]
    shares: Mapping[str, float]  # segment -> share at the third cut-off
    tables: Mapping[str, pd.DataFrame]


class Following(NamedTuple):
    """Customers of the second cut-off who are there at the third, and what came true of them."""

    here: NDArray[np.int64]
    came: Bools
    stayed: Bools


def judge(
    model: SegmentModel,
    quarters: Quarters,
    train: Bools,
    outcomes: Outcomes,
    settings: SegmentationSettings,
    customers_min: int,
) -> Judged:
    """Judge the trees, the forecast and the segments.

    `assign_accuracy`: customers held out, first cut-off, and `assign_masked_accuracy` with half of
    the families of features hidden; `assign_later_accuracy`: all customers, third cut-off;
    `next_accuracy`: second cut-off to third, beside `no change`. Of the customers held out, by
    their segment's mean of the others: `value_explained`, share of the variance of the value's
    rank a horizon later, and `churn_auc`, the chance that who is lost is in the worse segment.
    """
    aside, third = quarters.first[~train], quarters.third
    followed, segments = _followed(model, quarters), model.segments(quarters.first)
    figures = {
        "assign_accuracy": _hits(model, aside),
        "assign_later_accuracy": _hits(model, third),
        "assign_masked_accuracy": _hits(model, aside, settings.seed),
        "clear_accuracy": _clear(model, third),
        "next_accuracy": followed.came,
        "value_explained": _explained(segments, outcomes, train),
    }
    change = followed.came.astype(np.float64) - followed.stayed
    shares = np.bincount(model.segments(third), minlength=len(model.names)) / len(third)
    tables = _tables(model, quarters, train, outcomes, settings, customers_min)
    measured = {name: mean_of(values, settings) for name, values in figures.items()}
    return Judged(
        {
            **measured,
            **_churn_auc(segments, outcomes, train, settings),
            **main_precision(tables["moves"]),
        },
        {NO_CHANGE: {"next_accuracy": mean_of(followed.stayed, settings)}},
        {"next_accuracy": mean_of(change, settings)},
        dict(zip(model.names, shares.tolist(), strict=True)),
        tables,
    )


def _tables(
    model: SegmentModel,
    quarters: Quarters,
    train: Bools,
    outcomes: Outcomes,
    settings: SegmentationSettings,
    customers_min: int,
) -> dict[str, pd.DataFrame]:
    named = [named_rows(model, frame) for frame in quarters.months]
    horizon = -1 - settings.horizon_months
    return {
        "stability": model.choice.stability,
        "dimensions": model.choice.dimensions,
        "segments": segment_table(model, quarters.first, outcomes),
        "segment_profiles": profiles(model, quarters.third).reset_index(),
        "masked": masked_table(model, quarters.first[~train], settings.seed),
        "moves": _moves(model, quarters),
        "migration_months": month_migration(named),
        "migration_quarter": migration(named[horizon], named[-1]),
        "migration_cells": cell_migration(named[horizon], named[-1], customers_min),
    }


def named_rows(model: SegmentModel, frame: pd.DataFrame) -> pd.DataFrame:
    """`customer_id, as_of, cell_id, segment` of each row, by the rule."""
    names = np.asarray(model.names, dtype=object)[model.segments(frame)]
    return frame[["customer_id", "as_of", "cell_id"]].assign(segment=names)


def _moves(model: SegmentModel, quarters: Quarters) -> pd.DataFrame:
    second, third = quarters.second, quarters.third
    came = pd.Series(model.rule.tiers(third), index=third["customer_id"].to_numpy())
    later = second["customer_id"].map(came).fillna(-1).to_numpy(np.int64)
    return move_table(model.rule, second, model.predict_next_proba(second), later)


def _followed(model: SegmentModel, quarters: Quarters) -> Following:
    second, third = quarters.second, quarters.third
    here, there = match(second["customer_id"], third["customer_id"], len(second), len(third))
    truth = model.segments(third)[there]
    came = model.predict_next_proba(second)[here].argmax(axis=1) == truth
    return Following(here, came, model.segments(second)[here] == truth)


def _hits(model: SegmentModel, frame: pd.DataFrame, hide_by: int | None = None) -> Bools:
    if not len(frame):
        return np.zeros(0, dtype=bool)
    matrix = model.manifest.encode(frame)
    if hide_by is not None:
        matrix = hidden_at_random(matrix, model.manifest, hide_by + 1, 0.5)
    return np.asarray(model.probabilities(matrix).argmax(axis=1) == model.segments(frame))


def _clear(model: SegmentModel, frame: pd.DataFrame) -> Bools:
    """Whether the trees are right about each customer who is not borderline."""
    shares = model.predict_proba(frame)
    hits: Bools = shares.argmax(axis=1) == model.segments(frame)
    return np.asarray(hits[shares.max(axis=1) >= BORDERLINE], dtype=bool)


def _explained(segments: Ints, outcomes: Outcomes, train: Bools) -> Floats:
    """One minus the error of each customer held out, whose mean is the share explained."""
    y = outcomes.ranked().get("value", np.full(len(train), np.nan))
    told = ~train & np.isfinite(y)
    errors = (y - foretold(segments, y, train))[told] ** 2
    return np.asarray(1 - errors / y[told].var()) if told.any() else errors


def _churn_auc(
    segments: Ints, outcomes: Outcomes, train: Bools, settings: SegmentationSettings
) -> dict[str, Estimate]:
    told = ~train & np.isfinite(outcomes.lost)
    y = outcomes.lost[told]
    if len(np.unique(y)) < 2:
        return {}
    ranked = Ranked.of(foretold(segments, outcomes.lost, train)[told])
    weights = customer_weights(pd.Series(np.arange(len(y))), settings.bootstrap, settings.seed)
    drawn = np.array([auc(y, ranked, weight) for weight in weights])
    return {"churn_auc": interval(auc(y, ranked, np.ones(len(y))), drawn)}


def mean_of(values: NDArray[Any], settings: SegmentationSettings) -> Estimate:
    """The mean over customers, and its interval by resampling them."""
    if not len(values):
        return Estimate(float("nan"), float("nan"), float("nan"))
    rows = pd.Series(np.arange(len(values)))  # one row per customer
    draws = [
        np.average(values, weights=weight)
        for weight in customer_weights(rows, settings.bootstrap, settings.seed)
    ]
    return interval(float(np.mean(values)), np.array(draws))


def draw(model: SegmentModel, judged: Judged, folder: Path) -> list[Path]:
    """Every picture of the segments, as PNG files in `folder`."""
    tables = judged.tables
    quarter = square(tables["migration_quarter"], model.names)
    drawn = [
        plots.segment_sizes(judged.shares, folder / "segment_sizes.png"),
        plots.segment_profiles(
            tables["segment_profiles"].set_index("segment"), folder / "segment_profiles.png"
        ),
        plots.segment_futures(tables["segments"], folder / "segment_futures.png"),
        plots.migration(quarter, folder / "migration.png"),
        plots.masked(tables["masked"], folder / "masked.png"),
    ]
    if len(tables["moves"]):
        drawn.append(plots.move_lists(tables["moves"], folder / "move_lists.png"))
    if len(tables["stability"]):
        drawn.append(plots.stability(tables["stability"], folder / "stability.png"))
    return drawn


def main_precision(moves: pd.DataFrame) -> dict[str, Estimate]:
    """Precision of the lists of MAIN length, by direction."""
    of_length = moves[moves["share"] == MAIN].set_index("direction")
    columns = of_length[["precision", "precision_low", "precision_high"]]
    return {f"{name}_precision": Estimate(*map(float, row)) for name, row in columns.iterrows()}
