"""Reason codes: the features that push a customer's risk up most, in words."""

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.scores import Reason
from serving.vocabulary import FeatureFacts, Vocabulary

Value = float | str | None

COUNT = "number of "
YES_OR_NO = "yes or no"
# "a ratio of 0.4" needs no unit, and the bank knows which money it counts in
WITHOUT_UNIT = ("ratio", "share", "money", "words", "")


def reasons_of(
    frame: pd.DataFrame,
    names: list[str],
    contributions: NDArray[np.float64],
    features: Vocabulary,
    top: int,
) -> list[tuple[Reason, ...]]:
    """For every row of `frame`, at most `top` reasons, the strongest push upwards first.

    `contributions` (rows x names) are shares of the log-odds; features that do not raise the
    risk are no reason. Equal pushes come in the order of `names`.
    """
    strongest = np.argsort(-contributions, axis=1, kind="stable")[:, :top]
    values = {name: frame[name].tolist() for name in names}
    return [
        tuple(
            _reason(names[at], values[names[at]][row], contributions[row, at], features)
            for at in order.tolist()
            if contributions[row, at] > 0
        )
        for row, order in enumerate(strongest)
    ]


def _reason(name: str, value: Any, contribution: float, features: Vocabulary) -> Reason:
    plain = _plain(value, features[name].kind)
    words = in_words(plain, features[name])
    return Reason(name, plain, float(contribution), f"{words} (raises the risk)")


def _plain(value: Any, kind: str) -> Value:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return float(value) if kind == "number" else str(value)


def in_words(value: Value, facts: FeatureFacts) -> str:
    """A value with its unit and what it measures."""
    if value is None:
        return f"{facts.text}: not known"
    if isinstance(value, str):
        return f"{facts.text}: {value}"
    if facts.unit == YES_OR_NO:
        return f"{facts.text}: {'yes' if value else 'no'}"
    if facts.text.startswith(COUNT):
        return f"{number(value)} {facts.text.removeprefix(COUNT)}"
    if facts.text.startswith(facts.unit):
        return f"{number(value)} {facts.text}"
    unit = "" if facts.unit in WITHOUT_UNIT else f" {facts.unit}"
    return f"{facts.text}: {number(value)}{unit}"


def number(value: float) -> str:
    """A number as people write it: three significant digits below 100, whole above.

    >>> number(62.0), number(0.12345), number(1234567.8), number(-0.00001)
    ('62', '0.123', '1,234,568', '-1e-05')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
