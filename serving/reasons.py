"""Reason codes: the features that push a customer's risk up most, in words."""

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.scores import Reason
from features.wording import Value, in_words
from serving.vocabulary import Vocabulary


def reasons_of(
    frame: pd.DataFrame,
    names: list[str],
    contributions: NDArray[np.float64],
    features: Vocabulary,
    top: int,
    language: str = "en",
) -> list[tuple[Reason, ...]]:
    """For every row of `frame`, at most `top` reasons, the strongest push upwards first.

    `contributions` (rows x names) are shares of the log-odds; features that do not raise the
    risk are no reason. Equal pushes come in the order of `names`. `language` is one of
    `features.wording.LANGUAGES`.
    """
    strongest = np.argsort(-contributions, axis=1, kind="stable")[:, :top]
    values = {name: frame[name].tolist() for name in names}
    return [
        tuple(
            _reason(names[at], values[names[at]][row], contributions[row, at], features, language)
            for at in order.tolist()
            if contributions[row, at] > 0
        )
        for row, order in enumerate(strongest)
    ]


def _reason(
    name: str, value: Any, contribution: float, features: Vocabulary, language: str
) -> Reason:
    plain = _plain(value, features[name].kind)
    return Reason(name, plain, float(contribution), in_words(plain, features[name], language))


def _plain(value: Any, kind: str) -> Value:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return float(value) if kind == "number" else str(value)
