"""Rolling origin: the model as it would have been trained at earlier days, judged on what followed.

One date of evaluation says how good a model was once. Here the training is repeated at each
cut-off with what was known that day: only outcomes that were over (the embargo), so that the
figures, cut-off by cut-off, say how far they move from month to month.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from domain.errors import BadInput
from features.settings import LabelSettings
from training.boosting.learners import learner
from training.boosting.search import classifier
from training.evaluation import plots
from training.evaluation.metrics import evaluate
from training.report import Progress, flat, write_tables
from training.rows.dataset import TARGET, CutoffPlan, feature_names
from training.rows.store import Counts, StoredRows, read_rows
from training.settings import RetentionSettings


class Origin(NamedTuple):
    """A cut-off that judges, and the cut-offs whose outcomes were over by then."""

    train: tuple[date, ...]
    judged: date


def origins(plan: CutoffPlan, label: LabelSettings, most: int) -> list[Origin]:
    """The latest cut-offs of a plan that have others to learn from behind them, at most `most`.

    No outcome of a training cut-off reaches the cut-off that judges.

    >>> months = [date(2025, month, 1) for month in range(1, 10)]
    >>> plan = CutoffPlan(tuple(months[:5]), tuple(months[7:]))
    >>> [(len(one.train), str(one.judged)) for one in origins(plan, LabelSettings(), 9)]
    [(1, '2025-05-01'), (4, '2025-08-01'), (5, '2025-09-01')]
    """
    ahead = timedelta(label.gap_days + label.outcome_days)
    days = (*plan.train, *plan.evaluate)
    found = [
        Origin(tuple(day for day in plan.train if day + ahead <= judged), judged) for judged in days
    ]
    return [one for one in found if one.train][-most:] if most else []


def rolled(
    stored: StoredRows,
    plan: CutoffPlan,
    label: LabelSettings,
    settings: RetentionSettings,
    folder: Path,
    progress: Progress,
) -> pd.DataFrame:
    """One row per origin: `as_of`, what the model of that day learned from, and its figures.

    A figure NAME has its 95 % interval over customers in NAME_low and NAME_high. `folder` takes
    working files. A cut-off that has one class only is left out.
    """
    found = []
    chosen = origins(plan, label, settings.rolling_origins)
    for at, one in enumerate(chosen):
        progress(f"judging the model of {one.judged}", at / len(chosen))
        rows = read_rows(_of(stored, [one.judged]))
        if rows[TARGET].nunique() == 2:
            found.append(_judged(one, rows, stored, settings, folder))
    return pd.DataFrame(found)


def write_rolling(figures: pd.DataFrame, out: Path) -> list[Path]:
    """`evaluation/rolling.csv` below `out`, and the picture of it; nothing without an origin."""
    if figures.empty:
        return []
    write_tables(out / "evaluation", {"rolling": figures})
    known = figures.dropna(subset=["auc"]) if "auc" in figures else figures.head(0)
    return [plots.rolling(known, out / "plots" / "rolling.png")] if len(known) else []


def _judged(
    origin: Origin,
    rows: pd.DataFrame,
    stored: StoredRows,
    settings: RetentionSettings,
    folder: Path,
) -> dict[str, object]:
    """The figures of the model of one day; missing where that day had too little to learn from."""
    files = _of(stored, origin.train)
    count = sum(pq.read_metadata(file).num_rows for file in files)
    told = {
        "as_of": origin.judged,
        "train_cutoffs": len(origin.train),
        "trained_to": origin.train[-1],
        "train_rows": count,
        "rows": len(rows),
        "lost": int(rows[TARGET].sum()),
    }
    known = stored._replace(train=tuple(files), counts=Counts(count, 0, 0, 0))
    try:
        with learner(known, settings, folder) as fit:
            model = fit(classifier(settings))
    except BadInput as error:
        return {**told, "note": str(error)}
    y = rows[TARGET].to_numpy(np.float64)
    probability = model.predict_proba(rows[feature_names(rows)])[:, 1]
    found = evaluate(y, probability, rows["customer_id"], {}, settings.bootstrap, settings.seed)
    return {**told, **flat(found.metrics), "note": ""}


def _of(stored: StoredRows, days: Sequence[date]) -> list[Path]:
    """The files of some cut-offs: each file holds rows of one, whose day begins its name."""
    wanted = tuple(f"{day}-" for day in days)
    return [file for file in (*stored.train, *stored.later) if file.name.startswith(wanted)]
