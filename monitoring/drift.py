"""The drift screen: every column in every cell, against the bank's own change.

Two questions, two families of tests. Row `bank`: did the bank as a whole change? Rows of
cells and pools: did this cell change otherwise than the bank? So what is bank-wide is told
once. Within a family the q-values are Benjamini and Hochberg's over all its tests.
"""

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import pandas as pd

from domain.errors import BadInput
from monitoring.blocks import column_blocks
from monitoring.medians import with_medians
from monitoring.pooling import BANK, Pooling, pool
from monitoring.ranks import Floats
from monitoring.samples import (
    NO_GROUP,
    Months,
    Sample,
    like_for_like,
    monitored_columns,
    sample,
)
from monitoring.settings import MonitoringSettings
from monitoring.statistics import most_telling, q_values, score_test, together
from monitoring.words import directions

Progress = Callable[[str, float], None]
STEP = "screening columns"

# Cells that moved are taken out of what the others are compared with, up to this share of it.
TRIM_MAX = 0.5

DRIFT_COLUMNS = (
    "as_of",
    "grid_version",
    "cell_id",
    "column",
    "method",
    "statistic",
    "p_value",
    "q_value",
    "effect",
    "drifted",
    "n_reference",
    "n_current",
    "freedom",
    "direction",
    "median_reference",
    "median_current",
)


def screen(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    cell: str = "cell_id",
    *,
    settings: MonitoringSettings | None = None,
    parents: Mapping[str, str] | None = None,
    as_of: date | None = None,
    grid_version: str = "",
    customers_min: int = 1,
    progress: Progress = lambda _step, _share: None,
) -> pd.DataFrame:
    """One row per (cell or pool, column), and per column of the bank: did it drift, and how far.

    `reference` may carry `weight`: the customers that each sampled row stands for. `parents`
    (cell -> outlet or district) says with whom a small cell is pooled. Columns beyond the
    contract: `freedom` of the statistic (1 where the place alone tells more than the shape; the
    p-value pays for both looks), `direction` in words (relative to the bank in cells), and
    medians of both months (numbers that drifted, and the bank's; of `customers_min` known values
    or more).

    >>> before = pd.DataFrame({"cell_id": ["A", "B"] * 200, "x": range(400)})
    >>> screen(before, before)["drifted"].any()
    np.False_
    """
    settings = settings or MonitoringSettings()
    columns = _columns(reference, current, cell, settings)
    pooling = pool(reference[cell], current[cell], parents or {}, settings)
    months = _months(reference, current, cell, pooling)
    bank = months._replace(
        reference=months.reference.whole_bank(), current=months.current.whole_bank(), groups=[BANK]
    )
    overall = _tests(bank, columns, settings, progress, (0.0, 0.4), relative=False)
    cells = _tests(months, columns, settings, progress, (0.4, 0.8), relative=True)
    cells = _tests_against_the_rest(months, cells, settings, progress)
    progress(STEP, 1.0)
    table = pd.concat([overall, cells], ignore_index=True)
    table["as_of"] = as_of if as_of is not None else _month(current)
    table["grid_version"] = grid_version
    return with_medians(table, bank, months, customers_min)[list(DRIFT_COLUMNS)]


def _columns(
    reference: pd.DataFrame, current: pd.DataFrame, cell: str, settings: MonitoringSettings
) -> list[str]:
    for name, frame in (("reference", reference), ("current month", current)):
        if cell not in frame.columns:
            raise BadInput(f"the {name} has no column {cell!r}; name the column of the cells")
        if not len(frame):
            raise BadInput(f"the {name} has no rows; there is nothing to compare")
        if frame[cell].isna().any():
            raise BadInput(f"column {cell!r} of the {name} has missing values; assign every row")
    columns = monitored_columns(reference, current, cell)
    if not columns:
        raise BadInput("the reference profile has no columns to compare; train the model again")
    if settings.columns is None:
        return columns
    unknown = sorted(set(settings.columns) - set(columns))
    if unknown:
        raise BadInput(f"monitoring.columns names {', '.join(unknown)}, not in the reference")
    return settings.columns


def _months(reference: pd.DataFrame, current: pd.DataFrame, cell: str, pooling: Pooling) -> Months:
    groups = pooling.groups
    code = {name: at for at, name in enumerate(groups)}
    code_of = {cell_id: code[group] for cell_id, group in pooling.group_of.items()}
    before, after = (
        np.asarray(frame[cell].map(code_of).fillna(NO_GROUP), dtype=np.intp)
        for frame in (reference, current)
    )
    adjusted = like_for_like(reference, current, cell)
    return Months(
        sample(reference, before, adjusted), sample(current, after, np.ones(len(current))), groups
    )


def _tests(
    months: Months,
    columns: list[str],
    settings: MonitoringSettings,
    progress: Progress,
    span: tuple[float, float],
    *,
    relative: bool,
) -> pd.DataFrame:
    parts = []
    for at, name in enumerate(columns):
        progress(STEP, span[0] + (span[1] - span[0]) * at / len(columns))
        parts.append(_column_tests(months, name, settings, relative=relative))
    return _judged(pd.concat(parts, ignore_index=True), settings)


def _column_tests(
    months: Months, name: str, settings: MonitoringSettings, *, relative: bool
) -> pd.DataFrame:
    groups = len(months.groups)
    tested = column_blocks(name, months.reference, months.current, groups, relative=relative)
    outcome = together([score_test(block, settings.untestable) for block in tested.blocks])
    if tested.place is not None:
        outcome = most_telling(outcome, score_test(tested.place, settings.untestable))
    return pd.DataFrame(
        {
            "cell_id": months.groups,
            "column": name,
            "method": tested.method,
            "statistic": outcome.statistic,
            "p_value": outcome.p_value,
            "effect": tested.effect,
            "n_reference": _rows(months.reference, groups),
            "n_current": _rows(months.current, groups),
            "freedom": outcome.freedom,
            "direction": directions(tested),
        }
    )


def _rows(month: Sample, groups: int) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    return np.bincount(month.group[month.group != NO_GROUP], minlength=groups)


def _judged(table: pd.DataFrame, settings: MonitoringSettings) -> pd.DataFrame:
    p_value = table["p_value"].to_numpy(dtype=np.float64)
    candidate = table["effect"].to_numpy(dtype=np.float64) >= settings.effect_min
    drifted = q_values(np.where(candidate, p_value, 1.0)) < settings.q_max
    return table.assign(q_value=q_values(p_value), drifted=drifted)


def _tests_against_the_rest(
    months: Months, table: pd.DataFrame, settings: MonitoringSettings, progress: Progress
) -> pd.DataFrame:
    """Columns with drifted cells tested again, those cells left out of the bank's month.

    Else one large cell that rises makes every other cell fall against the bank.
    """
    moved = list(dict.fromkeys(table.loc[table["drifted"], "column"]))
    parts = [table[~table["column"].isin(moved)]]
    for at, name in enumerate(moved):
        progress(STEP, 0.8 + 0.2 * at / len(moved))
        found = table[(table["column"] == name) & table["drifted"]]
        parts.append(_column_tests(_trimmed(months, found), name, settings, relative=True))
    return _judged(pd.concat(parts, ignore_index=True), settings) if moved else table


def _trimmed(months: Months, found: pd.DataFrame) -> Months:
    left = [_share_of_groups(month, len(months.groups)) for month in months[:2]]
    code = {name: at for at, name in enumerate(months.groups)}
    out: list[int] = []
    for name in found.sort_values(["effect", "cell_id"], ascending=[False, True])["cell_id"]:
        if max(share[[*out, code[name]]].sum() for share in left) > TRIM_MAX:
            break
        out.append(code[name])
    reference, current = (
        month.without(np.array(out, dtype=np.intp)) for month in (months.reference, months.current)
    )
    return months._replace(reference=reference, current=current)


def _share_of_groups(month: Sample, groups: int) -> Floats:
    inside = month.group != NO_GROUP
    total = np.bincount(month.group[inside], month.weight[inside], minlength=groups)
    share: Floats = total / month.weight.sum()
    return share


def _month(current: pd.DataFrame) -> date | None:
    days = list(current["as_of"].unique()) if "as_of" in current.columns else []
    return days[0] if len(days) == 1 else None
