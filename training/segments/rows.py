"""The rows that segments are made of: three full cut-offs, and the months around them."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.cutoffs import months_before
from features.customer import customer_features
from features.engine import Tables
from features.labels import churn_labels, label_end
from features.registry import FEATURES
from features.settings import LabelSettings
from training.rows.dataset import steady, with_cells
from training.segmentation import behaviour_features, tier_feature
from training.segments.scheme import SegmentScheme
from training.segments.separation import Outcomes
from training.segments.stages import AGE, KIND
from training.segments.tiers import HELD, months_behind, with_held
from training.settings import SegmentationSettings

Floats = NDArray[np.float64]
Progress = Callable[[str, float], None]


class Quarters(NamedTuple):
    """Feature rows of three cut-offs a horizon apart, and of the months from first to third.

    `months` hold what the rule reads, and nothing else; all have the column `value_held`.
    """

    first: pd.DataFrame
    second: pd.DataFrame
    third: pd.DataFrame
    months: tuple[pd.DataFrame, ...] = ()


def quarter_rows(
    tables: Tables,
    cells: pd.DataFrame,
    days: Sequence[date],
    settings: SegmentationSettings,
    first_data: date,
    progress: Progress,
) -> Quarters:
    """The rows of three cut-offs, the months between them, and those that hold the first tiers."""
    progress(f"features of {', '.join(map(str, days))}", 0.0)
    whole = rows_at(tables, cells, days)
    names = rule_columns(whole[days[0]], settings)
    before = months_behind(days[0], settings.down_after_months, first_data)[:-1]
    between = _months(days[0], days[-1])
    progress("the months between", 0.6)
    narrow = [day for day in (*before, *between) if day not in whole]
    known = {**whole, **rows_at(tables, cells, narrow, names)}
    value = tier_feature(whole[days[0]], settings)
    frames = [known[day] for day in (*before, *between)]
    held = with_held(frames, value, settings.down_after_months)[len(before) :]
    of_day = dict(zip(between, held, strict=True))
    first, second, third = (of_day[day] for day in days)
    months = tuple(frame[["customer_id", "as_of", "cell_id", *names, HELD]] for frame in held)
    return Quarters(first, second, third, months)


def held_rows(
    tables: Tables, cells: pd.DataFrame, now: pd.DataFrame, scheme: SegmentScheme, first_data: date
) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """The month before `now` and `now` itself, with the values that hold the tiers of `scheme`.

    None where the data begin after the month before.
    """
    day = now["as_of"].iloc[0]
    days = months_behind(day, scheme.down_after_months + 1, first_data)[:-1]
    wanted = {scheme.value_feature, *scheme.behaviour, AGE, KIND}
    names = [name for name in FEATURES if name in wanted]
    frames = [*rows_at(tables, cells, days, names).values(), now]
    held = with_held(frames, scheme.value_feature, scheme.down_after_months)
    return (held[-2] if days else None), held[-1]


def rule_columns(frame: pd.DataFrame, settings: SegmentationSettings) -> list[str]:
    """The features that the rule reads."""
    value = tier_feature(frame, settings)
    wanted = {value, *behaviour_features(frame, value, settings), AGE, KIND}
    return [str(name) for name in frame.columns if name in wanted]


def rows_at(
    tables: Tables,
    cells: pd.DataFrame,
    days: Sequence[date],
    names: Sequence[str] = tuple(FEATURES),
) -> dict[date, pd.DataFrame]:
    """Keys and features of every customer at each cut-off, in order of customers.

    All cut-offs in one query: to compile it takes longer than a cut-off more.
    """
    if not days:
        return {}
    query = customer_features(tables, list(days)).select("customer_id", "as_of", *names)
    found = steady(query.to_pandas())
    found = found.assign(as_of=pd.to_datetime(found["as_of"]).dt.date)
    ordered = found.sort_values(["as_of", "customer_id"], kind="stable")
    of_day = {day: rows.reset_index(drop=True) for day, rows in ordered.groupby("as_of")}
    return {day: with_cells(of_day[day], cells) for day in days}


def outcomes_of(
    tables: Tables,
    first: pd.DataFrame,
    second: pd.DataFrame,
    settings: SegmentationSettings,
    label: LabelSettings | None,
) -> Outcomes:
    """What became of the customers of `first`: the value at `second`, and the loss by `label`.

    Who is no more there has no value left; who is outside the label's set is neither lost nor
    kept, and nobody is where the outcome window ends after the data.
    """
    value = tier_feature(first, settings)
    later = second.set_index("customer_id")[value].astype(float)
    ids = first["customer_id"]
    kept = ids.isin(later.index).to_numpy()
    value_later = np.where(kept, ids.map(later).to_numpy(np.float64), 0.0)
    return Outcomes(value_later, _lost(tables, first, label))


def _lost(tables: Tables, first: pd.DataFrame, label: LabelSettings | None) -> Floats:
    day = first["as_of"].iloc[0]
    if label is None or not _known_by_now(day, label, label_end(tables)):
        return np.full(len(first), np.nan)
    labels = churn_labels(tables, day, label).to_pandas().set_index("customer_id")["churned"]
    return first["customer_id"].map(labels).to_numpy(np.float64)


def _known_by_now(day: date, label: LabelSettings, end: date) -> bool:
    return day + timedelta(label.gap_days + label.outcome_days) <= end


def _months(first: date, last: date) -> list[date]:
    """The same day of each month from `first` to `last`."""
    count = (last.year - first.year) * 12 + last.month - first.month
    return [months_before(last, back) for back in reversed(range(count + 1))]
