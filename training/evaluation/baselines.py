"""What the trees have to beat: the bank's recency rule and logistic regression."""

from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from features.manifest import FeatureManifest

Floats = NDArray[np.float64]


class Baseline(Protocol):
    """Learns from rows and classes, answers with probabilities of loss."""

    def fit(self, frame: pd.DataFrame, target: Floats) -> Self:
        """Learn."""

    def probability(self, frame: pd.DataFrame) -> Floats:
        """Probability of loss of each row."""


class RecencyRule:
    """The longer silent, the likelier lost: the rate of loss as a rising step of one feature.

    A customer without any transaction gets the rate of such customers.

    >>> frame = pd.DataFrame({"recency_days": [1.0, 5.0, 80.0, 90.0]})
    >>> RecencyRule().fit(frame, np.array([0.0, 0, 0, 1])).probability(frame).tolist()
    [0.0, 0.0, 0.0, 1.0]
    """

    def __init__(self, column: str = "recency_days") -> None:
        self.column = column

    def fit(self, frame: pd.DataFrame, target: Floats) -> Self:
        """Learn the step and the rate of the never active."""
        recency = frame[self.column].to_numpy(np.float64)
        known = np.isfinite(recency)
        self._rate = float(target[~known].mean()) if (~known).any() else float(target.mean())
        self._step = (
            IsotonicRegression(out_of_bounds="clip").fit(recency[known], target[known])
            if known.any()
            else None
        )
        return self

    def probability(self, frame: pd.DataFrame) -> Floats:
        """Rate of loss at each row's recency."""
        recency = frame[self.column].to_numpy(np.float64)
        found = np.full(len(recency), self._rate)
        known = np.isfinite(recency)
        if self._step is not None and known.any():
            found[known] = self._step.predict(recency[known])
        return found


class LogisticBaseline:
    """Logistic regression on signed logarithms, missing values marked, categories one-hot."""

    def fit(self, frame: pd.DataFrame, target: Floats) -> Self:
        """Learn, on columns that vary."""
        columns = FeatureManifest.fit(frame).columns
        self.numbers = [
            c.name for c in columns if c.kind == "number" and frame[c.name].nunique() > 1
        ]
        self.categories = [c.name for c in columns if c.kind == "category"]
        self._model = _logistic(self.numbers, self.categories)
        self._model.fit(self._prepared(frame), target)
        return self

    def probability(self, frame: pd.DataFrame) -> Floats:
        """Probability of loss of each row."""
        return np.asarray(self._model.predict_proba(self._prepared(frame))[:, 1])

    def _prepared(self, frame: pd.DataFrame) -> pd.DataFrame:
        numbers = frame[self.numbers].astype(np.float64)
        words = frame[self.categories].astype(object)
        return pd.concat([numbers, words.where(words.notna(), "missing").astype(str)], axis=1)


def _signed_log(values: Floats) -> Floats:
    # money spans six orders of magnitude; a straight line needs it tamed
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def _logistic(numbers: list[str], categories: list[str]) -> Any:
    tamed = make_pipeline(
        FunctionTransformer(_signed_log),
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
    )
    one_hot = OneHotEncoder(handle_unknown="ignore", min_frequency=10)
    columns = make_column_transformer((tamed, numbers), (one_hot, categories))
    return make_pipeline(columns, LogisticRegression(C=0.1, max_iter=5000))


def baselines(frame: pd.DataFrame) -> dict[str, Baseline]:
    """The baselines that these features allow, by name.

    >>> list(baselines(pd.DataFrame({"recency_days": [1.0]})))
    ['recency rule', 'logistic regression']
    """
    found: dict[str, Baseline] = {}
    if "recency_days" in frame.columns:
        found["recency rule"] = RecencyRule()
    found["logistic regression"] = LogisticBaseline()
    return found
