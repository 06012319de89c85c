"""A population whose truth is known, a small bank, and a trained store."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

import features.run
from features.engine import Tables, open_tables
from features.settings import LabelSettings
from features.simulation import simulate
from features.statements import Statements, compiled
from features.steps import Step
from training.report import TrainReport
from training.settings import RetentionSettings, SegmentationSettings, TrackingSettings
from training.tracking import Store
from training.train import train_retention, train_segmentation

QUICK = RetentionSettings(rounds=60, bootstrap=30, cell_auc_customers=60, threads=1)


class Population(NamedTuple):
    """Features, class, and the probability that the class was drawn with."""

    X: pd.DataFrame
    y: np.ndarray
    p: np.ndarray


def population(rows: int, seed: int = 1) -> Population:
    """Rows of a logistic truth over a number with gaps, a count, a category and noise."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "recency_days": random.exponential(20, rows),
            "transactions_90d": random.poisson(10, rows).astype(float),
            "customer_kind": random.choice(np.array(["person", "business", None]), rows),
            "noise": random.normal(size=rows),
        }
    )
    odds = -3 + 0.05 * frame["recency_days"] - 0.08 * frame["transactions_90d"]
    odds = odds + np.where(frame["customer_kind"] == "business", 1.2, 0.0)
    p = (1 / (1 + np.exp(-odds))).to_numpy()
    frame.loc[random.random(rows) < 0.1, "noise"] = np.nan
    return Population(frame, (random.random(rows) < p).astype(int), p)


@pytest.fixture(scope="session")
def draw_population() -> Callable[..., Population]:
    return population


class CompiledOnce:
    """The statements of a feature run, compiled when a bank and its cut-offs are new."""

    def __init__(self) -> None:
        self._kept: dict[object, tuple[list[Step], str]] = {}

    def __call__(self, told: Statements, tables: Tables, names: Sequence[str]) -> str:
        """What `features.statements.compiled` does."""
        asked = (tables.folder, told.panes, tuple(names))
        if asked in self._kept:
            steps, text = self._kept[asked]
            for step in steps:
                told.add(step)
            return text
        text = compiled(told, tables, names)
        self._kept[asked] = (list(told.steps), text)
        return text


class SmallBank(NamedTuple):
    tables: Tables
    cells: pd.DataFrame
    label: LabelSettings


@pytest.fixture(scope="session")
def small_bank(tmp_path_factory: pytest.TempPathFactory) -> SmallBank:
    folder = tmp_path_factory.mktemp("bank")
    simulate(folder, 900, 16, 5)
    customers = pd.read_parquet(folder / "customers.parquet")
    cells = pd.DataFrame(
        {"customer_id": customers["customer_id"], "cell_id": customers["outlet_id"].fillna("none")}
    )
    label = LabelSettings(kind="closed", observation_days=60, gap_days=10, outcome_days=60)
    return SmallBank(open_tables(folder, timezone="Asia/Shanghai"), cells, label)


@pytest.fixture
def store(blank: Path, tmp_path: Path) -> Store:
    """A model store below `tmp_path`."""
    shutil.copytree(blank / "mlruns", tmp_path / "mlruns")
    return Store(TrackingSettings(), tmp_path)


@pytest.fixture(scope="session")
def train(small_bank: SmallBank, blank: Path) -> Callable[..., TrainReport]:
    """Trains into the store below a folder; keyword arguments change the settings."""
    once = CompiledOnce()

    def run(
        name: str, folder: Path, cells: pd.DataFrame = small_bank.cells, **changes: object
    ) -> TrainReport:
        if not (folder / "mlruns").exists():
            shutil.copytree(blank / "mlruns", folder / "mlruns")
        shared = {
            "grid_version": "grid-00000000",
            "tracking": TrackingSettings(),
            "folder": folder,
            "data_hashes": {"transactions": "f00d"},
        }
        if name == "segmentation":
            settings = SegmentationSettings(rounds=20, bootstrap=30, threads=1)
            with patch.object(features.run, "compiled", once):
                return train_segmentation(small_bank.tables, cells, settings=settings, **shared)
        with patch.object(features.run, "compiled", once):
            return train_retention(
                small_bank.tables,
                cells,
                label=small_bank.label,
                settings=QUICK.model_copy(
                    update={"train_cutoffs": 2, "evaluate_cutoffs": 1, **changes}
                ),
                **shared,
            )

    return run
