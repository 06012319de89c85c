"""From delivered values to the contract's types; what cannot be read is a fault, not a guess."""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from domain.tables import Column, Contract
from features.door.clock import days, times
from features.door.text import Form, Read, as_text, spelled

Problem = Literal["missing", "not_parsable", "out_of_range", "unknown", "conflict"]

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
INFINITE = r"[+-]?(?:[iI]nf|INF)(?:inity|INITY)?"
TRUTH = {"true": True, "t": True, "yes": True, "y": True, "1": True}
FALSEHOOD = {"false": False, "f": False, "no": False, "n": False, "0": False}


class Fault(NamedTuple):
    """Cells of one column that break the contract for one reason, by index label."""

    column: str
    problem: Problem
    reason: str
    rows: pd.Index


def converted(
    frame: pd.DataFrame, contract: Contract, form: Form
) -> tuple[pd.DataFrame, list[Fault]]:
    """Every column of the contract in its type, in order, and the cells that cannot be read.

    >>> from domain.tables import CLOSURES
    >>> given = pd.DataFrame({"customer_id": ["7"], "closed_on": ["2026-02-30"]})
    >>> clean, faults = converted(given, CLOSURES, Form())
    >>> faults[0].column, faults[0].reason, clean.isna().sum().to_dict()
    ('closed_on', 'not a date', {'customer_id': 0, 'closed_on': 1, 'reason': 1})
    """
    values, faults = {}, []
    for column in contract:
        given = frame.get(column.name)
        read = _read(
            pd.Series(None, frame.index, dtype=object) if given is None else given, column, form
        )
        values[column.name] = read.values
        faults += [
            Fault(column.name, "not_parsable", reason, rows)
            for reason, rows in read.bad.items()
            if len(rows)
        ]
    return pd.DataFrame(values, index=frame.index), faults


def _read(given: pd.Series, column: Column, form: Form) -> Read:
    match column.kind:
        case "string":
            return texts(given)
        case "float":
            return numbers(given, form.decimal)
        case "timestamp":
            return times(given, form)
        case "date":
            return days(given, form)
        case "boolean":
            return booleans(given)


def texts(given: pd.Series) -> Read:
    """Text, in which a NUL is a fault: other programs end a value there.

    >>> texts(pd.Series(["T9", "T9" + chr(0) + "x"])).bad["text with a NUL character"].tolist()
    [1]
    """
    text = as_text(given)
    cut = text.str.contains("\0", regex=False).fillna(False).to_numpy(bool)
    return Read(text, {"text with a NUL character": given.index[cut]})


def numbers(given: pd.Series, decimal: str = ".") -> Read:
    """Float64 of numbers or of their text with that decimal mark; no thousands separators.

    >>> numbers(pd.Series(["12,5", "1e3", "12.5"]), ",").values.tolist()
    [12.5, 1000.0, nan]
    """
    if pd.api.types.is_numeric_dtype(given) and not pd.api.types.is_complex_dtype(given):
        return Read(pd.Series(given.to_numpy(np.float64, na_value=np.nan), given.index), {})
    text = as_text(given)
    if decimal != ".":
        written = given.map(lambda value: isinstance(value, str)).astype(bool)
        swapped = text.str.replace(".", "!", regex=False).str.replace(decimal, ".", regex=False)
        text = text.mask(written, swapped)
    fits = spelled(text, NUMBER) | spelled(text, INFINITE)
    values = np.full(len(text), np.nan)
    values[fits] = text[fits].to_numpy(dtype=object).astype(np.float64)
    bad = text.index[text.notna().to_numpy(bool) & ~fits]
    return Read(pd.Series(values, given.index), {"not a number": bad})


def booleans(given: pd.Series) -> Read:
    """True and false of the usual words and of 1 and 0.

    >>> booleans(pd.Series(["Yes", "0", "maybe"])).values.tolist()
    [True, False, <NA>]
    """
    if pd.api.types.is_bool_dtype(given):
        return Read(given.astype("boolean"), {})
    text = as_text(given).str.lower()
    values = text.astype(object).map(TRUTH | FALSEHOOD).astype("boolean")
    bad = text.index[(text.notna() & values.isna()).to_numpy(bool)]
    return Read(values, {"neither true nor false": bad})
