"""The retention model: who will leave, how likely, and why."""

# ruff: noqa: N803, N806 (X is what every scikit-learn user calls it)

from collections.abc import Iterator, Mapping
from typing import Any, Self

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d

from domain.errors import BadInput
from domain.scores import Reason
from features.manifest import FeatureManifest
from training.calibrating import fit_calibration
from training.encoding import Encoded, tree_names, two_classes
from training.evaluation import Ranked, auc, log_losses
from training.words import reason_text

Floats = NDArray[np.float64]
PATIENCE = 50  # rounds without a better mean log-loss over the folds
PREDICT_ROWS = 100_000  # at a time, so that a fold's rows are not copied as one
LEAF_SHARE = 50  # a leaf holds at most one row in so many, so that small sets can split


class RetentionClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Calibrated boosted trees over numbers, categories and missing values.

    Rounds are chosen, and probabilities calibrated, on folds that keep a group (a customer)
    together; the trees are then grown on all rows. Same data, settings and threads: same model.

    >>> X = pd.DataFrame({"recency_days": [1.0, 90.0] * 30, "kind": ["person", None] * 30})
    >>> model = RetentionClassifier(rounds=20, threads=1).fit(X, [0, 1] * 30)
    >>> model.predict(X)[:2]
    array([0, 1])
    """

    def __init__(
        self,
        learning_rate: float = 0.05,
        rounds: int = 600,
        num_leaves: int = 7,
        min_data_in_leaf: int = 200,
        feature_fraction: float = 0.4,
        lambda_l2: float = 10.0,
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
        self.folds = folds
        self.seed = seed
        self.threads = threads

    def fit(
        self, X: pd.DataFrame | ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> Self:
        """Learn from rows `X` and classes `y`; rows with one value of `groups` stay together.

        Raises BadInput when `y` does not hold two classes.
        """
        frame = self._frame(X, fitting=True)
        manifest = FeatureManifest.fit(frame)
        together = np.arange(len(frame)) if groups is None else groups
        rows = Encoded(manifest, manifest.encode(frame), column_or_1d(y, warn=True), together)
        return self.fit_encoded(rows)

    def fit_encoded(self, rows: Encoded) -> Self:
        """Learn from rows that a manifest has coded, as `fit` does."""
        _, target = two_classes(rows.y)
        if len(target) != len(rows.matrix):
            raise ValueError(f"{len(rows.matrix)} rows of X but {len(target)} of y")
        data = self._dataset(rows, target)
        folds = list(
            _folds(target, pd.factorize(np.asarray(rows.groups))[0], self.folds, self.seed)
        )
        rounds, margin = self._cross_validate(data, rows.matrix, folds)
        booster = lgb.train(self.parameters(len(target)), data, rounds)
        return self.adopt(booster, rounds, rows.manifest, margin, rows.y)

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
        self.booster_, self.rounds_, self.manifest_ = booster, rounds, manifest
        self.calibration_ = fit_calibration(margin, target)
        self.out_of_fold_auc_ = auc(target, Ranked.of(margin), np.ones(len(target)))
        self.out_of_fold_log_loss_ = float(
            log_losses(target, self.calibration_.apply(margin)).mean()
        )
        return self

    def margin(self, X: pd.DataFrame | ArrayLike) -> Floats:
        """Raw score of each row, in log-odds."""
        check_is_fitted(self)
        matrix = self.manifest_.encode(self._frame(X))
        return np.asarray(self.booster_.predict(matrix, raw_score=True), dtype=np.float64)

    def predict_proba(self, X: pd.DataFrame | ArrayLike) -> Floats:
        """Calibrated probabilities of the two classes, one row per row of `X`."""
        margin = self.margin(X)
        lost = self.calibration_.apply(margin)
        return np.column_stack([1 - lost, lost])

    def predict(self, X: pd.DataFrame | ArrayLike) -> NDArray[Any]:
        """The likelier class of each row."""
        likelier = (self.predict_proba(X)[:, 1] >= 0.5).astype(np.intp)
        return np.asarray(self.classes_[likelier])

    def contributions(self, X: pd.DataFrame | ArrayLike) -> pd.DataFrame:
        """Push of each feature in log-odds, and `base`; a row sums to its margin (TreeSHAP)."""
        check_is_fitted(self)
        matrix = self.manifest_.encode(self._frame(X))
        pushes = np.asarray(self.booster_.predict(matrix, pred_contrib=True))
        return pd.DataFrame(pushes, columns=[*self.manifest_.names, "base"])

    def reasons(self, X: pd.DataFrame | ArrayLike, top: int = 3) -> list[list[Reason]]:
        """The `top` features that raise the risk of each row most, the strongest first."""
        frame, pushes = self._frame(X), self.contributions(X).drop(columns="base")
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

    def _cross_validate(
        self, data: "lgb.Dataset", matrix: Floats, folds: list[tuple[NDArray[Any], NDArray[Any]]]
    ) -> tuple[int, Floats]:
        history = lgb.cv(
            self.parameters(len(matrix)),
            data,
            self.rounds,
            folds=folds,
            return_cvbooster=True,
            callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
        )
        boosters = history["cvbooster"]
        rounds = len(history["valid binary_logloss-mean"])
        margin = np.empty(len(matrix))
        for (_, held_out), booster in zip(folds, boosters.boosters, strict=True):
            for some in np.array_split(held_out, len(held_out) // PREDICT_ROWS + 1):
                margin[some] = booster.predict(matrix[some], raw_score=True, num_iteration=rounds)
        return rounds, margin

    def _dataset(self, rows: Encoded, target: Floats) -> "lgb.Dataset":
        # the raw numbers are let go once they are in bins: LightGBM copies them for every fold else
        return lgb.Dataset(
            rows.matrix,
            target,
            feature_name=tree_names(rows.manifest.names),
            categorical_feature=rows.manifest.categories,
            params=self.parameters(len(target)),
        )

    def parameters(self, rows: int) -> dict[str, Any]:
        """LightGBM's, for so many rows to learn from."""
        return {
            "objective": "binary",
            "metric": "binary_logloss",
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": max(1, min(self.min_data_in_leaf, rows // LEAF_SHARE)),
            "feature_fraction": self.feature_fraction,
            "lambda_l2": self.lambda_l2,
            **fixed_parameters(self.seed, self.threads),
        }

    def _frame(self, X: pd.DataFrame | ArrayLike, fitting: bool = False) -> pd.DataFrame:
        if not isinstance(X, pd.DataFrame):
            values = check_array(X, ensure_all_finite="allow-nan", dtype=np.float64)
            X = pd.DataFrame(values, columns=[f"x{at}" for at in range(values.shape[1])])
        elif fitting:
            self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        if fitting:
            self.n_features_in_ = X.shape[1]
        return X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.classifier_tags.multi_class = False
        return tags


def fixed_parameters(seed: int, threads: int) -> Mapping[str, Any]:
    """What makes LightGBM repeat itself to the byte on one machine."""
    return {
        "seed": seed,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def _folds(
    target: Floats, groups: NDArray[Any], folds: int, seed: int
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    fewest = min(len(np.unique(groups[target == value])) for value in (0, 1))
    if fewest < 2:
        raise BadInput(
            f"one class of the label has only {fewest} customer; calibration needs 2 or more of "
            "each; choose other cut-offs or another [label], or deliver more customers"
        )
    splitter = StratifiedGroupKFold(min(folds, fewest), shuffle=True, random_state=seed)
    yield from splitter.split(target, target, groups)


def _reason(name: str, value: Any, contribution: float) -> Reason:
    plain = None if pd.isna(value) else value if isinstance(value, str) else float(value)
    return Reason(name, plain, contribution, reason_text(name, plain))
