"""The segmentation model: segments with names, who is in which, and who will be next quarter."""

# ruff: noqa: N803 (X is what every scikit-learn user calls it)

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from domain.errors import BadInput
from features.manifest import FeatureManifest
from training.retention import fixed_parameters
from training.rule import SegmentRule, fit_rule
from training.settings import SegmentationSettings
from training.words import segment_word

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TIER_WORDS = {
    1: ("any value",),
    2: ("low value", "high value"),
    3: ("low value", "middle value", "high value"),
    4: ("low value", "lower middle value", "upper middle value", "high value"),
}
USUAL_BEHAVIOUR = (
    "transactions_90d",
    "active_months_365d",
    "credit_90d",
    "debit_90d",
    "channels_365d",
    "categories_365d",
    "counterparties_365d",
    "gap_std_365d",
    "salary_months_180d",
)
BALANCE, DEBITS = "balance_usual", "debit_365d"
MOSTLY = 0.5  # share of customers with a balance from which balance is what value means
DISTINCT = 0.15  # mean rank this far from the middle is worth a word
WORDS_AT_LEAST, WORDS_AT_MOST = 2, 4


def value_feature(frame: pd.DataFrame) -> str:
    """The feature that stands for a customer's value: usual balance where known, else debits.

    >>> value_feature(pd.DataFrame({"balance_usual": [1.0, 2.0], "debit_365d": [3.0, 4.0]}))
    'balance_usual'
    """
    known = frame[BALANCE].notna().mean() if BALANCE in frame.columns else 0.0
    if known >= MOSTLY or DEBITS not in frame.columns:
        if BALANCE in frame.columns:
            return BALANCE
        raise BadInput(
            f"neither {BALANCE} nor {DEBITS} is a feature; name the value of a customer in "
            "segmentation.value_feature"
        )
    return DEBITS


class Agreement(NamedTuple):
    """How often predicted and true segments are the same, beside the simplest guess."""

    accuracy: float
    baseline: float  # the commonest segment (assignment) or no change (next quarter)
    rows: int


class SegmentModel:
    """Value tiers x behaviour clusters, named; trees that assign anyone and look a quarter ahead.

    >>> now = pd.DataFrame({"debit_365d": [1.0, 2, 3, 90, 95, 99] * 20,
    ...                     "transactions_90d": [0.0, 0, 9, 0, 9, 9] * 20})
    >>> settings = SegmentationSettings(tier_shares=(0.5, 0.5), clusters_min=2, threads=1)
    >>> model = SegmentModel(settings).fit(now)
    >>> model.names[0]
    'low value · seldom active'
    """

    def __init__(self, settings: SegmentationSettings | None = None) -> None:
        self.settings = settings or SegmentationSettings()

    def fit(
        self,
        X: pd.DataFrame,
        X_next: pd.DataFrame | None = None,
        customers: Sequence[str] | None = None,
        customers_next: Sequence[str] | None = None,
    ) -> Self:
        """Fit the rule and the trees on `X`; with `X_next`, a horizon later, the next quarter.

        Rows of both frames are matched by `customers` and `customers_next`, else by position.
        """
        value = self.settings.value_feature or value_feature(X)
        self.rule = fit_rule(X, value, self._behaviour(X, value), self.settings)
        self.names = segment_names(self.rule, X)
        # of features that are equal in training trees take the first, and the tiers are the value:
        # a look-alike (the mean balance, say) may be missing where the value is known
        columns = [value, *(name for name in X.columns if name != value)]
        self.manifest = FeatureManifest.fit(X[columns])
        matrix, now = self.manifest.encode(X), self.rule.assign(X)
        self.booster = self._grow(matrix, now)
        self.next_booster = None
        if X_next is not None:
            here, later = match(customers, customers_next, len(X), len(X_next))
            self.next_booster = self._grow(matrix[here], self.rule.assign(X_next)[later])
        return self

    def segments(self, X: pd.DataFrame) -> Ints:
        """Segment index by the rule."""
        return self.rule.assign(X)

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Probability of each segment now, rows x segments."""
        return np.asarray(self.booster.predict(self.manifest.encode(X)))

    def predict_next_proba(self, X: pd.DataFrame) -> Floats:
        """Probability of each segment a horizon later, rows x segments."""
        if self.next_booster is None:
            raise BadInput("this segment model was fitted without a later cut-off (X_next)")
        return np.asarray(self.next_booster.predict(self.manifest.encode(X)))

    def assign(self, X: pd.DataFrame) -> list[str]:
        """Name of each row's likeliest segment."""
        return [self.names[at] for at in self.predict_proba(X).argmax(axis=1)]

    def agreement(self, X: pd.DataFrame) -> Agreement:
        """How often the trees give the rule's segment."""
        truth = self.segments(X)
        found = self.predict_proba(X).argmax(axis=1)
        return Agreement(float((found == truth).mean()), _commonest(truth), len(X))

    def next_agreement(
        self,
        X: pd.DataFrame,
        X_next: pd.DataFrame,
        customers: Sequence[str] | None = None,
        customers_next: Sequence[str] | None = None,
    ) -> Agreement:
        """How often the predicted next segment comes true; the baseline is no change."""
        here, later = match(customers, customers_next, len(X), len(X_next))
        truth, now = self.segments(X_next)[later], self.segments(X)[here]
        found = self.predict_next_proba(X)[here].argmax(axis=1)
        return Agreement(float((found == truth).mean()), float((now == truth).mean()), len(here))

    def _behaviour(self, frame: pd.DataFrame, value: str) -> list[str]:
        wanted = self.settings.behaviour or USUAL_BEHAVIOUR
        absent = [name for name in self.settings.behaviour if name not in frame.columns]
        if absent:
            raise BadInput(f"segmentation.behaviour names no feature: {', '.join(absent)}")
        usual = [name for name in wanted if name in frame.columns and name != value]
        numbers = [str(name) for name in frame.select_dtypes("number") if name != value]
        chosen = [name for name in usual or numbers if frame[name].nunique() > 1]
        if not chosen:
            raise BadInput("no behaviour feature varies between customers; there are no segments")
        return chosen

    def _grow(self, matrix: Floats, target: Ints) -> "lgb.Booster":
        settings = self.settings
        parameters: dict[str, Any] = {
            "objective": "multiclass",
            "num_class": max(2, len(self.rule.segments)),
            "learning_rate": settings.learning_rate,
            "num_leaves": settings.num_leaves,
            "min_data_in_leaf": max(1, min(20, len(matrix) // 20)),
            **fixed_parameters(settings.seed, settings.threads),
        }
        data = lgb.Dataset(
            matrix,
            target,
            feature_name=self.manifest.names,
            categorical_feature=self.manifest.categories,
            params=parameters,
        )
        return lgb.train(parameters, data, settings.rounds)


def segment_names(rule: SegmentRule, frame: pd.DataFrame) -> tuple[str, ...]:
    """A name for each segment: its tier, and what sets its cluster apart; unique."""
    words = _cluster_words(rule)
    tiers = TIER_WORDS[len(rule.value_edges) + 1]
    return tuple(f"{tiers[tier]} · {words[cluster]}" for tier, cluster in rule.segments)


def _cluster_words(rule: SegmentRule) -> list[str]:
    apart = rule.centres - rule.centres.mean(axis=0)
    orders = np.argsort(-np.abs(apart), axis=1, kind="stable")
    for count in range(WORDS_AT_LEAST, WORDS_AT_MOST + 1):
        found = [_phrase(rule.behaviour, apart[at], orders[at][:count]) for at in range(len(apart))]
        if len(set(found)) == len(found):
            return found
    return [f"{phrase} {at + 1}" for at, phrase in enumerate(found)]


def _phrase(behaviour: Sequence[str], apart: Floats, features: Ints) -> str:
    told = [at for at in features if abs(apart[at]) >= DISTINCT] or list(features[:1])
    if np.abs(apart).max() < 1e-9:
        return "everyone"
    return ", ".join(segment_word(behaviour[at], bool(apart[at] > 0)) for at in told)


def match(
    now: ArrayLike | None, later: ArrayLike | None, rows_now: int, rows_later: int
) -> tuple[Ints, Ints]:
    """Row numbers, in both frames, of the customers that both hold.

    >>> match(["a", "b"], ["b", "c"], 2, 2)
    (array([1]), array([0]))
    """
    if now is None or later is None:
        if rows_now != rows_later:
            raise ValueError("frames of different length need customer ids to be matched")
        return np.arange(rows_now), np.arange(rows_now)
    _, here, there = np.intersect1d(
        np.asarray(now, dtype=str), np.asarray(later, dtype=str), return_indices=True
    )
    return here, there


def _commonest(labels: Ints) -> float:
    return float(np.bincount(labels).max() / len(labels))
