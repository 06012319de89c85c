"""From delivered values to the contract's types; what cannot be read is a fault, not a guess."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from domain.tables import Column, Contract
from features.door.clock import MICROSECONDS, days, times
from features.door.text import TEXT, Form, Read, as_text, spelled

Problem = Literal["missing", "not_parsable", "out_of_range", "unknown", "conflict"]

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
INFINITE = r"[+-]?(?:[iI]nf|INF)(?:inity|INITY)?"
DTYPES: dict[str, Any] = {
    "string": TEXT,
    "float": np.dtype("float64"),
    "timestamp": np.dtype(MICROSECONDS),
    "date": np.dtype(MICROSECONDS),
    "boolean": pd.BooleanDtype(),
}
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
        if given is None:
            values[column.name] = pd.Series(None, frame.index, dtype=DTYPES[column.kind])
            continue
        words = form.words.get(column.name)
        read = _read(in_our_words(given, words) if words else given, column, form)
        values[column.name] = read.values
        faults += [
            Fault(column.name, "not_parsable", reason, rows)
            for reason, rows in read.bad.items()
            if len(rows)
        ]
    return pd.DataFrame(values, index=frame.index), faults


def in_our_words(given: pd.Series, words: Mapping[str, str]) -> pd.Series:
    """Text in which the bank's words are replaced by ours, all at once; others stay.

    >>> in_our_words(pd.Series(["男", "女", "F", None]), {"男": "M", "女": "F"}).tolist()
    ['M', 'F', 'F', <NA>]
    """
    text = as_text(given)
    known = text.isin(list(words))
    return text.mask(known, text.astype(object).map(words).astype(TEXT))


def in_contract_words(rows: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The rows without the words that a column leaves out because its list has them not.

    >>> from domain.tables import CUSTOMERS
    >>> in_contract_words(pd.DataFrame({"sex": ["F", "男"]}), CUSTOMERS).sex.isna().tolist()
    [False, True]
    """
    left = [one for one in contract if one.outside == "missing" and one.name in rows]
    kept = {one.name: rows[one.name].where(rows[one.name].isin(one.values or ())) for one in left}
    return rows.assign(**kept) if kept else rows


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
