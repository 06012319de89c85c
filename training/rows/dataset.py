"""Which cut-offs a model learns from, and the rows of those cut-offs."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import pandas as pd

from domain.cutoffs import month_starts, months_before
from domain.errors import BadInput
from domain.precision import rounded
from features.registry import WINDOWS
from features.settings import LabelSettings
from training.settings import RetentionSettings

KEYS = ("customer_id", "as_of", "cell_id")
TARGET = "churned"
DRAW = "customer_draw"  # in [0, 1), of a customer, for samples of whole customers
NO_CELL = "unassigned"  # a customer whom the grid version does not know yet
LONGEST_DAYS = max(WINDOWS)  # that a feature looks back


class CutoffPlan(NamedTuple):
    """Cut-offs to train on and later ones to be judged on, each in order of time."""

    train: tuple[date, ...]
    evaluate: tuple[date, ...]


def cutoff_plan(
    first_data: date, last_data: date, label: LabelSettings, settings: RetentionSettings
) -> CutoffPlan:
    """The latest month starts whose windows the data (first and last day included) cover.

    Embargo: the outcome of the last training cut-off is over when the first evaluation cut-off
    begins. Every cut-off has the longest window of a feature behind it when the history allows
    one of each so, else the observation window. A short history gives fewer cut-offs, at least
    one of each, or BadInput.

    >>> plan = cutoff_plan(date(2024, 1, 1), date(2025, 1, 31), LabelSettings(),
    ...                    RetentionSettings(evaluate_cutoffs=1))
    >>> plan.train[-1], plan.evaluate
    (datetime.date(2024, 6, 1), (datetime.date(2024, 10, 1),))
    """
    ahead = timedelta(label.gap_days + label.outcome_days)
    if settings.train_as_of:
        plan = CutoffPlan(
            tuple(sorted(set(settings.train_as_of))), tuple(sorted(set(settings.evaluate_as_of)))
        )
        _check(plan, first_data, last_data, ahead)
        return plan
    latest = last_data + timedelta(1) - ahead
    for behind in (max(label.observation_days, LONGEST_DAYS), label.observation_days):
        if found := _placed(first_data + timedelta(behind), latest, ahead, settings):
            return found
    raise BadInput(_too_short(first_data, last_data, label))


def _placed(
    earliest: date, latest: date, ahead: timedelta, settings: RetentionSettings
) -> CutoffPlan | None:
    judged = month_starts(earliest, latest)
    for count in range(min(settings.evaluate_cutoffs, len(judged)), 0, -1):
        evaluate = judged[-count:]
        train = month_starts(earliest, evaluate[0] - ahead)[-settings.train_cutoffs :]
        if train:
            return CutoffPlan(tuple(train), tuple(evaluate))
    return None


def truncated(first_data: date, days: Sequence[date]) -> list[str]:
    """A note when cut-offs have less history behind them than the longest window, else none.

    >>> truncated(date(2024, 1, 1), [date(2024, 12, 1), date(2025, 1, 1)])
    ['1 of 2 cut-offs has less than 365 days of data behind it: long windows are partly empty']
    """
    short = sum((day - first_data).days < LONGEST_DAYS for day in days)
    verb, them = ("has", "it") if short == 1 else ("have", "them")
    note = (
        f"{short} of {len(days)} cut-offs {verb} less than {LONGEST_DAYS} days of data behind "
        f"{them}: long windows are partly empty"
    )
    return [note] if short else []


def judged_once(plan: CutoffPlan) -> list[str]:
    """A note when a single cut-off judges, else none.

    >>> judged_once(CutoffPlan((date(2025, 1, 1),), (date(2025, 8, 1),)))[0].partition(":")[0]
    'a single cut-off judges (2025-08-01)'
    >>> judged_once(CutoffPlan((date(2025, 1, 1),), (date(2025, 8, 1), date(2025, 9, 1))))
    []
    """
    if len(plan.evaluate) > 1:
        return []
    return [
        f"a single cut-off judges ({plan.evaluate[0]}): the intervals say how far other customers "
        "would move the figures, not how far another month would"
    ]


def _check(plan: CutoffPlan, first_data: date, last_data: date, ahead: timedelta) -> None:
    if plan.train[-1] + ahead > plan.evaluate[0]:
        raise BadInput(
            f"retention.train_as_of ends with {plan.train[-1]}, whose outcome is known on "
            f"{plan.train[-1] + ahead} ({ahead.days} days of gap and outcome later), after the "
            f"first evaluation cut-off {plan.evaluate[0]}; choose evaluation cut-offs from "
            f"{plan.train[-1] + ahead} on, or earlier training cut-offs"
        )
    if plan.evaluate[-1] + ahead > last_data + timedelta(1):
        raise BadInput(
            f"the outcome of the evaluation cut-off {plan.evaluate[-1]} is known on "
            f"{plan.evaluate[-1] + ahead} ({ahead.days} days of gap and outcome later), but the "
            f"data end on {last_data}; choose cut-offs up to {last_data + timedelta(1) - ahead}"
        )
    if plan.train[0] <= first_data:
        raise BadInput(
            f"the training cut-off {plan.train[0]} lies before all data, which begin on "
            f"{first_data}; choose a later one"
        )


def _too_short(first_data: date, last_data: date, label: LabelSettings) -> str:
    ahead = label.gap_days + label.outcome_days
    need = label.observation_days + 2 * ahead
    return (
        f"the data cover {(last_data - first_data).days + 1} days ({first_data} to {last_data}); "
        f"one training and one evaluation cut-off need {need} days: {label.observation_days} of "
        f"observation + 2 x ({label.gap_days} of gap + {label.outcome_days} of outcome), and up "
        "to 61 more because cut-offs are first days of months; deliver a longer history, shorten "
        "label.observation_days, label.gap_days or label.outcome_days, or name cut-offs in "
        "retention.train_as_of and retention.evaluate_as_of"
    )


def quarter_plan(first_data: date, last_data: date, months: int) -> tuple[date, date, date]:
    """Three cut-offs `months` apart, the last at the latest month start that the data reach.

    The segment rule is fitted at the first, its next-quarter model learns first -> second and
    is judged on second -> third. The same day of the month throughout: a window of 365 days
    touches 12 calendar months from a month's first day and 13 from any other.

    >>> quarter_plan(date(2024, 1, 1), date(2024, 12, 31), 3)[2]
    datetime.date(2025, 1, 1)
    """
    covered = last_data + timedelta(1)
    # a short history is used to its last day
    for last in (covered.replace(day=1), covered):
        first = months_before(last, 2 * months)
        if first > first_data:
            return first, months_before(last, months), last
    raise BadInput(
        f"the data cover {(covered - first_data).days} days ({first_data} to {last_data}); "
        f"segments and their next quarter need more than 2 x {months} months; deliver a longer "
        "history or lower segmentation.horizon_months"
    )


def with_cells(frame: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """`frame` with the cell of each customer in the third column.

    >>> with_cells(pd.DataFrame({"customer_id": ["a"], "as_of": [0], "f": [1.0]}),
    ...            pd.DataFrame({"customer_id": ["a"], "cell_id": ["c9"]})).columns.tolist()
    ['customer_id', 'as_of', 'cell_id', 'f']
    """
    rest = frame.drop(columns="cell_id", errors="ignore")
    cell = cells_for(frame["customer_id"], cells)["cell_id"]
    return pd.concat([rest.iloc[:, :2], cell, rest.iloc[:, 2:]], axis=1)


def cells_for(ids: pd.Series, cells: pd.DataFrame) -> pd.DataFrame:
    """Each customer of `ids` and the cell, `unassigned` where the grid does not know one.

    >>> cells_for(pd.Series(["a", "b"]), pd.DataFrame({"customer_id": ["a"], "cell_id": ["c9"]}))
      customer_id     cell_id
    0           a          c9
    1           b  unassigned
    """
    cell_of = cells.drop_duplicates("customer_id").set_index("customer_id")["cell_id"]
    named = ids.map(cell_of).astype(object).fillna(NO_CELL)
    return pd.DataFrame({"customer_id": ids, "cell_id": named})


def steady(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers to nine digits: sums on several threads differ in the last ones from run to run.

    The same tables then give the same model, figures and profile, byte for byte.

    >>> steady(pd.DataFrame({"f": [0.1 + 0.2, 0.3]}))["f"].nunique()
    1
    """
    floats = frame.select_dtypes("float64").columns
    return frame.assign(**{name: rounded(frame[name].to_numpy()) for name in floats})


def feature_names(frame: pd.DataFrame) -> list[str]:
    """Columns of `frame` that are features: neither keys, nor the target, nor the draw.

    >>> feature_names(pd.DataFrame(columns=["customer_id", "as_of", "cell_id", "f", "churned"]))
    ['f']
    """
    return [str(name) for name in frame.columns if name not in (*KEYS, TARGET, DRAW)]
