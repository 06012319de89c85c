"""A table of numbers, words, categories and missing values, as a model is given it.

As a DataFrame, or as an array (or lists) whose columns are called x0, x1, ...; no preparation is
asked for. What no model can learn from is refused by the name of its column.
"""

# ruff: noqa: N803 (X is what every scikit-learn user calls it)

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_array, column_or_1d

from domain.errors import BadInput
from features.manifest import MISSING, UNSEEN, FeatureColumn, FeatureManifest

Floats = NDArray[np.float64]
DATES = ("datetime64", "datetime", "date", "timedelta64", "timedelta", "time", "period", "interval")
DO_INSTEAD = "a model learns from numbers and words: give the days from a date to the cut-off"


class BadRows(BadInput, ValueError):  # noqa: N818 (as BadInput)
    """Bad input of a classifier: scikit-learn's tools look for a ValueError."""


def frame_of(X: pd.DataFrame | ArrayLike) -> pd.DataFrame:
    """The table to learn from, columns in order of their names, which are words.

    Raises BadInput for no rows or columns, two columns of one name, and dates.

    >>> list(frame_of([[1, "b"], [2.5, None]]).columns)
    ['x0', 'x1']
    """
    if isinstance(X, pd.DataFrame):
        frame = _named(X)
        if not frame.size:
            raise BadRows(f"{len(frame)} rows x {frame.shape[1]} columns teach nothing; bring both")
    else:
        values = array_of(X)
        frame = pd.DataFrame(values, columns=array_names(values.shape[1]))
    _require_no_dates(frame)
    return frame[sorted(frame.columns)]


def array_names(columns: int) -> list[str]:
    """What the columns of an array are called.

    >>> array_names(2)
    ['x0', 'x1']
    """
    return [f"x{at}" for at in range(columns)]


def array_of(X: ArrayLike) -> NDArray[Any]:
    """Rows x columns of float64, or of objects; ValueError for what is no table.

    >>> array_of(np.ones((2, 3), dtype=np.int8)).dtype, array_of([[1, "b"]]).dtype
    (dtype('float64'), dtype('O'))
    """
    # NumPy makes words of all that a list holds where one is a word
    values = np.array(X, dtype=object) if isinstance(X, list | tuple) else X
    checked = check_array(values, dtype=None, ensure_all_finite=False)
    if checked.dtype.kind in "mM":
        raise BadRows(f"the table holds dates; {DO_INSTEAD}")
    return np.asarray(checked, np.float64 if checked.dtype.kind in "fiub" else object)


def coded(X: pd.DataFrame | ArrayLike, manifest: FeatureManifest, names: Sequence[str]) -> Floats:
    """The matrix (rows x columns of `manifest`) of a table; an array has the columns `names`.

    Raises BadInput for an absent column, dates, what is not a number, and infinite values.
    """
    if isinstance(X, pd.DataFrame):
        frame = _named(X)
        _require_no_dates(frame[[name for name in manifest.names if name in frame]])
        return finite(manifest.encode(frame), manifest)
    values = array_of(X)
    if values.shape[1] != len(names):
        raise ValueError(
            f"X has {values.shape[1]} features, but RetentionClassifier is expecting "
            f"{len(names)} features as input"
        )
    return finite(_coded_array(values, manifest, names), manifest)


def _coded_array(values: NDArray[Any], manifest: FeatureManifest, names: Sequence[str]) -> Floats:
    """As `manifest.encode`, without pandas."""
    place = {name: at for at, name in enumerate(names)}
    matrix = np.empty((len(values), len(manifest.columns)))
    for at, column in enumerate(manifest.columns):
        found = values[:, place[column.name]]
        matrix[:, at] = _codes(found, column) if column.kind == "category" else _numbers(found)
    return matrix


def _codes(values: NDArray[Any], column: FeatureColumn) -> list[int]:
    known = {word: at for at, word in enumerate(column.vocabulary, start=UNSEEN + 1)}
    return [
        MISSING if absent else known.get(str(value), UNSEEN)
        for value, absent in zip(values, pd.isna(values), strict=True)
    ]


def _numbers(values: NDArray[Any]) -> Floats:
    try:
        return np.where(pd.isna(values), np.nan, values).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise BadRows(f"a column of numbers holds what is not a number: {error}") from error


def finite(matrix: Floats, manifest: FeatureManifest) -> Floats:
    """The coded matrix; BadInput that names the column and row of a value that is infinite."""
    if np.isinf(matrix).any():
        row, at = np.argwhere(np.isinf(matrix))[0]
        raise BadRows(
            f"column '{manifest.names[at]}' holds infinite values (first in row {row}); leave them "
            "empty, or write a number"
        )
    return matrix


def require_values(matrix: Floats, manifest: FeatureManifest) -> None:
    """BadInput when every value is missing; a column that is missing or constant does no harm."""
    words = manifest.categories
    known = ~np.isnan(matrix)
    known[:, words] = matrix[:, words] != MISSING
    if not known.any():
        raise BadRows(
            f"all {len(matrix)} rows are missing in all {len(manifest.names)} columns: there is "
            "nothing to learn from; look at the columns that were chosen"
        )


def labels_of(y: ArrayLike) -> NDArray[Any]:
    """The classes, one a row; ValueError for numbers on a scale or missing classes."""
    classes = np.asarray(column_or_1d(y, warn=True))
    assert_all_finite(classes, input_name="y")
    check_classification_targets(classes)
    return classes


def _named(X: pd.DataFrame) -> pd.DataFrame:
    frame = X.set_axis([str(name) for name in X.columns], axis=1)
    twice = sorted(set(frame.columns[frame.columns.duplicated()]))
    if twice:
        raise BadRows(f"columns are there twice: {', '.join(twice)}; give each a name of its own")
    return frame


def _require_no_dates(frame: pd.DataFrame) -> None:
    dated = [str(name) for name in frame if _of_dates(frame[name])]
    if dated:
        first = frame[dated[0]].dropna()
        seen = f" (first: {first.iloc[0]})" if len(first) else ""
        raise BadRows(f"columns hold dates: {', '.join(dated)}{seen}; {DO_INSTEAD}")


def _of_dates(values: "pd.Series[Any]") -> bool:
    inside = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values
    return pd.api.types.infer_dtype(inside, skipna=True) in DATES
