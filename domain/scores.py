"""The score table and the words on it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RISK_BANDS = ("low", "medium", "high")

SCORE_COLUMNS = (
    "customer_id",
    "as_of",
    "grid_version",
    "cell_id",
    "churn_probability",
    "risk_band",
    "value_at_risk",
    "segment",
    "segment_probability",
    "next_segment",
    "next_segment_probability",
    "reasons",
    "retention_version",
    "segmentation_version",
)


class Reason(NamedTuple):
    """Why a score is what it is: one feature, its value, its push in log-odds, and words."""

    feature: str
    value: float | str | None
    contribution: float
    text: str


def risk_bands(probability: NDArray[np.float64], edges: Sequence[float]) -> NDArray[np.str_]:
    """Band of each probability; `edges` are the two lower edges of medium and high.

    >>> risk_bands(np.array([0.01, 0.2, 0.9]), (0.1, 0.5)).tolist()
    ['low', 'medium', 'high']
    """
    return np.asarray(RISK_BANDS)[np.searchsorted(np.asarray(edges), probability, side="right")]
