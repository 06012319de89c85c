"""Medians of both months, for people who read what moved."""

import numpy as np
import pandas as pd

from monitoring.pooling import BANK
from monitoring.ranks import Floats, in_order
from monitoring.samples import Months, Sample, numbers


def with_medians(
    table: pd.DataFrame, bank: Months, months: Months, customers_min: int
) -> pd.DataFrame:
    """The drift table with `median_reference` and `median_current`.

    Filled for numbers, in rows of the bank and in rows that drifted; missing elsewhere, and
    where fewer than `customers_min` customers have a value.
    """
    told = (table["drifted"] | (table["cell_id"] == BANK)) & (table["method"] == "rank-score")
    code = {name: at for at, name in enumerate(months.groups)}
    medians = np.full((len(table), 2), np.nan)
    for at in np.flatnonzero(told):
        group, column = str(table["cell_id"].iloc[at]), str(table["column"].iloc[at])
        both, place = (bank, 0) if group == BANK else (months, code[group])
        medians[at] = [
            _median(month, column, place, customers_min) for month in (both.reference, both.current)
        ]
    return table.assign(median_reference=medians[:, 0], median_current=medians[:, 1])


def _median(month: Sample, column: str, group: int, customers_min: int) -> float:
    inside = month.group == group
    values = numbers(month.frame[column])[inside]
    if np.count_nonzero(~np.isnan(values)) < customers_min:
        return float("nan")
    return weighted_median(values, month.case_weight[inside])


def weighted_median(values: Floats, weight: Floats) -> float:
    """Smallest known value that half of the weight does not exceed; NaN without a value.

    >>> weighted_median(np.array([1.0, 5.0, np.nan, 9.0]), np.array([1.0, 1.0, 1.0, 3.0]))
    9.0
    """
    known = ~np.isnan(values)
    if not known.any():
        return float("nan")
    values, weight = values[known], weight[known]
    if weight.min() == weight.max():
        middle = (len(values) - 1) // 2
        return float(np.partition(values, middle)[middle])
    ordered, total = in_order(values, weight)
    return float(ordered[np.searchsorted(total, total[-1] / 2)])
