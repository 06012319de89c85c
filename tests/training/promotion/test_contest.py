from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from domain.bundle import ModelCard
from domain.errors import BadInput
from domain.profit import ProfitSettings
from features.settings import LabelSettings
from tests.training.versions import card_of
from training.promotion.contest import Contest, hold_contest
from training.report import silent
from training.rows.frames import labelled_rows
from training.settings import RetentionSettings

GRID = "grid-00000000"


@dataclass
class Rival:
    """A model that says the same of everyone, and what its card says."""

    label: LabelSettings
    trained: date
    says: float = 0.1
    grid: str = GRID

    @property
    def card(self) -> ModelCard:
        settings = {"label": self.label.model_dump(mode="json")}
        return card_of(grid_version=self.grid, trained_as_of=(self.trained,), settings=settings)

    def probability(self, rows: pd.DataFrame, grid_version: str) -> Any:
        if self.says < 0:
            raise BadInput(f"rates of another grid than {grid_version}")
        return np.full(len(rows), self.says)


def held(small_bank: Any, folder: Path, ours: Rival, theirs: Rival | None) -> Contest:
    return hold_contest(
        small_bank.tables,
        small_bank.cells,
        ours,
        theirs,
        "",
        grid_version=GRID,
        label=small_bank.label,
        settings=RetentionSettings(evaluate_cutoffs=1),
        profit=ProfitSettings(),
        currency="CNY",
        folder=folder,
        progress=silent,
    )


def test_both_are_asked_about_everyone_at_the_latest_cutoff_whose_outcome_is_known(
    small_bank: Any, tmp_path: Path
) -> None:
    old = Rival(small_bank.label, date(2024, 10, 1), says=0.2)
    found = held(small_bank, tmp_path, Rival(small_bank.label, date(2024, 11, 1)), old)
    day = found.rows["as_of"].unique().tolist()
    assert day == [date(2025, 2, 1)]
    truth = labelled_rows(small_bank.tables, small_bank.cells, day, small_bank.label, silent).rows
    pd.testing.assert_series_equal(found.rows["churned"], truth["churned"])
    assert found.judged_on.startswith("2025-02-01 (closed, 60 + 10 + 60 days")
    assert found.champion is not None
    assert (set(found.challenger), set(found.champion)) == ({0.1}, {0.2})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"trained": date(2025, 2, 1)}, "it has seen outcomes of every cut-off that is known by"),
        ({"label": LabelSettings(kind="silent")}, "it was trained for another [label]"),
        ({"says": -1.0}, "rates of another grid than grid-00000000"),
    ],
)
def test_a_champion_that_cannot_be_asked_leaves_a_reason(
    change: dict[str, Any], said: str, small_bank: Any, tmp_path: Path
) -> None:
    old = Rival(**{"label": small_bank.label, "trained": date(2024, 10, 1), **change})
    found = held(small_bank, tmp_path, Rival(small_bank.label, date(2024, 11, 1)), old)
    assert found.champion is None
    assert said in found.why_not
    assert len(found.challenger) == len(found.rows) > 500


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"grid": "grid-0ther"}, "was trained on grid grid-0ther, and grid-00000000 is in force"),
        ({"label": LabelSettings(kind="silent")}, "another [label] than the configuration names"),
        ({"trained": date(2025, 2, 1)}, "no cut-off can judge this version: the outcomes that it"),
    ],
)
def test_a_challenger_that_cannot_be_judged_is_told_why(
    change: dict[str, Any], said: str, small_bank: Any, tmp_path: Path
) -> None:
    ours = Rival(**{"label": small_bank.label, "trained": date(2024, 11, 1), **change})
    with pytest.raises(BadInput) as told:
        held(small_bank, tmp_path, ours, None)
    assert said in str(told.value)
