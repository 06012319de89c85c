"""What a training of the retention model adds for the time ahead, where it is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from domain.errors import BadInput
from features.engine import Tables
from features.labels import lost_by
from features.margins import YEAR_DAYS, yearly_margins
from features.settings import LabelKind, LabelSettings, ValueSettings
from training.evaluation import plots
from training.outlook.horizons import fit_kind, judged_kind, metrics_of
from training.outlook.rows import features_of, rows_at, truth_of, write_snapshot
from training.outlook.value import fit_value, judged_value
from training.report import Progress, write_tables
from training.rows.dataset import CutoffPlan, cutoff_plan
from training.rows.frames import data_days
from training.settings import RetentionSettings

MARGIN = "margin"


@dataclass(frozen=True)
class Outlook:
    """Files of the bundle, tables of the evaluation, figures of the card, notes; or nothing."""

    files: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __add__(self, other: "Outlook") -> "Outlook":
        """Both together."""
        return Outlook(
            {**self.files, **other.files},
            {**self.tables, **other.tables},
            {**self.metrics, **other.metrics},
            self.notes + other.notes,
        )


class Source(NamedTuple):
    """The bank to look at: tables, cells, settings, and a folder for working files."""

    tables: Tables
    cells: pd.DataFrame
    settings: RetentionSettings
    folder: Path
    progress: Progress

    def plan(self, label: LabelSettings) -> CutoffPlan:
        """The cut-offs for a label, whichever are named for that of [label]."""
        free = self.settings.model_copy(update={"train_as_of": (), "evaluate_as_of": ()})
        return cutoff_plan(*data_days(self.tables), label, free)

    def snapshot(self, name: str, plan: CutoffPlan) -> Path:
        """Features at the cut-offs of a plan."""
        days, file = (*plan.train, *plan.evaluate), self.folder / f"{name}.parquet"
        return write_snapshot(self.tables, self.cells, days, file, self.progress)

    def rows(self, snapshot: Path, days: Sequence[date], truth: pd.DataFrame) -> pd.DataFrame:
        """Rows of the customers whom `truth` knows, of no more than `judge_customers` of them."""
        share = min(1.0, self.settings.judge_customers / max(truth["customer_id"].nunique(), 1))
        return rows_at(snapshot, days, truth, share, self.settings.seed)


def write_outlook(ahead: Outlook, out: Path) -> list[Path]:
    """`evaluation/horizons.csv` and `evaluation/value.csv` below `out`, and the picture of one."""
    write_tables(out / "evaluation", ahead.tables)
    if "horizons" not in ahead.tables:
        return []
    return [plots.horizons(ahead.tables["horizons"], out / "plots" / "horizons.png")]


def look_ahead(source: Source, label: LabelSettings, value: ValueSettings) -> Outlook:
    """Models of [retention] horizons and of [value], judged; what cannot be learned is a note."""
    found = Outlook()
    if source.settings.horizons:
        found += _by_horizon(source, label)
    if value.learn:
        found += _of_value(source, value)
    return found


def _by_horizon(source: Source, label: LabelSettings) -> Outlook:
    """Embargo: every horizon of a training cut-off is over when the first that judges begins."""
    days = source.settings.horizons
    try:
        plan = source.plan(label.model_copy(update={"outcome_days": days[-1]}))
    except BadInput as error:
        return Outlook(notes=(f"no model by horizon: {error}",))
    snapshot = source.snapshot("horizons", plan)
    kinds = source.settings.horizon_kinds or (label.kind,)
    found = [_of_kind(source, snapshot, plan, label, kind) for kind in kinds]
    judged = [one.tables["horizons"] for one in found if one.tables]
    together = sum(found, Outlook())
    if not judged:
        return together
    table = pd.concat(judged, ignore_index=True)
    return together + Outlook({}, {"horizons": table}, metrics_of(table))


def _of_kind(
    source: Source, snapshot: Path, plan: CutoffPlan, label: LabelSettings, kind: LabelKind
) -> Outlook:
    settings, days = source.settings, source.settings.horizons
    source.progress(f"learning who is lost by when ({kind})", 1.0)
    names = [f"lost_{horizon}d" for horizon in days]
    own = label.model_copy(update={"kind": kind})
    truth = truth_of(lost_by(source.tables, (*plan.train, *plan.evaluate), own, days))
    train = source.rows(snapshot, plan.train, truth)
    later = source.rows(snapshot, plan.evaluate, truth)
    lost = train.loc[train[names[-1]] == 1, "customer_id"].nunique()
    if lost < settings.min_positives:
        return Outlook(notes=(f"no model by horizon of {kind}: {lost} customers were lost",))
    x, ids = features_of(train, [*names, *settings.protected]), train["customer_id"]
    try:
        model = fit_kind(kind, x, train[names], ids, days, settings)
    except BadInput as error:
        return Outlook(notes=(f"no model by horizon of {kind}: {error}",))
    ids = later["customer_id"]
    table = judged_kind(
        model, features_of(later, [*names, *settings.protected]), later[names], ids, settings
    )
    return Outlook(model.files(), {"horizons": table})


def _of_value(source: Source, value: ValueSettings) -> Outlook:
    year = LabelSettings(observation_days=YEAR_DAYS, gap_days=0, outcome_days=YEAR_DAYS)
    try:
        plan = source.plan(year)
    except BadInput:
        return Outlook(notes=(NO_VALUE,))
    source.progress("learning what customers will bring", 1.0)
    snapshot = source.snapshot("value", plan)
    truth = truth_of(yearly_margins(source.tables, (*plan.train, *plan.evaluate), value))
    train = source.rows(snapshot, plan.train, truth)
    later = source.rows(snapshot, plan.evaluate, truth)
    hidden, margin = [MARGIN, *source.settings.protected], train[MARGIN].to_numpy(np.float64)
    x, ids = features_of(train, hidden), train["customer_id"]
    try:
        model = fit_value(x, margin, ids, value, source.settings)
    except BadInput as error:
        return Outlook(notes=(f"no margin model: {error}",))
    foretold = model.margins(features_of(later, hidden))
    table = judged_value(foretold, later[MARGIN].to_numpy(np.float64), later, source.settings)
    every = table.iloc[-1].drop(["as_of", "rows"]).astype(np.float64)
    metrics = {f"value_{name}": float(figure) for name, figure in every.items()}
    return Outlook(model.files(), {"value": table}, metrics, (_told(plan, metrics),))


NO_VALUE = (
    "no margin model: it needs 12 months before and 12 after a cut-off to learn from, and 12 more "
    "to be judged; value_at_risk is churn probability x the value feature"
)


def _told(plan: CutoffPlan, metrics: Mapping[str, float]) -> str:
    shares = [metrics[f"value_coverage{end}"] for end in ("", "_low", "_high")]
    return (
        "value_at_risk is churn probability x the expected margin of 12 months; its 80 % interval "
        f"held {shares[0]:.1%} ({shares[1]:.1%} to {shares[2]:.1%}) of the margins after "
        f"{', '.join(map(str, plan.evaluate))}"
    )
