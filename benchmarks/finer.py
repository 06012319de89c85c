"""The usual and the finer trees of the retention model on simulated banks, by how many were lost.

    python -m benchmarks.finer [--seeds 3] [--write]

Each bank goes the road as far as the rows to learn from. Both kinds of trees learn from them, with
so many seeds, and foretell the cut-offs that judge; figures are means over seeds. `--write` puts
the table into docs/models.md.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.page import write_figures
from benchmarks.real_data import gridkeep, started
from benchmarks.truth import TRUE, correlation, with_truth
from features.manifest import FeatureManifest
from gridkeep.config import load_config
from gridkeep.workspace import cells_of, clean_tables
from training.boosting.parameters import FINER, SHRINKAGE
from training.evaluation.metrics import metric_functions
from training.report import silent
from training.retention import RetentionClassifier
from training.rows.dataset import TARGET, cutoff_plan, feature_names
from training.rows.frames import data_days, labelled_rows

BANKS = ((600, 16, 5), (1500, 18, 7), (8000, 24, 1), (30000, 24, 3))  # customers, months, seed


class FinerTrees(RetentionClassifier):
    """The finer trees, whoever is lost."""

    def parameters(self, rows: int, manifest: FeatureManifest) -> dict[str, Any]:
        return super().parameters(rows, manifest) | FINER


KINDS = {"usual": RetentionClassifier, "finer": FinerTrees}


class Rows(NamedTuple):
    """What is learned from, and what judges with the true probability."""

    train: pd.DataFrame
    later: pd.DataFrame
    names: list[str]


def rows_of(customers: int, months: int, seed: int, home: Path) -> Rows:
    """The rows of a simulated bank."""
    size = ("--customers", str(customers), "--months", str(months), "--seed", str(seed))
    done = started(home, "simulate", "--out", ".", *size)
    if done.returncode:
        raise RuntimeError(done.stderr)
    for words in (("check",), ("partition",)):
        gridkeep(home, started, *words)
    config = load_config(home / "gridkeep.toml")
    tables = clean_tables(config, silent)
    plan = cutoff_plan(*data_days(tables), config.label, config.retention)
    days = (*plan.train, *plan.evaluate)
    rows = labelled_rows(tables, cells_of(config, tables), days, config.label, silent).rows
    names = [name for name in feature_names(rows) if name not in config.retention.protected]
    later = with_truth(rows[rows["as_of"].isin(plan.evaluate)], home)
    return Rows(rows[rows["as_of"].isin(plan.train)], later, names)


def figures(rows: Rows, kind: type[RetentionClassifier], seed: int) -> list[float]:
    """AUC, log-loss and correlation with the truth on the rows that judge; rounds."""
    model = kind(lambda_l2=SHRINKAGE, seed=seed)
    model.fit(rows.train[rows.names], rows.train[TARGET], rows.train["customer_id"])
    foretold = model.predict_proba(rows.later[rows.names])[:, 1]
    every = np.ones(len(foretold))
    judge = metric_functions(rows.later[TARGET].to_numpy(np.float64), foretold)
    near = correlation(foretold, rows.later[TRUE].to_numpy(np.float64), every)
    return [judge["auc"](every), judge["log_loss"](every), near, float(model.rounds_)]


def table(seeds: int) -> str:
    """One row per bank and kind of trees."""
    text = (
        "| rows to learn from | lost | trees | AUC | log-loss | correlation with the truth "
        "| rounds |\n|---:|---:|---|---:|---:|---:|---:|\n"
    )
    for bank in BANKS:
        with tempfile.TemporaryDirectory() as folder:
            rows = rows_of(*bank, Path(folder))
        lost = int(rows.train[TARGET].sum())
        for name, kind in KINDS.items():
            found = np.mean([figures(rows, kind, seed) for seed in range(seeds)], axis=0)
            auc, loss, near, rounds = found
            text += (
                f"| {len(rows.train):,} | {lost:,} | {name} | {auc:.3f} | {loss:.4f} | {near:.3f} "
                f"| {rounds:.0f} |\n"
            )
    return text


def main() -> None:
    """Print or write the table."""
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--write", action="store_true")
    said = words.parse_args()
    text = table(said.seeds)
    print(text)
    if said.write:
        write_figures("models.md", "finer", text)


if __name__ == "__main__":
    main()
