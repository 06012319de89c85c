"""The retention model beside others, on the same folds of three public sets of customers.

    python -m benchmarks.model_quality --data FOLDER

Every model is fitted on one thread, with its defaults; the tuned one has as much CPU as ours. What
is done is kept in benchmarks/results/ and not done again. `--tried` measures what was tried on our
own model instead. `--write` puts the tables into docs/models.md. It says how to get the peers.
"""

import argparse
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.model_peers import FIRST, PEERS
from benchmarks.model_runs import KEPT, Found, Job, read, run
from benchmarks.model_sets import REPEATS, SETS, Customers, splits
from benchmarks.page import write_figures
from training.evaluation.metrics import Estimate, customer_weights, interval, metric_functions

Floats = NDArray[np.float64]
BINS = 10
HIGHER = {"auc": 1, "average_precision": 1, "log_loss": -1, "brier": -1, "lift_top_tenth": 1}
METRICS = {**HIGHER, "calibration_error": -1}
HEADS = ("AUC", "average precision", "log-loss", "Brier", "lift in top tenth", "calibration error")
INSTALL = "  .venv/bin/uv sync --locked --inexact --group peers --python .venv/bin/python"


class Judged(NamedTuple):
    """One model on one set: (folds, 1 + draws) of each metric, and what it took."""

    folds: tuple[str, ...]
    values: dict[str, Floats]
    found: tuple[Found, ...]


def calibration_error(y: Floats, p: Floats, weight: Floats) -> float:
    """Mean distance of the foretold from the seen, in tenths of the rows by what is foretold.

    >>> calibration_error(np.array([0.0, 1.0]), np.array([0.1, 0.8]), np.ones(2))
    0.15
    """
    tenth = np.empty(len(p), dtype=np.intp)
    tenth[np.argsort(p, kind="stable")] = np.arange(len(p)) * BINS // len(p)
    apart = np.bincount(tenth, weight * (p - y))
    return round(float(np.abs(apart).sum() / weight.sum()), 12)


def judged(customers: Customers, results: Mapping[str, Found], weights: Sequence[Floats]) -> Judged:
    """Every metric of every fold, on all rows and on each resample of the customers."""
    tests = {split.name: split.test for split in splits(customers)}
    values = {name: np.empty((len(results), len(weights))) for name in METRICS}
    for row, (fold, found) in enumerate(results.items()):
        y, p = customers.y[tests[fold]], np.array(found.probability)
        functions = metric_functions(y, p)
        for at, weight in enumerate(weights):
            here = weight[tests[fold]]
            for name, function in functions.items():
                values[name][row, at] = function(here)
            values["calibration_error"][row, at] = calibration_error(y, p, here)
    return Judged(tuple(results), values, tuple(results.values()))


def difference(one: Judged, other: Judged, metric: str) -> Estimate:
    """The mean difference over the folds that both have, and its paired interval."""
    both = [fold for fold in one.folds if fold in other.folds]
    rows = [[model.folds.index(fold) for fold in both] for model in (one, other)]
    apart = one.values[metric][rows[0]].mean(axis=0) - other.values[metric][rows[1]].mean(axis=0)
    return interval(float(apart[0]), apart[1:])


def table(title: str, models: Mapping[str, Judged], tried: bool) -> str:
    """Each model's figures, and ours minus each of the others'."""
    costs = ("trees", "us a reason") if tried else ("fit, s", "us a row")
    lines = [f"### {title}\n", f"| | {' | '.join([*HEADS, *costs])} |", "|---|" + "---:|" * 8]
    lines += [f"| {name} | {' | '.join(_figures(one, tried))} |" for name, one in models.items()]
    first, *others = models
    lines += ["", f"| {first} minus | {' | '.join(HEADS)} |", "|---|" + "---:|" * 6]
    for name in others:
        told = [_told(difference(models[first], models[name], metric)) for metric in METRICS]
        lines.append(f"| {name} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


def _figures(one: Judged, tried: bool) -> list[str]:
    values = [f"{one.values[name][:, 0].mean():.4f}" for name in METRICS]
    fit, predict, trees, reason = (
        np.mean([getattr(found, name) for found in one.found])
        for name in ("fit_seconds", "predict_us", "trees", "reason_us")
    )
    costs = [f"{trees:.0f}", f"{reason:.0f}"] if tried else [f"{fit:.1f}", f"{predict:.1f}"]
    return values + costs


def _told(one: Estimate) -> str:
    return f"{one.value:+.4f} ({one.low:+.4f} to {one.high:+.4f})"


def verdict(title: str, models: Mapping[str, Judged]) -> str:
    """Where ours is better or worse than another beyond the interval, in words."""
    first, *others = models
    better: list[str] = []
    worse: list[str] = []
    for name in others:
        for (metric, sign), head in zip(METRICS.items(), HEADS, strict=True):
            apart = difference(models[first], models[name], metric)
            if apart.low > 0 or apart.high < 0:
                (better if sign * apart.value > 0 else worse).append(f"{name} in {head}")
    return (
        f"{title}, beyond the interval: worse than {', '.join(worse) or 'none'}; "
        f"better than {', '.join(better) or 'none'}.\n"
    )


def jobs(data: Path, kept: Path, tasks: Sequence[str], repeats: int, tried: bool) -> list[Job]:
    """What is to be done: fold by fold, the models that take long at the end."""
    from benchmarks.model_tried import MANY_WORDS, TRIED

    every = []
    for task in tasks:
        folds = [split.name for split in splits(SETS[task](data), repeats)]
        words = tried and task in MANY_WORDS
        group, models = ("tried", tuple(TRIED)) if tried else ("peers", tuple(PEERS))
        for fold in folds:
            once = tuple(m for m in models if fold in FIRST.get(m, (fold,)))
            every.append(Job(data, kept, task, words, fold, group, once))
    return every


def told(some: Sequence[Job], draws: int, tried: bool) -> str:
    """The tables of everything that is kept."""
    parts = []
    for task in dict.fromkeys(job.task for job in some):
        mine = [job for job in some if job.task == task]
        customers = SETS[task](mine[0].data, mine[0].many_words)
        rows = pd.Series(range(len(customers.y)))
        weights = [np.ones(len(rows)), *customer_weights(rows, draws, 0)]
        models = {}
        for name in mine[0].models:
            found = {job.fold: read(job, name) for job in mine}
            known = {fold: one for fold, one in found.items() if one is not None}
            models[name] = judged(customers, known, weights)
        title = f"{task} ({len(rows):,} customers, {len(mine)} folds)"
        parts.append(f"{table(title, models, tried)}\n{verdict(task, models)}")
    return "\n".join(parts)


def main() -> None:
    """Measure what is not yet kept, print, and write where asked."""
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("--data", type=Path, required=True)
    words.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    words.add_argument("--repeats", type=int, help=f"of {REPEATS}; with --tried 1")
    words.add_argument("--draws", type=int, default=200)
    words.add_argument("--processes", type=int, default=2)
    words.add_argument("--kept", type=Path, default=KEPT)
    words.add_argument("--tried", action="store_true")
    words.add_argument("--write", action="store_true")
    said = words.parse_args()
    absent = [name for name in ("catboost", "interpret") if not importlib.util.find_spec(name)]
    if absent and not said.tried:
        raise SystemExit(f"not installed: {', '.join(absent)}. Install the peers with\n{INSTALL}")
    repeats = said.repeats or (1 if said.tried else REPEATS)
    some = jobs(said.data.resolve(), said.kept, said.sets, repeats, said.tried)
    for done in run(some, said.processes):
        print(done, flush=True)
    text = told(some, said.draws, said.tried)
    if said.write:
        write_figures("models.md", "model_quality" + (" --tried" if said.tried else ""), text)
    print(text)


if __name__ == "__main__":
    main()
