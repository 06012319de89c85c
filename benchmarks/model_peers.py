"""The models that ours stands beside, each on one thread, as its documentation has it."""

import time
from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from training.retention import RetentionClassifier

Floats = NDArray[np.float64]
Fit = Callable[[pd.DataFrame, Floats, float], Any]  # rows, who left, seconds: a fitted classifier
OURS = "gridkeep"
MISSING = "missing"


def ours(X: pd.DataFrame, y: Floats, seconds: float) -> RetentionClassifier:
    """Ours with its defaults."""
    return RetentionClassifier().fit(X, y)


def lightgbm_default(X: pd.DataFrame, y: Floats, seconds: float) -> lgb.LGBMClassifier:
    """LightGBM with its defaults."""
    return lgb.LGBMClassifier(n_jobs=1, random_state=0, verbosity=-1).fit(X, y)


def lightgbm_tuned(X: pd.DataFrame, y: Floats, seconds: float) -> lgb.LGBMClassifier:
    """The best of the random settings that `seconds` of CPU allow, grown again on all rows."""
    learn, held, y_learn, y_held = train_test_split(X, y, stratify=y, random_state=0, test_size=0.2)
    random, began = np.random.default_rng(0), time.process_time()
    tried: list[tuple[float, dict[str, Any]]] = []
    while not tried or time.process_time() - began < seconds:
        settings = _drawn(random)
        model = lgb.LGBMClassifier(**settings).fit(
            learn,
            y_learn,
            eval_X=held,
            eval_y=y_held,
            callbacks=[lgb.early_stopping(50, verbose=False)],
        )
        loss = model.best_score_["valid_0"]["binary_logloss"]
        tried.append((loss, settings | {"n_estimators": model.best_iteration_}))
    return lgb.LGBMClassifier(**min(tried, key=lambda one: one[0])[1]).fit(X, y)


def _drawn(random: np.random.Generator) -> dict[str, Any]:
    return {
        "n_estimators": 1000,
        "learning_rate": float(np.exp(random.uniform(np.log(0.02), np.log(0.2)))),
        "num_leaves": int(random.integers(4, 64)),
        "min_child_samples": int(np.exp(random.uniform(np.log(5), np.log(200)))),
        "colsample_bytree": float(random.uniform(0.3, 1.0)),
        "subsample": float(random.uniform(0.5, 1.0)),
        "subsample_freq": 1,
        "reg_lambda": float(np.exp(random.uniform(np.log(0.1), np.log(50)))),
        "n_jobs": 1,
        "random_state": 0,
        "verbosity": -1,
    }


class OfWords:
    """CatBoost takes words where others take categories."""

    def __init__(self, model: Any, words: list[str]) -> None:
        self.model, self.words = model, words

    def fit(self, X: pd.DataFrame, y: Floats) -> "OfWords":
        self.model.fit(self._told(X), y, cat_features=self.words)
        return self

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        return np.asarray(self.model.predict_proba(self._told(X)))

    def _told(self, X: pd.DataFrame) -> pd.DataFrame:
        words = {name: X[name].astype(object).fillna(MISSING).astype(str) for name in self.words}
        return X.assign(**words)


def catboost_default(X: pd.DataFrame, y: Floats, seconds: float) -> OfWords:
    """CatBoost with its defaults."""
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(thread_count=1, random_seed=0, verbose=0, allow_writing_files=False)
    return OfWords(model, _words(X)).fit(X, y)


def hist_gradient_boosting(
    X: pd.DataFrame, y: Floats, seconds: float
) -> HistGradientBoostingClassifier:
    """scikit-learn's with its defaults."""
    return HistGradientBoostingClassifier(random_state=0).fit(X, y)


def logistic(X: pd.DataFrame, y: Floats, seconds: float) -> Pipeline:
    """Logistic regression on standardised numbers and one column a category."""
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore")
    prepared = ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("words", words, make_column_selector(dtype_exclude="number")),
        ]
    )
    return make_pipeline(prepared, LogisticRegression(max_iter=2000)).fit(X, y)


def ebm_default(X: pd.DataFrame, y: Floats, seconds: float) -> Any:
    """InterpretML's explainable boosting machine with its defaults."""
    from interpret.glassbox import ExplainableBoostingClassifier

    return ExplainableBoostingClassifier(n_jobs=1, random_state=0).fit(X, y)


def _words(X: pd.DataFrame) -> list[str]:
    return list(X.select_dtypes(exclude="number").columns)


PEERS: dict[str, Fit] = {
    OURS: ours,
    "LightGBM": lightgbm_default,
    "LightGBM tuned": lightgbm_tuned,
    "CatBoost": catboost_default,
    "scikit-learn HGB": hist_gradient_boosting,
    "logistic regression": logistic,
    "EBM": ebm_default,
}
# takes longer than all the others together: on the first folds alone
FIRST = {"EBM": ("0.0", "0.1", "0.2")}
