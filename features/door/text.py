"""Delivered values as text, and how a delivery writes its numbers and times."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TEXT = pd.StringDtype("pyarrow")


class Form(NamedTuple):
    """How a delivery writes numbers, dates, the times that carry no offset, and its words."""

    decimal: str = "."
    date_format: str | None = None  # ISO 8601 when absent
    timezone: str = "UTC"  # of times without an offset
    bank_timezone: str = "UTC"  # in which a moment has its date
    words: Mapping[str, Mapping[str, str]] = MappingProxyType({})  # column -> theirs -> ours


class Read(NamedTuple):
    """Values in the contract's type, and the index labels that could not be read, by reason."""

    values: pd.Series
    bad: dict[str, pd.Index]


def as_text(given: pd.Series) -> pd.Series:
    """Text without the blanks around it; empty is missing; whole numbers without a fraction.

    >>> as_text(pd.Series([7.0, None, 8.0])).tolist()
    ['7', <NA>, '8']
    >>> as_text(pd.Series([" 007 ", ""])).tolist()
    ['007', <NA>]
    """
    if pd.api.types.is_float_dtype(given):
        given = _whole(given)
    elif pd.api.types.is_bool_dtype(given):
        given = given.astype("boolean").map({True: "true", False: "false"})
    elif given.dtype == object:
        given = given.map(_one, na_action="ignore")
    elif isinstance(given.dtype, pd.CategoricalDtype):
        given = given.astype(object)
    text = given.astype(TEXT).str.strip()
    return text.mask(text == "", pd.NA)


def spelled(text: pd.Series, pattern: str) -> NDArray[np.bool_]:
    """Which texts match the whole pattern; a missing one does not."""
    fits: NDArray[np.bool_] = text.str.fullmatch(pattern).fillna(False).to_numpy(bool)
    return fits


def _whole(given: pd.Series) -> pd.Series:
    values = given.to_numpy(np.float64, na_value=np.nan)
    known = values[~np.isnan(values)]
    exact = bool(np.all(np.isfinite(known) & (known == np.trunc(known)) & (np.abs(known) < 2**63)))
    return given.astype("Int64") if exact else given


def _one(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
