"""The two months side by side: values, groups and weights of every row."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import BadInput
from monitoring.ranks import Floats, Ints

WEIGHT = "weight"
NOT_MONITORED = {"customer_id", "as_of", "cell_id", "grid_version", WEIGHT}
NO_GROUP = -1


class Sample(NamedTuple):
    """Rows of one month: table, group code (NO_GROUP: in no test) and two weights.

    `weight` is that in the bank's month; `case_weight` that in the test, scaled so that a group
    sums to its effective number of rows.
    """

    frame: pd.DataFrame
    group: Ints
    weight: Floats
    case_weight: Floats

    def whole_bank(self) -> "Sample":
        """The same rows as one group."""
        group = np.zeros(len(self.frame), dtype=np.intp)
        return self._replace(group=group, case_weight=effective_counts(self.weight, group))

    def without(self, groups: Ints) -> "Sample":
        """The month with these groups left out of the bank, and tested against the rest of it.

        The rest is a sample too: n customers against N others tell as much as nN / (n + N)
        against a bank known exactly.
        """
        out = np.isin(self.group, groups)
        weight = np.where(out, 0.0, self.weight)
        rest = weight.sum() ** 2 / max(float((weight**2).sum()), 1e-300)
        size = np.bincount(self.group[out], self.case_weight[out], minlength=1)
        less = rest / (rest + size[np.where(out, self.group, 0)])
        return self._replace(
            weight=weight, case_weight=np.where(out, self.case_weight * less, self.case_weight)
        )


class Months(NamedTuple):
    """Reference and current month over the same groups."""

    reference: Sample
    current: Sample
    groups: list[str]


def sample(frame: pd.DataFrame, group: Ints, adjusted: Floats) -> Sample:
    """A month whose weights within groups are multiplied by `adjusted`."""
    weight = row_weights(frame)
    return Sample(frame, group, weight, effective_counts(weight * adjusted, group))


def row_weights(frame: pd.DataFrame) -> Floats:
    """Customers that each row stands for: column `weight`, or one.

    >>> row_weights(pd.DataFrame({"a": [1, 2]})).tolist()
    [1.0, 1.0]
    """
    if WEIGHT not in frame.columns:
        return np.ones(len(frame))
    weight = frame[WEIGHT].to_numpy(dtype=np.float64)
    if not np.all(np.isfinite(weight) & (weight > 0)):
        raise BadInput("column 'weight' of a profile holds a value that is not above 0")
    return weight


def effective_counts(weight: Floats, group: Ints) -> Floats:
    """Weights scaled so that a group sums to its effective number of rows (Kish, 1965).

    >>> effective_counts(np.array([2.0, 2.0, 1.0, 3.0]), np.array([0, 0, 1, 1])).tolist()
    [1.0, 1.0, 0.4, 1.2000000000000002]
    """
    inside = group != NO_GROUP
    total = np.bincount(group[inside], weight[inside], minlength=1)
    square = np.bincount(group[inside], weight[inside] ** 2, minlength=1)
    scale = total / np.where(square > 0, square, 1.0)
    counts: Floats = np.where(inside, weight * scale[np.maximum(group, 0)], 0.0)
    return counts


def like_for_like(reference: pd.DataFrame, current: pd.DataFrame, cell: str) -> Floats:
    """Factor for each reference row by which its cell has this month's share of customers.

    A pool whose cells grew unequally would drift without any customer having changed.
    """
    before = pd.Series(row_weights(reference)).groupby(reference[cell].to_numpy()).sum()
    after = pd.Series(row_weights(current)).groupby(current[cell].to_numpy()).sum()
    ratio = (after / before).fillna(1.0)
    return np.asarray(reference[cell].map(ratio), dtype=np.float64)


def monitored_columns(reference: pd.DataFrame, current: pd.DataFrame, cell: str) -> list[str]:
    """Columns of the reference that are values; each must be in the current month too."""
    columns = [str(name) for name in reference.columns if name not in NOT_MONITORED | {cell}]
    absent = [name for name in columns if name not in current.columns]
    if absent:
        raise BadInput(
            f"monitored columns are missing from the current month: {', '.join(absent)}; "
            "compute its features with the same version that trained the model"
        )
    return columns


def is_number(one: "pd.Series[float]", two: "pd.Series[float]") -> bool:
    """Whether both months hold numbers (a column that is missing throughout fits either)."""
    kinds = [column for column in (one, two) if column.notna().any()] or [one]
    return all(pd.api.types.is_numeric_dtype(column) for column in kinds)


def numbers(column: "pd.Series[float]") -> Floats:
    """Values as float64, missing as NaN."""
    values: NDArray[np.float64] = pd.to_numeric(column, errors="coerce").to_numpy(
        dtype=np.float64, na_value=np.nan
    )
    return values
