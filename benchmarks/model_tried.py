"""What was tried on the retention model, for its page to say what paid and what did not."""

from collections.abc import Mapping
from typing import Any, Self

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from benchmarks.model_peers import OURS, Fit, logistic, ours
from domain.calibration import Calibration
from features.manifest import FeatureManifest
from training.boosting.calibrating import fit_calibration, platt
from training.boosting.folds import grouped_folds
from training.boosting.parameters import FINER, SHRINKAGE
from training.retention import RetentionClassifier
from training.rows.encoding import Encoded, tree_names, two_classes

Floats = NDArray[np.float64]
# sets that have a column of a thousand words and more, left out of the comparison with others
MANY_WORDS = ("churn_modelling", "telco")
MANY, PRIOR_ROWS = 10, 10.0


class OneBooster(RetentionClassifier):
    """The trees of all rows, as many as the folds found best: before there was a bag."""

    def fit_encoded(self, rows: Encoded) -> Self:
        super().fit_encoded(rows)
        _, target = two_classes(rows.y)
        parameters = self.parameters(len(target), rows.manifest)
        data = lgb.Dataset(
            rows.matrix,
            target,
            feature_name=tree_names(rows.manifest.names),
            categorical_feature=rows.manifest.categories,
        )
        self.booster_ = lgb.train(parameters, data, self.rounds_)
        return self


class Drawn(RetentionClassifier):
    """Every tree sees some of the rows and columns."""

    def parameters(self, rows: int, manifest: FeatureManifest) -> dict[str, Any]:
        drawn = {"bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.5}
        return super().parameters(rows, manifest) | drawn


class Fine(RetentionClassifier):
    """Four times as many bins as LightGBM takes by itself."""

    def parameters(self, rows: int, manifest: FeatureManifest) -> dict[str, Any]:
        return super().parameters(rows, manifest) | {"max_bin": FINER["max_bin"]}


class ByASigmoid(RetentionClassifier):
    """Platt's sigmoid however many were lost."""

    def adopt(self, *arguments: Any) -> Self:
        super().adopt(*arguments)
        margin, y = arguments[-2:]
        self.calibration_ = platt(margin, two_classes(y)[1])
        return self


class RatesOfWords:
    """A column more for every column of many words: the rate of loss of its words, by order.

    A row that is learned from sees the rows before it in a random order (Prokhorenkova and others,
    2018); a row that is scored sees all.
    """

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:
        words = X.select_dtypes(exclude="number")
        self.words = [name for name in words if words[name].nunique() >= MANY]
        self.mean = y.mean()
        self.rates = {name: self._rates(X[name].astype(object), y) for name in self.words}
        columns = {f"{name}_rate": self._before(X[name].astype(object), y) for name in self.words}
        self.model = RetentionClassifier().fit(X.assign(**columns), y)
        return self

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        columns = {
            f"{name}_rate": X[name].astype(object).map(self.rates[name]).fillna(self.mean)
            for name in self.words
        }
        return self.model.predict_proba(X.assign(**columns))

    def _rates(self, words: "pd.Series[Any]", y: Floats) -> Mapping[Any, float]:
        by = pd.Series(y, index=words.index).groupby(words)
        return dict((by.sum() + PRIOR_ROWS * self.mean) / (by.size() + PRIOR_ROWS))

    def _before(self, words: "pd.Series[Any]", y: Floats) -> Floats:
        order = np.random.default_rng(0).permutation(len(y))
        mixed = pd.Series(y[order]).groupby(words.to_numpy()[order])
        lost = mixed.cumsum().to_numpy() - y[order]
        found = np.empty(len(y))
        rate = (lost + PRIOR_ROWS * self.mean) / (mixed.cumcount().to_numpy() + PRIOR_ROWS)
        found[order] = np.where(np.isnan(rate), self.mean, rate)
        return found


class Blended(RetentionClassifier):
    """The margin of the trees and that of a logistic regression, weighed by customers not seen."""

    def fit(self, X: pd.DataFrame, y: Floats, groups: Any = None) -> Self:
        super().fit(X, y, groups)
        self.line = logistic(X, y, 0.0)
        fold = grouped_folds(y, np.arange(len(y)), self.folds, self.seed)
        sides = [(np.flatnonzero(fold != at), np.flatnonzero(fold == at)) for at in range(5)]
        line = cross_val_predict(self.line, X, y, cv=sides, method="decision_function")
        both = np.column_stack([self.out_of_fold, line])
        self.weights = LogisticRegression(C=np.inf).fit(both, y)
        self.blend: Calibration = fit_calibration(self.weights.decision_function(both), y)
        return self

    def adopt(self, *arguments: Any) -> Self:
        self.out_of_fold = arguments[-2]
        return super().adopt(*arguments)

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        both = np.column_stack([self.margin(X), self.line.decision_function(X)])
        lost = self.blend.apply(self.weights.decision_function(both))
        return np.column_stack([1 - lost, lost])


def tried(model: Any) -> Fit:
    """A way to fit one more of `model`, which is not fitted."""
    return lambda X, y, seconds: type(model)(**_settings(model)).fit(X, y)


def _settings(model: Any) -> dict[str, Any]:
    return dict(model.get_params()) if isinstance(model, RetentionClassifier) else {}


# the settings of the release before the bag
BEFORE = {"learning_rate": 0.05, "num_leaves": 7, "min_data_in_leaf": 200, "lambda_l2": 10.0}
TRIED: dict[str, Fit] = {
    OURS: ours,
    "one booster as before": tried(OneBooster(**BEFORE, feature_fraction=0.4)),
    "one booster": tried(OneBooster(lambda_l2=SHRINKAGE)),
    "the usual trees alone": tried(RetentionClassifier(lambda_l2=SHRINKAGE)),
    "1,023 bins": tried(Fine(lambda_l2=SHRINKAGE)),
    "leaves shrunk less": tried(RetentionClassifier(lambda_l2=1.0)),
    "both": tried(Fine(lambda_l2=1.0)),
    "both, not shrunk at all": tried(Fine(lambda_l2=0.0)),
    "a quarter of the rate": tried(RetentionClassifier(learning_rate=0.05)),
    "rows and columns drawn": tried(Drawn()),
    "ten folds": tried(RetentionClassifier(folds=10)),
    "a sigmoid": tried(ByASigmoid()),
    "rates of words": tried(RatesOfWords()),
    "blended with a line": tried(Blended()),
}
