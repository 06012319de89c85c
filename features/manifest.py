"""The feature manifest: which columns a model reads, in which order, coded how.

Categories become integer codes from a stored vocabulary; 0 is missing, 1 is unseen. The
matrix is float64 throughout, so that batch, online and training meet the same numbers.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from domain.errors import BadInput

MISSING, UNSEEN = 0, 1
NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal", "boolean")  # as pandas infers


class FeatureColumn(BaseModel):
    """One model input; `vocabulary` lists the known categories, codes starting at 2."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["number", "category"]
    vocabulary: tuple[str, ...] = ()


class FeatureManifest(BaseModel):
    """The ordered columns of one model; read from and written to JSON by pydantic."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[FeatureColumn, ...]

    @classmethod
    def fit(cls, frame: pd.DataFrame) -> "FeatureManifest":
        """The manifest of a frame: numbers and booleans as numbers, all else as categories.

        A column of objects that are all numbers is one of numbers.

        >>> FeatureManifest.fit(pd.DataFrame({"a": [1, 2], "b": ["y", "x"]})).columns[1].vocabulary
        ('x', 'y')
        """
        return cls(columns=tuple(_column(str(name), frame[name]) for name in frame.columns))

    @property
    def names(self) -> list[str]:
        """Column names in the model's order."""
        return [column.name for column in self.columns]

    @property
    def categories(self) -> list[int]:
        """Positions of the category columns, for LightGBM."""
        return [at for at, column in enumerate(self.columns) if column.kind == "category"]

    def encode(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Matrix (rows x columns) in the model's order; other columns of `frame` are ignored.

        Raises BadInput for a column that is absent or holds what is not a number.

        >>> manifest = FeatureManifest.fit(pd.DataFrame({"a": [1.0], "b": ["x"]}))
        >>> manifest.encode(pd.DataFrame({"b": ["x", "new", None], "a": [1, None, 3]})).tolist()
        [[1.0, 2.0], [nan, 1.0], [3.0, 0.0]]
        """
        absent = [name for name in self.names if name not in frame.columns]
        if absent:
            raise BadInput(f"feature columns are missing: {', '.join(absent)}")
        matrix = np.empty((len(frame), len(self.columns)), dtype=np.float64)
        for at, column in enumerate(self.columns):
            matrix[:, at] = _codes(frame[column.name], column)
        return matrix


def _column(name: str, values: pd.Series) -> FeatureColumn:
    if _is_number(values):
        return FeatureColumn(name=name, kind="number")
    # as text first: what an object is may not be hashed
    known: Sequence[str] = sorted(values.dropna().astype("string").unique())
    return FeatureColumn(name=name, kind="category", vocabulary=tuple(known))


def _is_number(values: pd.Series) -> bool:
    if pd.api.types.is_object_dtype(values):
        return pd.api.types.infer_dtype(values, skipna=True) in NUMBERS
    return pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)


def _codes(values: pd.Series, column: FeatureColumn) -> NDArray[np.float64]:
    if column.kind == "number":
        try:
            return values.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise BadInput(f"feature {column.name!r} holds a value that is not a number") from error
    text = values.astype("string")
    known = pd.Categorical(text, categories=list(column.vocabulary)).codes.astype(np.float64)
    known = np.where(known < 0, UNSEEN, known + UNSEEN + 1)
    return np.where(text.isna().to_numpy(), MISSING, known)
