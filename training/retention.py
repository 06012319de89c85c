"""The retention model: who will leave, how likely, and why."""

# ruff: noqa: N803 (X is what every scikit-learn user calls it)

from collections.abc import Mapping
from typing import Any, Self

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from domain.scores import Reason
from features.manifest import FeatureManifest
from training.boosting.bag import Watch, grow
from training.boosting.calibrating import fit_calibration
from training.boosting.folds import grouped_folds
from training.boosting.parameters import SHRINKAGE, directions, fixed_parameters, ways
from training.evaluation.metrics import Ranked, auc, log_losses
from training.rows.encoding import Encoded, tree_names, two_classes
from training.rows.mixed_table import (
    array_names,
    array_of,
    coded,
    finite,
    frame_of,
    labels_of,
    require_values,
)
from training.words import reason_text

Floats = NDArray[np.float64]
LEAF_SHARE = 400  # a leaf need not hold more than one row in so many, so that small sets split


class RetentionClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Calibrated boosted trees over numbers, words, categories and missing values.

    A booster is grown without each fold of the customers, and together they are one model. When to
    stop, and what a margin is worth, is learned from customers that a booster has not seen. Same
    data and settings: same model, whatever the order of columns and the number of threads.
    Without `lambda_l2` finer trees that are not shrunk are grown too where enough are lost to
    tell (`training.boosting.parameters`), and stay if customers not seen are foretold better.
    `monotone_constraints` names numbers with which the margin never falls (1) or rises (-1).

    >>> X = pd.DataFrame({"recency_days": [1.0, 90.0] * 30, "kind": ["person", None] * 30})
    >>> model = RetentionClassifier(rounds=20, threads=1).fit(X, [0, 1] * 30)
    >>> model.predict(X)[:2]
    array([0, 1])
    """

    def __init__(
        self,
        learning_rate: float = 0.2,
        rounds: int = 300,
        num_leaves: int = 7,
        min_data_in_leaf: int = 200,
        feature_fraction: float = 0.6,
        lambda_l2: float | None = None,
        monotone_constraints: Mapping[str, int] | None = None,
        folds: int = 5,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.learning_rate = learning_rate
        self.rounds = rounds
        self.num_leaves = num_leaves
        self.min_data_in_leaf = min_data_in_leaf
        self.feature_fraction = feature_fraction
        self.lambda_l2 = lambda_l2
        self.monotone_constraints = monotone_constraints
        self.folds = folds
        self.seed = seed
        self.threads = threads

    def fit(
        self, X: pd.DataFrame | ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> Self:
        """Learn from rows `X` and classes `y`; rows with one value of `groups` stay together.

        Raises BadInput when `y` does not hold two classes, and for a table of no use: dates,
        infinite values, two columns of one name, nothing but missing values.
        """
        frame = frame_of(X)
        manifest = FeatureManifest.fit(frame)
        matrix = finite(manifest.encode(frame), manifest)
        require_values(matrix, manifest)
        together = np.arange(len(frame)) if groups is None else groups
        self.fit_encoded(Encoded(manifest, matrix, labels_of(y), together))
        self._name_columns(X)
        return self

    def fit_encoded(self, rows: Encoded, watch: Watch | None = None) -> Self:
        """Learn from rows that a manifest has coded, as `fit` does; `watch` is told every round."""
        _, target = two_classes(rows.y)
        if len(target) != len(rows.matrix):
            raise ValueError(f"{len(rows.matrix)} rows of X but {len(target)} of y")
        fold = grouped_folds(target, rows.groups, self.folds, self.seed)
        bags = [
            grow(_dataset(rows, target, way), rows.matrix, fold, way, self.rounds, watch)
            for way in ways(self.parameters(len(target), rows.manifest), target, self.lambda_l2)
        ]
        best = min(bags, key=lambda bag: _log_loss(bag.margin, target))
        self.adopt(best.booster, best.rounds, rows.manifest, best.margin, rows.y)
        self.finer_ = best is not bags[0]
        return self

    def adopt(
        self,
        booster: "lgb.Booster",
        rounds: int,
        manifest: FeatureManifest,
        margin: Floats,
        y: ArrayLike,
    ) -> Self:
        """Take grown trees, calibrated on margins and classes `y` of rows they did not learn."""
        self.classes_, target = two_classes(y)
        self.finer_ = False
        self.booster_, self.rounds_, self.manifest_ = booster, rounds, manifest
        self.columns_, self.n_features_in_ = manifest.names, len(manifest.names)
        self.calibration_ = fit_calibration(margin, target)
        self.out_of_fold_auc_ = auc(target, Ranked.of(margin), np.ones(len(target)))
        self.out_of_fold_log_loss_ = _log_loss(margin, target)
        return self

    def margin(self, X: pd.DataFrame | ArrayLike) -> Floats:
        """Raw score of each row, in log-odds."""
        check_is_fitted(self)
        matrix = coded(X, self.manifest_, self.columns_)
        found = self.booster_.predict(matrix, raw_score=True, num_threads=self.threads)
        return np.asarray(found, dtype=np.float64)

    def predict_proba(self, X: pd.DataFrame | ArrayLike) -> Floats:
        """Calibrated probabilities of the two classes, one row per row of `X`."""
        margin = self.margin(X)
        lost = self.calibration_.apply(margin)
        return np.column_stack([1 - lost, lost])

    def predict(self, X: pd.DataFrame | ArrayLike) -> NDArray[Any]:
        """The likelier class of each row."""
        likelier = (self.predict_proba(X)[:, 1] > 0.5).astype(np.intp)
        return np.asarray(self.classes_[likelier])

    def contributions(self, X: pd.DataFrame | ArrayLike) -> pd.DataFrame:
        """Push of each feature in log-odds, and `base`; a row sums to its margin (TreeSHAP)."""
        check_is_fitted(self)
        matrix = coded(X, self.manifest_, self.columns_)
        pushes = self.booster_.predict(matrix, pred_contrib=True, num_threads=self.threads)
        return pd.DataFrame(np.asarray(pushes), columns=[*self.manifest_.names, "base"])

    def reasons(self, X: pd.DataFrame | ArrayLike, top: int = 3) -> list[list[Reason]]:
        """The `top` features that raise the risk of each row most, the strongest first."""
        pushes = self.contributions(X).drop(columns="base")
        frame = (
            X if isinstance(X, pd.DataFrame) else pd.DataFrame(array_of(X), columns=self.columns_)
        )
        names, values = list(pushes.columns), pushes.to_numpy()
        strongest = np.argsort(-values, axis=1, kind="stable")[:, :top]
        return [
            [
                _reason(names[at], frame[names[at]].iloc[row], float(values[row, at]))
                for at in columns
                if values[row, at] > 0
            ]
            for row, columns in enumerate(strongest)
        ]

    def parameters(self, rows: int, manifest: FeatureManifest) -> dict[str, Any]:
        """LightGBM's, for so many rows to learn from."""
        return {
            "objective": "binary",
            "metric": "binary_logloss",
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": max(1, min(self.min_data_in_leaf, rows // LEAF_SHARE)),
            "feature_fraction": self.feature_fraction,
            "lambda_l2": SHRINKAGE if self.lambda_l2 is None else self.lambda_l2,
            **directions(self.monotone_constraints or {}, manifest),
            **fixed_parameters(self.seed, self.threads),
        }

    def _name_columns(self, X: pd.DataFrame | ArrayLike) -> None:
        self.__dict__.pop("feature_names_in_", None)  # of an earlier fit
        if isinstance(X, pd.DataFrame):
            self.columns_ = [str(name) for name in X.columns]
            self.feature_names_in_ = np.asarray(self.columns_, dtype=object)
        else:
            self.columns_ = array_names(self.n_features_in_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.classifier_tags.multi_class = False
        return tags


def _log_loss(margin: Floats, target: Floats) -> float:
    """Of margins of rows that were not learned, once calibrated."""
    calibration = fit_calibration(margin, target)
    return float(log_losses(target, calibration.apply(margin)).mean())


def _dataset(rows: Encoded, target: Floats, parameters: Mapping[str, Any]) -> "lgb.Dataset":
    # the raw numbers are let go once they are in bins: LightGBM copies them for every fold else
    return lgb.Dataset(
        rows.matrix,
        target,
        feature_name=tree_names(rows.manifest.names),
        categorical_feature=rows.manifest.categories,
        params=dict(parameters),
    )


def _reason(name: str, value: Any, contribution: float) -> Reason:
    plain = None if pd.isna(value) else value if isinstance(value, str) else float(value)
    return Reason(name, plain, contribution, reason_text(name, plain))
