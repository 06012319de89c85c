"""The retention model against the truth of simulated banks: the probability customers leave with.

    python -m benchmarks.truth [--customers 8000] [--months 24] [--seeds 1 2] [--write]

Each bank goes the road as far as `train retention`; the model, its baselines and the true
probability meet on the cut-offs that judge. A true probability is the best that anybody could
foretell: what it misses is chance. `--write` puts the tables into docs/models.md.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from benchmarks.page import write_figures
from benchmarks.real_data import gridkeep, started
from gridkeep.config import load_config
from gridkeep.workspace import cells_of, clean_tables
from training.evaluation.baselines import baselines
from training.evaluation.metrics import (
    Estimate,
    Floats,
    Metric,
    evaluate,
    metric_functions,
)
from training.report import silent
from training.rows.dataset import TARGET, cutoff_plan, feature_names
from training.rows.frames import data_days, labelled_rows
from training.store.bundle import read_retention
from training.tracking import Store

TRUE = "leave_90d_after_30d_probability"
SHOWN = {
    "auc": "AUC",
    "log_loss": "log-loss",
    "correlation": "correlation with the true probability",
    "rank_correlation": "of ranks",
    "distance": "root mean square distance from it",
    "ratio": "mean foretold over mean true",
}
DRAWS = 200


class Judged(NamedTuple):
    """Customers at the cut-offs that judge: what came, who, the true probability, the scores."""

    y: Floats
    customers: pd.Series
    truth: Floats
    scores: Mapping[str, Floats]  # the model first


def bank(customers: int, months: int, seed: int, home: Path) -> Judged:
    """A bank of that size, with a model trained on it."""
    size = ("--customers", str(customers), "--months", str(months), "--seed", str(seed))
    done = started(home, "simulate", "--out", ".", *size)
    if done.returncode:
        raise RuntimeError(done.stderr)
    for words in (("check",), ("partition",), ("train", "retention")):
        gridkeep(home, started, *words)
    return judged(home)


def judged(home: Path) -> Judged:
    config = load_config(home / "gridkeep.toml")
    tables = clean_tables(config, silent)
    plan = cutoff_plan(*data_days(tables), config.label, config.retention)
    days = (*plan.train, *plan.evaluate)
    rows = labelled_rows(tables, cells_of(config, tables), days, config.label, silent).rows
    train = rows[rows["as_of"].isin(plan.train)]
    later = with_truth(rows[rows["as_of"].isin(plan.evaluate)], home)
    names = feature_names(train)
    theirs = {
        name: rule.fit(train[names], train[TARGET].to_numpy(np.float64)).probability(later[names])
        for name, rule in baselines(train[names]).items()
    }
    y, truth = later[TARGET].to_numpy(np.float64), later[TRUE].to_numpy(np.float64)
    scores = {"gridkeep": champion(config, home, later), **theirs, "the truth": truth}
    return Judged(y, later["customer_id"], truth, scores)


def with_truth(later: pd.DataFrame, home: Path) -> pd.DataFrame:
    truth = pd.read_parquet(home / "truth" / "customer_months.parquet")
    truth = truth.rename(columns={"month": "as_of"})[["customer_id", "as_of", TRUE]]
    both = [frame.assign(as_of=pd.to_datetime(frame["as_of"])) for frame in (later, truth)]
    return both[0].merge(both[1], on=["customer_id", "as_of"], validate="one_to_one")


def champion(config: object, home: Path, later: pd.DataFrame) -> Floats:
    store = Store(config.tracking, home)
    with tempfile.TemporaryDirectory() as folder:
        model = read_retention(*store.fetch_bundle(store.champion("retention"), Path(folder)))
    return model.probability(later, model.card.grid_version)


def against(truth: Floats, y: Floats, probability: Floats) -> dict[str, Metric]:
    """Figures of one set of probabilities as functions of row weights."""
    ranks, of_truth = rankdata(probability), rankdata(truth)
    return {
        **metric_functions(y, probability),
        "correlation": lambda w: correlation(probability, truth, w),
        "rank_correlation": lambda w: correlation(ranks, of_truth, w),
        "distance": lambda w: float(np.sqrt(np.average((probability - truth) ** 2, weights=w))),
        "ratio": lambda w: float((w * probability).sum() / (w * truth).sum()),
    }


def correlation(one: Floats, other: Floats, weight: Floats) -> float:
    """Weighted correlation; 1 of a score with itself."""
    one, other = (x - np.average(x, weights=weight) for x in (one, other))
    together = (weight * one * other).sum()
    return float(together / np.sqrt((weight * one**2).sum() * (weight * other**2).sum()))


def figures(found: Judged, draws: int = DRAWS) -> pd.DataFrame:
    """One row per figure, one column per score: its value with the interval over customers."""
    model, *others = found.scores
    result = evaluate(
        found.y,
        found.scores[model],
        found.customers,
        {name: found.scores[name] for name in others},
        draws,
        0,
        lambda y, p: against(found.truth, y, p),
    )
    table = {model: result.metrics, **result.baselines}
    return pd.DataFrame({who: {SHOWN[m]: told(of[m]) for m in SHOWN} for who, of in table.items()})


def told(one: Estimate) -> str:
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


def tenths(found: Judged) -> pd.DataFrame:
    """One row per tenth of the customers by what the model foretells, in percent."""
    ours = found.scores["gridkeep"]
    known = pd.DataFrame({"foretold": ours, "true": found.truth, "came true": found.y})
    place = pd.Series(np.argsort(np.argsort(ours, kind="stable"))) * 10 // len(ours) + 1
    return (100 * known.groupby(place.rename("tenth")).mean()).round(2)


def parts(size: tuple[int, int], seeds: list[int]) -> Iterator[str]:
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            found = bank(*size, seed, Path(folder))
        rows, lost = len(found.y), int(found.y.sum())
        yield f"**Seed {seed}: {rows:,} rows that judge, {lost:,} lost**\n"
        yield markdown(figures(found), "figure")
        share = {who: metric_functions(found.y, p)["auc"] for who, p in found.scores.items()}
        auc = {who: of(np.ones(rows)) for who, of in share.items()}
        reached = (auc["gridkeep"] - 0.5) / (auc["the truth"] - 0.5)
        yield f"Of the AUC above chance that can be had, the model has {reached:.0%}.\n"
        yield markdown(tenths(found), "tenth, percent")


def markdown(table: pd.DataFrame, corner: str) -> str:
    head = f"| {corner} | {' | '.join(table.columns)} |\n|---|{'---:|' * len(table.columns)}\n"
    rows = (f"| {at} | {' | '.join(map(str, row))} |\n" for at, *row in table.itertuples())
    return head + "".join(rows)


def main() -> None:
    """Print or write the tables."""
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    words.add_argument("--customers", type=int, default=8000)
    words.add_argument("--months", type=int, default=24)
    words.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    words.add_argument("--write", action="store_true")
    said = words.parse_args()
    text = "\n".join(parts((said.customers, said.months), said.seeds))
    print(text)
    if said.write:
        write_figures("models.md", "truth", text)


if __name__ == "__main__":
    main()
