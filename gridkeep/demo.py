"""`gridkeep demo`: a simulated bank through every step, and what it found against the truth."""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from domain.cutoffs import months_before
from domain.errors import BadInput
from features.grid_store import read_grid
from features.simulation import SimulationSummary, simulate
from gridkeep import results, verbs
from gridkeep.checked import Checked
from gridkeep.config import Config, load_config
from gridkeep.grid_results import Partitioned

TOUCHED_SHARE = 0.3  # of a cell's customers: from here on the truth calls the cell drifted
MONTHS_WATCHED = 3

CONFIG = """
[grid]
floor = 200

[tracking]
uri = "sqlite:///{store}"
"""

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Watched:
    """One month of monitoring beside the truth: cells planted, flagged, and both.

    A planted cell that is tested in a pool of small cells counts as pooled, not as found.
    """

    as_of: date
    cells: int  # tested alone
    planted: int
    pooled: int
    flagged: int
    found: int
    bank_columns: tuple[str, ...]
    index: Path


@dataclass(frozen=True)
class Demonstration:
    """What the demo made and found."""

    config: Path
    simulated: SimulationSummary
    checked: Checked
    partitioned: Partitioned
    retention: results.Trained
    segmentation: results.Trained
    scored: results.Scored
    oracle_auc: float
    watched: tuple[Watched, ...]

    def lines(self) -> Sequence[str]:
        """The story, and which command opens what."""
        model = self.retention.report.metrics["auc"]
        parts = [
            ["", *results.Simulated(self.simulated).lines()[:1]],
            self.partitioned.lines(),
            self.retention.lines(),
            [f"AUC {model.value:.3f}; of the true probability itself {self.oracle_auc:.3f}"],
            self.segmentation.lines(),
            self.scored.lines(),
            [line for month in self.watched for line in _watched(month)],
            self._next(),
        ]
        return [line for part in parts for line in [*part, ""]]

    def _next(self) -> Sequence[str]:
        at = f"--config {self.config}"
        day = self.scored.as_of.isoformat()
        return [
            "what to open next",
            f"  the drift page            {self.watched[-1].index}",
            f"  the map of the grid       {self.partitioned.folder / 'index.html'}",
            f"  the data-quality page     {self.checked.page}",
            f"  the scores                {self.scored.summary.out}",
            f"  the card of the model     {results.near(self.retention.card)}",
            f"  plots of the models       .venv/bin/gridkeep ui {at}",
            f"  scores over HTTP          .venv/bin/gridkeep serve {at} --as-of {day}",
            "  how to retrain            notebooks/01_retrain.ipynb",
        ]


def run_demo(
    out: Path, customers: int, months: int, seed: int, progress: Progress
) -> Demonstration:
    """Every step on a simulated bank under `out`; models go to `mlruns/` of this folder."""
    simulated = _simulated(out, customers, months, seed, progress)
    config = load_config(out / "gridkeep.toml")
    checked = verbs.check_sources(config, None, progress)
    partitioned = verbs.partition_bank(config, simulated.first_day, progress)
    retention = verbs.train_model(config, "retention", 0, progress)
    segmentation = verbs.train_model(config, "segmentation", 0, progress)
    last = simulated.end_day
    scored = verbs.score_bank(config, last, out / "scores.parquet", progress)
    days = [months_before(last, back) for back in reversed(range(MONTHS_WATCHED))]
    return Demonstration(
        out / "gridkeep.toml",
        simulated,
        checked,
        partitioned,
        retention,
        segmentation,
        scored,
        _oracle_auc(config, retention.report.evaluated_as_of),
        tuple(_watch(config, day, progress) for day in days),
    )


def _simulated(
    out: Path, customers: int, months: int, seed: int, progress: Progress
) -> SimulationSummary:
    """The bank, with a configuration that keeps the models in `mlruns/` of this folder."""
    foreign = out.exists() and any(out.iterdir()) and not (out / "truth" / "drift.json").exists()
    if foreign:
        raise BadInput(f"{out} holds other files; name another folder with --out")
    (out / "gridkeep.toml").unlink(missing_ok=True)
    shutil.rmtree(out / "grids", ignore_errors=True)  # versions of another bank
    found = simulate(out, customers, months, seed, progress=progress)
    store = os.path.relpath(Path("mlruns") / "mlflow.db", out)
    with (out / "gridkeep.toml").open("a", encoding="utf-8") as file:
        file.write(CONFIG.format(store=Path(store).as_posix()))
    return found


def _watch(config: Config, day: date, progress: Progress) -> Watched:
    report = verbs.monitor_cells(config, day, None, progress).report
    planted = _planted_cells(config, day)
    pooled = {cell for cells in report.pools.values() for cell in cells}
    flagged = set(report.flagged_cells)
    return Watched(
        day,
        report.tested_alone,
        len(planted),
        len(planted & pooled),
        len(flagged),
        len(flagged & planted),
        report.bank_columns,
        report.index,
    )


def _planted_cells(config: Config, day: date) -> set[str]:
    """Cells in which TOUCHED_SHARE of the customers live where the truth planted a drift."""
    truth = config.home / "truth"
    drift: Mapping[str, Any] = json.loads((truth / "drift.json").read_text(encoding="utf-8"))
    places = {
        one["place"] for one in drift["places"] if date.fromisoformat(one["from_month"]) < day
    }
    people = pd.read_parquet(truth / "customers_places.parquet", columns=["customer_id", "place"])
    placed = read_grid(config.layout).assignment.merge(people, on="customer_id")
    touched = placed.place.isin(places).groupby(placed.cell_id).mean().to_dict()
    return {str(cell) for cell, share in touched.items() if share >= TOUCHED_SHARE}


def _oracle_auc(config: Config, days: Sequence[date]) -> float:
    """AUC of the simulation's true probability on the same label and cut-offs."""
    from sklearn.metrics import roc_auc_score

    from features.engine import open_tables
    from features.labels import churn_labels

    tables = open_tables(config.layout.tables, config.engine, config.bank.timezone)
    labels = churn_labels(tables, list(days), config.label).execute()
    truth = pd.read_parquet(config.home / "truth" / "customer_months.parquet")
    truth = truth.rename(columns={"month": "as_of"})
    for frame in (labels, truth):
        frame["as_of"] = pd.to_datetime(frame["as_of"])
    both = labels.merge(truth, on=["customer_id", "as_of"])
    return float(roc_auc_score(both.churned, both.leave_90d_after_30d_probability))


def _watched(month: Watched) -> Sequence[str]:
    alone = month.planted - month.pooled
    pooled = f" ({month.pooled} more in pools of small cells)" if month.pooled else ""
    bank = f"; the bank as a whole: {', '.join(month.bank_columns)}" if month.bank_columns else ""
    return [
        f"drift at {month.as_of}: {month.flagged} of {month.cells} cells flagged; planted {alone}"
        f"{pooled}, found {month.found}, missed {alone - month.found}; "
        f"{month.flagged - month.found} others flagged{bank}"
    ]
