"""Where a challenger and the champion meet: later cut-offs that neither learned from."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.bundle import ModelCard
from domain.cutoffs import month_starts
from domain.errors import BadInput
from domain.profit import ProfitSettings
from features.atomic import growing, new_folder
from features.engine import Tables
from features.labels import require_two_classes
from features.settings import LabelSettings
from training.evaluation.campaign import Campaign, campaign_at
from training.report import Progress, judged_on
from training.rows.dataset import TARGET, CutoffPlan
from training.rows.frames import data_days
from training.rows.store import read_sample, write_rows
from training.settings import RetentionSettings
from training.store.bundle import Reread

Floats = NDArray[np.float64]
ROWS = ".judging-"  # folder of the rows while the gate looks at them


class Contest(NamedTuple):
    """Labelled rows and what both models say of them; `why_not` where the champion says nothing."""

    rows: pd.DataFrame
    judged_on: str
    challenger: Floats
    champion: Floats | None
    why_not: str
    campaign: Campaign

    @property
    def y(self) -> Floats:
        """1 where the customer was lost."""
        return self.rows[TARGET].to_numpy(np.float64)

    @property
    def customers(self) -> int:
        """How many different customers the rows are of."""
        return int(self.rows["customer_id"].nunique())


def hold_contest(
    tables: Tables,
    cells: pd.DataFrame,
    challenger: Reread,
    champion: Reread | None,
    why_not: str,
    *,
    grid_version: str,
    label: LabelSettings,
    settings: RetentionSettings,
    profit: ProfitSettings,
    currency: str,
    folder: Path,
    progress: Progress,
) -> Contest:
    """Let both score the latest cut-offs whose outcome is known and that neither learned from.

    `cells` says the cell of each customer on `grid_version`; the rows lie under `folder` meanwhile.
    Raises BadInput when no such cut-off is there or the challenger is of another grid or label.
    """
    require_grid(challenger.card, grid_version)
    _require_label(challenger.card, label)
    rivals = [challenger] if champion is None else [challenger, champion]
    last = data_days(tables).last
    days = contest_cutoffs([one.card for one in rivals], last, label, settings)
    if not days and champion is not None:
        why_not = f"it has seen outcomes of every cut-off that is known by {last}"
        champion, days = None, contest_cutoffs([challenger.card], last, label, settings)
    if not days:
        raise BadInput(_too_early(challenger.card, last, label))
    with growing(folder, ROWS, new_folder) as scratch:
        stored = write_rows(tables, cells, CutoffPlan(days, ()), label, scratch, progress)
        rows = read_sample(stored.train, settings.judge_customers, stored.counts.customers)
        campaign = campaign_at(profit, currency, rows, stored.train)
    require_two_classes(rows)
    ours = challenger.probability(rows, grid_version)
    theirs, why_not = _of_champion(champion, rows, grid_version, label, why_not)
    return Contest(rows, judged_on(days, label), ours, theirs, why_not, campaign)


def contest_cutoffs(
    cards: Sequence[ModelCard], last_data: date, label: LabelSettings, settings: RetentionSettings
) -> tuple[date, ...]:
    """The latest month starts (or `retention.evaluate_as_of`) that may judge all `cards`."""
    ahead = timedelta(label.gap_days + label.outcome_days)
    earliest = max(card.trained_as_of[-1] for card in cards) + ahead
    latest = last_data + timedelta(1) - ahead
    named = sorted(set(settings.evaluate_as_of)) or month_starts(earliest, latest)
    possible = [day for day in named if earliest <= day <= latest]
    return tuple(possible[-settings.evaluate_cutoffs :])


def require_grid(card: ModelCard, grid_version: str) -> None:
    """BadInput unless the model is of the grid in force."""
    if card.grid_version != grid_version:
        raise BadInput(
            f"this version was trained on grid {card.grid_version}, and {grid_version} is in "
            f"force: its profile is of other cells; run `gridkeep train {card.name}`"
        )


def _require_label(card: ModelCard, label: LabelSettings) -> None:
    if card.settings.get("label") != label.model_dump(mode="json"):
        raise BadInput(
            "this version was trained for another [label] than the configuration names; run "
            f"`gridkeep train {card.name}`, or put the label back"
        )


def _of_champion(
    champion: Reread | None,
    rows: pd.DataFrame,
    grid_version: str,
    label: LabelSettings,
    why_not: str,
) -> tuple[Floats | None, str]:
    if champion is None:
        return None, why_not
    if champion.card.settings.get("label") != label.model_dump(mode="json"):
        return None, "it was trained for another [label]"
    try:
        return champion.probability(rows, grid_version), ""
    except BadInput as error:
        return None, str(error)


def _too_early(card: ModelCard, last_data: date, label: LabelSettings) -> str:
    ahead = timedelta(label.gap_days + label.outcome_days)
    return (
        f"no cut-off can judge this version: the outcomes that it learned from end on "
        f"{card.trained_as_of[-1] + ahead}, and no month that begins from then on has an outcome "
        f"that is known by {last_data}; wait for later data"
    )
