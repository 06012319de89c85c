"""Features to scores: the one place, for a night's batch and for one request."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import BadInput
from domain.scores import SCORE_COLUMNS, risk_bands
from serving.loader import LoadedModel
from serving.reasons import reasons_of
from serving.vocabulary import Vocabulary, registered_features

ROWS_WORTH_THREADS = 32


@dataclass(frozen=True)
class Scorer:
    """Scores customers by the retention model and, where there is one, the segmentation.

    A row's score does not depend on the rows beside it.
    """

    retention: LoadedModel
    segmentation: LoadedModel | None = None
    features: Vocabulary = field(default_factory=registered_features)
    threads: int = 2
    reasons: int = 3
    language: str = "en"  # of the reasons

    @property
    def columns(self) -> list[str]:
        """SCORE_COLUMNS, and at the end what the retention model says of the time ahead."""
        return [*SCORE_COLUMNS, *self.retention.outlook.columns]

    def score(self, frame: pd.DataFrame, grid_version: str) -> pd.DataFrame:
        """One row per row of `frame` (customer_id, as_of, cell_id, features), `columns`.

        `reasons` holds tuples of `domain.scores.Reason`; what no model says is null. Raises
        BadInput when a model holds figures of cells of another grid version.
        """
        self.require_grid(grid_version)
        if frame.empty:
            return pd.DataFrame(columns=self.columns)
        columns: dict[str, Any] = {
            "customer_id": frame["customer_id"].to_numpy(),
            "as_of": frame["as_of"].to_numpy(),
            "grid_version": grid_version,
            "cell_id": frame["cell_id"].to_numpy(),
            **self._risk(frame),
            **self._segments(frame),
            "retention_version": self.retention.version,
            "segmentation_version": self.segmentation.version if self.segmentation else None,
        }
        scores = pd.DataFrame({name: columns[name] for name in self.columns})
        _refuse_infinite(scores)
        return scores

    def require_grid(self, version: str) -> None:
        """BadInput when a model holds figures of cells of another grid version than this."""
        self.retention.require_grid(version)

    def _risk(self, frame: pd.DataFrame) -> dict[str, Any]:
        model = self.retention
        if model.calibration is None or model.card.risk_edges is None:
            raise BadInput("the retention model has no calibration or risk edges; train it again")
        brought, frame = frame, model.inputs(frame)
        matrix = model.manifest.encode(frame)
        threads = self._threads(len(frame))
        margin = model.booster.predict(matrix, raw_score=True, num_threads=threads)
        pushes = model.booster.predict(matrix, pred_contrib=True, num_threads=threads)
        probability = model.calibration.apply(np.asarray(margin, dtype=np.float64))
        ahead = model.outlook.scores(brought, probability, threads)
        if "value_at_risk" not in ahead:
            value = _value_at_risk(frame, model.card.value_feature, probability)
            ahead["value_at_risk"] = value
        return {
            "churn_probability": probability,
            "risk_band": risk_bands(probability, model.card.risk_edges).astype(object),
            **ahead,
            "reasons": reasons_of(
                frame,
                model.manifest.names,
                pushes[:, :-1],
                self.features,
                self.reasons,
                self.language,
            ),
        }

    def _segments(self, frame: pd.DataFrame) -> dict[str, Any]:
        model = self.segmentation
        if model is None:
            return {**_unknown("segment"), **_unknown("next_segment")}
        matrix = model.manifest.encode(frame)
        names = np.asarray(model.card.segments, dtype=object)
        threads = self._threads(len(frame))
        now = _likeliest("segment", names, model.booster, matrix, threads)
        if model.following is None:
            return {**now, **_unknown("next_segment")}
        return {
            **now,
            **_likeliest("next_segment", names, model.following, matrix, threads),
        }

    def _threads(self, rows: int) -> int:
        """Waking a second thread costs more than a few rows do; the numbers are the same."""
        return 1 if rows < ROWS_WORTH_THREADS else self.threads


def _unknown(name: str) -> dict[str, Any]:
    return {name: None, f"{name}_probability": np.nan}


def _likeliest(
    name: str,
    segments: NDArray[np.object_],
    booster: Any,
    matrix: NDArray[np.float64],
    threads: int,
) -> dict[str, Any]:
    shares = np.asarray(booster.predict(matrix, num_threads=threads))
    return {name: segments[shares.argmax(axis=1)], f"{name}_probability": shares.max(axis=1)}


def _value_at_risk(
    frame: pd.DataFrame, feature: str | None, probability: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Money that leaves with the customer, in expectation; a debt is no value."""
    if feature is None:
        return np.full(len(frame), np.nan)
    if feature not in frame.columns:
        raise BadInput(f"feature columns are missing: {feature}")
    value: NDArray[np.float64] = frame[feature].to_numpy(dtype=np.float64, na_value=np.nan)
    return probability * np.maximum(value, 0.0)


def _refuse_infinite(scores: pd.DataFrame) -> None:
    for name in ("churn_probability", "value_at_risk"):
        bad = np.isinf(scores[name].to_numpy())
        if bad.any():
            raise BadInput(
                f"{name} of customer {scores['customer_id'][bad.argmax()]!r} is not finite; "
                "a feature behind it is not finite"
            )
