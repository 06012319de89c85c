"""Calibration: a monotone table from a model's raw score to a probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Calibration:
    """Knots of a non-decreasing, piecewise linear map; constant beyond its ends.

    >>> Calibration((0.0, 1.0), (0.1, 0.3)).apply(np.array([0.5, 2.0]))
    array([0.2, 0.3])
    """

    raw: tuple[float, ...]
    probability: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.raw) != len(self.probability) or len(self.raw) < 2:
            raise ValueError("a calibration needs two or more knots, each with a probability")
        if np.any(np.diff(self.raw) <= 0) or np.any(np.diff(self.probability) < 0):
            raise ValueError("calibration knots must rise and their probabilities must not fall")
        if self.probability[0] < 0 or self.probability[-1] > 1:
            raise ValueError("calibrated probabilities lie between 0 and 1")

    def apply(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities of raw scores, same shape."""
        return np.interp(raw, self.raw, self.probability)
