"""What a bundle says of the time ahead: lost by which horizon, and the margin of the next year.

Training writes these beside LightGBM texts and judges by them, serving reads them: the same
arithmetic either way.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from domain.calibration import Calibration
from features.manifest import FeatureManifest
from features.settings import LabelKind

Floats = NDArray[np.float64]
INTERVAL = "horizon_interval"  # an input of the trees: 0 up to the first horizon, 1 to the second
HORIZONS, VALUE = "horizons_", "value"  # beginnings of names of files, .json and .txt
VALUE_PARTS = ("any", "much", "low", "high")  # texts of the margin model


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    manifest: FeatureManifest

    @property
    def features(self) -> list[str]:
        """The inputs that are features."""
        return [name for name in self.manifest.names if name != INTERVAL]


class HorizonsSpec(_Spec):
    """One definition of loss, by horizon: a discrete-time hazard whose trees know the interval."""

    kind: LabelKind
    days: tuple[int, ...]  # the horizons, the shortest first
    raw: tuple[tuple[float, ...], ...]  # knots of the calibration of each interval's hazard
    probability: tuple[tuple[float, ...], ...]

    @model_validator(mode="after")
    def _a_calibration_each(self) -> Self:
        if not len(self.days) == len(self.raw) == len(self.probability):
            raise ValueError("every horizon needs the calibration of its interval")
        return self

    def texts(self) -> dict[str, str]:
        """The file of its trees, by the name it has here."""
        return {"trees": f"{HORIZONS}{self.kind}.txt"}

    def columns(self, label: str) -> list[str]:
        """Names of its scores, where `label` is the kind of [label].

        >>> spec = HorizonsSpec.model_construct(kind="closed", days=(30, 90))
        >>> spec.columns("closed"), spec.columns("silent")[0]
        (['churn_probability_30d', 'churn_probability_90d'], 'churn_probability_closed_30d')
        """
        of = "" if self.kind == label else f"{self.kind}_"
        return [f"churn_probability_{of}{days}d" for days in self.days]

    def lost_by(self, trees: Any, frame: pd.DataFrame, threads: int = 1) -> Floats:
        """Probability of loss by each horizon, rows x horizons; it never falls along a row."""
        matrix = self.manifest.encode(frame.assign(**{INTERVAL: 0.0}))
        at = self.manifest.names.index(INTERVAL)
        hazards = np.empty((len(frame), len(self.days)))
        for interval, knots in enumerate(zip(self.raw, self.probability, strict=True)):
            matrix[:, at] = interval
            margin = trees.predict(matrix, raw_score=True, num_threads=threads)
            found = Calibration(*knots).apply(np.asarray(margin, dtype=np.float64))
            hazards[:, interval] = found
        return lost_by(hazards)


def lost_by(hazards: Floats) -> Floats:
    """One minus the product of staying through every interval so far.

    >>> lost_by(np.array([[0.5, 0.0, 0.5]])).tolist()
    [[0.5, 0.5, 0.75]]
    """
    return np.asarray(1 - np.cumprod(1 - hazards, axis=1))


class Margins(NamedTuple):
    """Margin of the next 12 months, in the bank's currency: its mean and 80 % interval."""

    expected: Floats
    low: Floats
    high: Floats


class ValueSpec(_Spec):
    """The margin model: is there any, how much, and between which bounds."""

    scale: float  # money; bounds are foretold as log(1 + margin / scale)
    widened: float  # by which both bounds are moved outwards, so that 80 % lie between
    net_interest_margin: float
    fee_on_turnover: float

    def texts(self) -> dict[str, str]:
        """The files of its trees, by the names they have here."""
        return {part: f"{VALUE}_{part}.txt" for part in VALUE_PARTS}

    def margins(self, trees: Mapping[str, Any], frame: pd.DataFrame, threads: int = 1) -> Margins:
        """The margin of each row."""
        matrix = self.manifest.encode(frame)
        told = {
            part: np.asarray(trees[part].predict(matrix, num_threads=threads), dtype=np.float64)
            for part in VALUE_PARTS
        }
        low, high = bounds(told["low"], told["high"], self.widened, self.scale)
        return Margins(told["any"] * told["much"], low, high)


def bounds(low: Floats, high: Floats, widened: float, scale: float) -> tuple[Floats, Floats]:
    """Bounds in money of foretold quantiles of log(1 + margin / scale); none is below 0.

    >>> bounds(np.array([0.0]), np.array([np.log(3.0)]), 0.0, 10.0)[1].round(6).tolist()
    [20.0]
    """
    middle = (low + high) / 2
    below = np.expm1(np.minimum(low - widened, middle)) * scale
    above = np.expm1(np.maximum(high + widened, middle)) * scale
    return np.maximum(below, 0.0), np.maximum(above, 0.0)
