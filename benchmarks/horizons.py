"""How to foretell lost by when, and the margin of the next year: what was tried, by figures.

    python -m benchmarks.horizons [--customers 4000] [--write]

Simulated banks. By horizon: a discrete-time hazard against a
model a horizon whose probabilities are lifted to those of shorter ones. The margin: how much by
gamma trees against trees of its logarithm with smearing (Duan, 1983) and the year before again.
All learn from earlier cut-offs and are judged on later ones. `--write` puts the tables into
docs/models.md.
"""

import argparse
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.page import write_figures
from features.engine import Tables, open_tables
from features.labels import lost_by
from features.margins import YEAR_DAYS, yearly_margins
from features.settings import LabelKind, LabelSettings, ValueSettings
from features.simulation import simulate
from training.boosting.search import classifier
from training.evaluation.metrics import (
    Estimate,
    Metric,
    customer_weights,
    evaluate,
    interval,
    metric_functions,
)
from training.outlook.ahead import MARGIN, Source
from training.outlook.horizons import fit_kind
from training.outlook.rows import features_of, truth_of
from training.outlook.value import coverage, fit_value, grown, set_aside
from training.report import silent
from training.settings import RetentionSettings

Floats = NDArray[np.float64]
DAYS = (30, 90, 180)
NAMES = [f"lost_{days}d" for days in DAYS]
KINDS: tuple[LabelKind, ...] = ("closed", "silent", "zero_balance", "balance_attrition")
SEEDS = (1,)  # of the banks
SETTINGS = RetentionSettings(train_cutoffs=4, bootstrap=200)
FIGURES = ("auc", "log_loss", "brier", "foretold_over_seen")
HEAD = (
    "| bank, kind | days | lost | AUC | minus | log-loss | minus | Brier | minus "
    "| foretold / seen | the other's |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
)
MONEY = (
    "| bank | how much by | mean, seen | foretold | mean absolute error | minus gamma's "
    "| root mean square error |\n|---|---|---:|---:|---:|---:|---:|\n"
)


def a_model_a_horizon(train: pd.DataFrame, later: pd.DataFrame) -> Floats:
    """Rows x horizons: what is rejected."""
    x, ids = features_of(train, NAMES), train["customer_id"].to_numpy()
    models = [classifier(SETTINGS).fit(x, train[name].to_numpy(), ids) for name in NAMES]
    found = [model.predict_proba(features_of(later, NAMES))[:, 1] for model in models]
    return np.maximum.accumulate(np.column_stack(found), axis=1)


def figures(y: Floats, p: Floats) -> dict[str, Metric]:
    """Those of the product, and how far the mean probability is from the share that was lost."""
    sums = lambda weight: float((weight * p).sum() / (weight * y).sum())  # noqa: E731
    return {**metric_functions(y, p), "foretold_over_seen": sums}


def by_horizon(title: str, source: Source, kinds: Sequence[LabelKind]) -> str:
    """A line a kind and horizon: the hazard, and the hazard minus the other."""
    label = LabelSettings()
    plan = source.plan(label.model_copy(update={"outcome_days": DAYS[-1]}))
    snapshot, lines = source.snapshot("horizons", plan), ""
    for kind in kinds:
        own = label.model_copy(update={"kind": kind})
        truth = truth_of(lost_by(source.tables, (*plan.train, *plan.evaluate), own, DAYS))
        train = source.rows(snapshot, plan.train, truth)
        later = source.rows(snapshot, plan.evaluate, truth)
        x, ids = features_of(train, NAMES), train["customer_id"]
        model = fit_kind(kind, x, train[NAMES], ids, DAYS, SETTINGS)
        hazard, other = (
            model.probability(features_of(later, NAMES)),
            a_model_a_horizon(train, later),
        )
        for at, days in enumerate(DAYS):
            y = later[NAMES[at]].to_numpy(np.float64)
            rivals = {"other": other[:, at]}
            ids = later["customer_id"]
            found = evaluate(y, hazard[:, at], ids, rivals, SETTINGS.bootstrap, 0, figures)
            ours, theirs, apart = (
                found.metrics,
                found.baselines["other"],
                found.differences["other"],
            )
            cells = [c for m in FIGURES[:3] for c in (f"{ours[m].value:.4f}", _apart(apart[m]))]
            cells += [f"{one['foretold_over_seen'].value:.2f}" for one in (ours, theirs)]
            lines += f"| {title}, {kind} | {days} | {y.mean():.1%} | {' | '.join(cells)} |\n"
    return lines


def _apart(one: Estimate) -> str:
    return f"{one.value:+.4f} ({one.low:+.4f} to {one.high:+.4f})"


def of_value(title: str, source: Source) -> tuple[str, str]:
    """Lines of the ways to foretell how much, and a line of the interval's coverage."""
    plan = source.plan(LabelSettings(observation_days=365, gap_days=0, outcome_days=YEAR_DAYS))
    rates, snapshot = ValueSettings(), source.snapshot("value", plan)
    truth = truth_of(yearly_margins(source.tables, (*plan.train, *plan.evaluate), rates))
    train = source.rows(snapshot, plan.train, truth)
    later = source.rows(snapshot, plan.evaluate, truth)
    x, margin = features_of(train, [MARGIN]), train[MARGIN].to_numpy(np.float64)
    model, seen = fit_value(x, margin, train["customer_id"], rates, SETTINGS), later[MARGIN]
    told = model.margins(features_of(later, [MARGIN]))
    # the same rows, trees and parameters, of the logarithm
    manifest = model.spec.manifest
    matrix, after = manifest.encode(x), manifest.encode(features_of(later, [MARGIN]))
    some = ~set_aside(train["customer_id"], SETTINGS) & (margin > 0)
    logs = np.log(margin[some])
    trees = grown(matrix[some], logs, manifest, SETTINGS, {"objective": "regression"})
    smearing = np.exp(logs - np.asarray(trees.predict(matrix[some]))).mean()
    there = np.asarray(model.trees["any"].predict(after))
    before = [day - timedelta(days=YEAR_DAYS) for day in plan.evaluate]
    ago = truth_of(yearly_margins(source.tables, before, rates))
    ago["as_of"] = ago["as_of"].map(dict(zip(before, plan.evaluate, strict=True)))
    again = later[["customer_id", "as_of"]].merge(ago, how="left", on=["customer_id", "as_of"])
    ways = {
        "gamma": told.expected,
        "logarithm with smearing": there * np.exp(np.asarray(trees.predict(after))) * smearing,
        "the year before again": again[MARGIN].fillna(margin.mean()).to_numpy(),
    }
    y, lines = seen.to_numpy(np.float64), ""
    errors = {name: np.abs(way - y) for name, way in ways.items()}
    for name, way in ways.items():
        apart = _paired(errors[name] - errors["gamma"], later["customer_id"])
        square = np.sqrt(((way - y) ** 2).mean())
        means = f"{y.mean():,.0f} | {way.mean():,.0f} | {errors[name].mean():,.0f}"
        minus = f"{apart.value:+,.0f} ({apart.low:+,.0f} to {apart.high:+,.0f})"
        lines += f"| {title} | {name} | {means} | {minus} | {square:,.0f} |\n"
    held = coverage(told, y, later["customer_id"], SETTINGS)
    return lines, (
        f"{title}: the 80 % interval held {held.value:.1%} ({held.low:.1%} to {held.high:.1%}) of "
        f"{len(y):,} margins after {', '.join(map(str, plan.evaluate))}.\n"
    )


def _paired(values: Floats, customers: pd.Series) -> Estimate:
    draws = customer_weights(customers, SETTINGS.bootstrap, 0)
    return interval(
        float(values.mean()), np.array([np.average(values, weights=weight) for weight in draws])
    )


def bank(customers: int, seed: int, folder: Path) -> Tables:
    """Three years of a bank."""
    simulate(folder, customers, 36, seed)
    return open_tables(folder, timezone="Asia/Shanghai")


def main() -> None:
    """Measure, and print or write the tables."""
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    words.add_argument("--customers", type=int, default=4000)
    words.add_argument("--write", action="store_true")
    said = words.parse_args()
    horizons, money, held = HEAD, MONEY, ""
    with tempfile.TemporaryDirectory() as temporary:
        for seed in SEEDS:
            title, folder = f"simulated {seed}", Path(temporary) / str(seed)
            tables = bank(said.customers, seed, folder)
            ids = tables.customers.select("customer_id").execute()["customer_id"]
            cells = pd.DataFrame({"customer_id": ids, "cell_id": "all"})
            here = folder / "work"
            here.mkdir()
            source = Source(tables, cells, SETTINGS, here, silent)
            horizons += by_horizon(title, source, KINDS)
            print(horizons, flush=True)
            lines, kept = of_value(title, source)
            money, held = money + lines, held + kept + "\n"
            print(money, held, flush=True)
    if said.write:
        write_figures("models.md", "horizons", f"{horizons}\n{money}\n{held}")


if __name__ == "__main__":
    main()
