"""The margin of the next 12 months: will there be any, how much, and between which bounds.

The 80 % interval is conformalised quantile regression (Romano, Patterson and Candes, 2019): two
quantiles are learned from some customers, and moved until they hold 80 % of others.
"""

from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import BadInput
from features.manifest import FeatureManifest
from features.outlook import VALUE, Margins, ValueSpec
from features.settings import ValueSettings
from training.boosting.parameters import fixed_parameters
from training.evaluation.metrics import Estimate, customer_weights, interval
from training.rows.store import customer_draws
from training.settings import RetentionSettings

Floats = NDArray[np.float64]
INSIDE = 0.8  # share of margins that lie in the interval
SET_ASIDE = 0.25  # of the customers, by whom the bounds are moved
ROUNDS = 200
SHAPE = {"learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 30, "feature_fraction": 0.6}


class ValueModel(NamedTuple):
    """What the bundle says of the margin, and its trees by part."""

    spec: ValueSpec
    trees: dict[str, "lgb.Booster"]

    def margins(self, features: pd.DataFrame) -> Margins:
        """The margin of each row."""
        return self.spec.margins(self.trees, features)

    def files(self) -> dict[str, str]:
        """Its files of the bundle."""
        texts = {name: self.trees[part] for part, name in self.spec.texts().items()}
        spec = {f"{VALUE}.json": self.spec.model_dump_json(indent=1)}
        return {name: trees.model_to_string() for name, trees in texts.items()} | spec


def fit_value(
    features: pd.DataFrame,
    margin: Floats,
    customers: pd.Series,
    rates: ValueSettings,
    settings: RetentionSettings,
) -> ValueModel:
    """Learn the margin of the year after; some customers are set aside to move the bounds by.

    Raises BadInput for fewer than `min_positives` customers who brought anything, or set aside.
    """
    manifest = FeatureManifest.fit(features)
    matrix, scale = manifest.encode(features), scale_of(margin)
    aside = set_aside(customers, settings)
    learn, some = ~aside, ~aside & (margin > 0)
    _require_enough(customers[some], customers[aside], settings.min_positives)
    logs, edge = np.log1p(margin / scale), (1 - INSIDE) / 2

    def part(rows: NDArray[np.bool_], target: Floats, **objective: Any) -> "lgb.Booster":
        return grown(matrix[rows], target[rows], manifest, settings, objective)

    trees = {
        "any": part(learn, (margin > 0).astype(np.float64), objective="binary"),
        "much": part(some, margin, objective="gamma"),
        "low": part(learn, logs, objective="quantile", alpha=edge),
        "high": part(learn, logs, objective="quantile", alpha=1 - edge),
    }
    low, high = (np.asarray(trees[end].predict(matrix[aside])) for end in ("low", "high"))
    spec = ValueSpec(
        manifest=manifest,
        scale=scale,
        widened=widened(logs[aside], low, high),
        net_interest_margin=rates.net_interest_margin,
        fee_on_turnover=rates.fee_on_turnover,
    )
    return ValueModel(spec, trees)


def _require_enough(earning: pd.Series, aside: pd.Series, least: int) -> None:
    told = "to learn from brought anything at the [value] rates", "are set aside to move bounds by"
    for ids, what in zip((earning, aside), told, strict=True):
        if ids.nunique() < least:
            raise BadInput(
                f"only {ids.nunique()} customers {what}; retention.min_positives asks for {least}"
            )


def set_aside(customers: pd.Series, settings: RetentionSettings) -> NDArray[np.bool_]:
    """Rows of the customers whom no tree learns from."""
    return customer_draws(customers, settings.seed + 1) < SET_ASIDE


def scale_of(margin: Floats) -> float:
    """The median of the margins above 0: money that is neither much nor little.

    >>> scale_of(np.array([0.0, 5.0, 7.0]))
    6.0
    """
    above = margin[margin > 0]
    return float(np.median(above)) if len(above) else 1.0


def widened(truth: Floats, low: Floats, high: Floats) -> float:
    """How far both bounds must move outwards (below 0: inwards) to hold the share wanted.

    >>> widened(np.arange(9.0), np.zeros(9), np.full(9, 4.0))  # 8 of 9, for those not yet seen
    3.0
    """
    apart = np.sort(np.maximum(low - truth, truth - high))
    rank = int(np.ceil(INSIDE * (len(apart) + 1)))
    return float(apart[min(rank, len(apart)) - 1])


def judged_value(
    margins: Margins, margin: Floats, rows: pd.DataFrame, settings: RetentionSettings
) -> pd.DataFrame:
    """One row per later cut-off, and one of `all`: how the foretold margins came true.

    `coverage` is the share of margins in their 80 % interval (95 % interval over customers in
    `coverage_low` and `coverage_high`); `error` the mean absolute error, in money as the means.
    """
    found = []
    by_day = {str(day): np.asarray(at) for day, at in rows.groupby("as_of").indices.items()}
    for name, at in {**by_day, "all": np.arange(len(rows))}.items():
        here = Margins(*(part[at] for part in margins))
        covered = coverage(here, margin[at], rows["customer_id"].iloc[at], settings)
        means = {
            "margin": margin[at].mean(),
            "foretold": here.expected.mean(),
            "error": np.abs(here.expected - margin[at]).mean(),
            "width": (here.high - here.low).mean(),
        }
        told = dict(zip(("coverage", "coverage_low", "coverage_high"), covered, strict=True))
        found.append({"as_of": name, "rows": len(at), **means, **told})
    return pd.DataFrame(found)


def coverage(
    margins: Margins, margin: Floats, customers: pd.Series, settings: RetentionSettings
) -> Estimate:
    """The share of margins inside their interval, and how far other customers would move it."""
    inside = ((margin >= margins.low) & (margin <= margins.high)).astype(np.float64)
    draws = customer_weights(customers, settings.bootstrap, settings.seed)
    resampled = [float(np.average(inside, weights=weight)) for weight in draws]
    return interval(float(inside.mean()), np.array(resampled))


def grown(
    matrix: Floats,
    target: Floats,
    manifest: FeatureManifest,
    settings: RetentionSettings,
    objective: dict[str, Any],
) -> "lgb.Booster":
    """Trees of one `objective`, LightGBM's words."""
    parameters = {**SHAPE, **objective, **fixed_parameters(settings.seed, settings.threads)}
    data = lgb.Dataset(
        matrix,
        target,
        feature_name=manifest.names,
        categorical_feature=manifest.categories,
        params=parameters,
    )
    return lgb.train(parameters, data, ROUNDS)
