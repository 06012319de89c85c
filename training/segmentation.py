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
from training.boosting.parameters import fixed_parameters
from training.segments.dimensions import fit_rule
from training.segments.masking import hidden_at_random
from training.segments.naming import Known, cluster_words, segment_names
from training.segments.policies import served
from training.segments.scheme import SegmentScheme
from training.segments.separation import Outcomes
from training.segments.tiers import HELD
from training.settings import SegmentationSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
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
BORDERLINE = 0.5  # under it no segment is likelier than all others together


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


def tier_feature(frame: pd.DataFrame, settings: SegmentationSettings) -> str:
    """The feature that value tiers are made of: that of the settings, or the usual one."""
    if settings.value_feature is None:
        return value_feature(frame)
    _require_numbers(frame, [settings.value_feature], "segmentation.value_feature")
    return settings.value_feature


def _require_numbers(frame: pd.DataFrame, names: Sequence[str], key: str) -> None:
    if absent := [name for name in names if name not in frame.columns]:
        raise BadInput(f"{key} names no feature: {', '.join(absent)}; docs/features.md lists them")
    words = [name for name in names if not pd.api.types.is_numeric_dtype(frame[name])]
    if words:
        raise BadInput(f"{key} names what is no number: {', '.join(words)}")


def behaviour_features(
    frame: pd.DataFrame, value: str, settings: SegmentationSettings
) -> list[str]:
    """The features that clusters are made of: those of the settings, or the usual that vary."""
    wanted = settings.behaviour or USUAL_BEHAVIOUR
    _require_numbers(frame, settings.behaviour, "segmentation.behaviour")
    others = [str(name) for name in frame.columns if name not in (value, HELD)]
    usual = [name for name in wanted if name in others]
    numbers = [name for name in others if pd.api.types.is_numeric_dtype(frame[name])]
    chosen = [name for name in usual or numbers if frame[name].nunique() > 1]
    if not chosen:
        raise BadInput("no behaviour feature varies between customers; there are no segments")
    return chosen


class Agreement(NamedTuple):
    """How often predicted and true segments are the same, beside the simplest guess."""

    accuracy: float
    baseline: float  # the commonest segment (assignment) or no change (next quarter)
    rows: int


class SegmentModel:
    """Value tier x life stage x behaviour, named; trees that assign anyone and look ahead.

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
        *,
        outcomes: Outcomes | None = None,
        known: Known | None = None,
    ) -> Self:
        """Fit the rule and the trees on `X`; with `X_next`, a horizon later, the next quarter.

        Rows of both frames are matched by `customers` and `customers_next`, else by position. A
        column `value_held` (`training.segments.tiers`) holds tiers up and is no input of the trees.
        With `outcomes` dimensions are chosen by what they tell of them, and segments that the
        `known` champion has too keep their names.
        """
        value = tier_feature(X, self.settings)
        behaviour = behaviour_features(X, value, self.settings)
        self.choice = fit_rule(X, value, behaviour, self.settings, outcomes, known)
        self.rule = self.choice.rule
        self.scheme, self.notes = self._scheme(X, known)
        self.names = self.scheme.names
        # of features that are equal in training trees take the first, and the tiers are the value:
        # a look-alike (the mean balance, say) may be missing where the value is known
        others = [name for name in X.columns if name not in (value, HELD)]
        self.manifest = FeatureManifest.fit(X[[value, *others]])
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
        return self.probabilities(self.manifest.encode(X))

    def probabilities(self, matrix: Floats) -> Floats:
        """Probability of each segment now, of rows that the manifest encoded."""
        return np.asarray(self.booster.predict(matrix))

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

    def _scheme(
        self, frame: pd.DataFrame, known: Known | None
    ) -> tuple[SegmentScheme, tuple[str, ...]]:
        words = cluster_words(self.rule, known)
        generated = segment_names(self.rule, words, frame)
        tiers = [part.tier for part in self.rule.parts]
        shown = served(generated, tiers, self.settings.policies)
        months = self.settings.down_after_months
        scheme = SegmentScheme.of(self.rule, months, words, generated, shown.names, shown.policies)
        return scheme, (*self.choice.notes, *shown.notes)

    def _grow(self, matrix: Floats, target: Ints) -> "lgb.Booster":
        """Trees that learn from every row twice: whole, and with some of its fields hidden."""
        settings = self.settings
        partly = hidden_at_random(matrix, self.manifest, settings.seed)
        parameters: dict[str, Any] = {
            "objective": "multiclass",
            "num_class": max(2, len(self.names)),
            "learning_rate": settings.learning_rate,
            "num_leaves": settings.num_leaves,
            "min_data_in_leaf": max(1, min(20, len(matrix) // 20)),
            **fixed_parameters(settings.seed, settings.threads),
        }
        data = lgb.Dataset(
            np.vstack([matrix, partly]),
            np.tile(target, 2),
            feature_name=self.manifest.names,
            categorical_feature=self.manifest.categories,
            params=parameters,
        )
        return lgb.train(parameters, data, settings.rounds)


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
