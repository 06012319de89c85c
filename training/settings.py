"""Sections of `gridkeep.toml` that training owns: [retention], [segmentation], [tracking]."""

import getpass
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from domain.model_store import EMBEDDED
from features.settings import LabelKind, Section

UNKNOWN = "unknown"  # of a user
Direction = Literal[-1, 1]


class RetentionSettings(Section):
    """[retention]: which cut-offs the model learns from and is judged on, and how it learns.

    >>> RetentionSettings(train_cutoffs=3).evaluate_cutoffs
    2
    """

    # each with the longest window of a feature behind it, if the history allows
    train_cutoffs: int = Field(default=6, ge=1)  # months; fewer when the history is short
    evaluate_cutoffs: int = Field(default=2, ge=1)  # months that judge
    train_as_of: tuple[date, ...] = ()  # explicit cut-offs win over the counts above
    evaluate_as_of: tuple[date, ...] = ()  # explicit cut-offs that judge
    rolling_origins: int = Field(default=0, ge=0)  # cut-offs at which the model of that day judges
    learning_rate: float = Field(default=0.2, gt=0, le=1)  # LightGBM's
    rounds: int = Field(default=300, ge=1)  # of each booster at most; early stopping finds it
    num_leaves: int = Field(default=7, ge=2)  # LightGBM's
    min_data_in_leaf: int = Field(default=200, ge=1)  # LightGBM's
    feature_fraction: float = Field(default=0.6, gt=0, le=1)  # LightGBM's
    lambda_l2: float | None = Field(default=None, ge=0)  # LightGBM's; absent: 5, or finer trees
    monotone_constraints: dict[str, Direction] = Field(default_factory=dict)  # risk: up 1, down -1
    folds: int = Field(default=5, ge=2)  # of customers; a booster grows without each of them
    trials: int = Field(default=0, ge=0)  # parameter sets to search by Optuna; 0: the values above
    bootstrap: int = Field(default=200, ge=20)  # resamples of customers behind every interval
    protected: tuple[str, ...] = ("age_years",)  # features never learned from, nor told as reasons
    cell_rates: bool = False  # also learn from the rate of loss in the cell (docs/cell-rates.md)
    cell_auc_customers: int = Field(default=200, ge=2)  # smallest cell with an AUC of its own
    feature_auc_max: float = Field(default=0.95, gt=0.5, le=1)  # a feature alone above it is a leak
    min_positives: int = Field(default=20, ge=2)  # lost customers needed to train at all
    profile_customers: int = Field(default=500, ge=1)  # of a cell, kept for monitoring
    seed: int = 0  # of everything drawn
    threads: int = Field(default=1, ge=1)  # more pay on idle cores only: waiting threads spin
    judge_customers: int = Field(default=1_000_000, ge=2)  # at most, in memory, to judge by
    horizons: tuple[int, ...] = ()  # days after the gap, as 30, 90, 180, to be lost by; empty: none
    horizon_kinds: tuple[LabelKind, ...] = ()  # definitions of loss by horizon; empty: label.kind
    learner: Literal["local", "dask"] = "local"  # dask: rows beyond the memory of one machine
    workers: int = Field(default=2, ge=1)  # dask: processes here, or that a scheduler must have
    scheduler: str | None = None  # dask: its address, tls://HOST:8786; absent: processes here

    @model_validator(mode="after")
    def _both_lists_or_none(self) -> Self:
        if bool(self.train_as_of) != bool(self.evaluate_as_of):
            raise ValueError("give both retention.train_as_of and retention.evaluate_as_of")
        return self

    @model_validator(mode="after")
    def _rising_horizons(self) -> Self:
        if list(self.horizons) != sorted(set(self.horizons)) or any(d < 1 for d in self.horizons):
            raise ValueError("retention.horizons must rise, from 1 day on")
        if len(set(self.horizon_kinds)) != len(self.horizon_kinds):
            raise ValueError("retention.horizon_kinds names one kind twice")
        return self

    @model_validator(mode="after")
    def _rolling_only_here(self) -> Self:
        if self.rolling_origins and self.learner != "local":
            raise ValueError('retention.rolling_origins needs retention.learner = "local"')
        return self

    @model_validator(mode="after")
    def _scheduler_only_for_dask(self) -> Self:
        if self.scheduler and self.learner != "dask":
            raise ValueError('retention.scheduler is for retention.learner = "dask"')
        return self


class PolicySettings(Section):
    """[segmentation.policies."NAME"]: how a segment is served, and what the bank calls it.

    NAME is the generated name, or parts of it: "high value" holds for every segment of that tier.
    The more parts, the later it decides. What is left open goes by the tier.

    >>> PolicySettings(contact="phone").name is None
    True
    """

    name: str | None = Field(default=None, min_length=1)  # shown instead of the generated name
    contact: str | None = Field(default=None, min_length=1)  # contact mode, in the bank's words
    cadence_days: int | None = Field(default=None, ge=1)  # from one contact to the next
    manager: str | None = Field(default=None, min_length=1)  # tier of the manager who is in charge


class SegmentationSettings(Section):
    """[segmentation]: value tier x life stage x behaviour cluster (docs/segments.md).

    >>> SegmentationSettings().tiers
    3
    """

    value_feature: str | None = None  # absent: the usual balance where known, else the debits
    tier_shares: tuple[float, ...] = (0.5, 0.3, 0.2)  # of customers, from low value to high
    down_after_months: int = Field(default=3, ge=1)  # below it in a row; 1: a tier falls at once
    stage_ages: tuple[int, ...] = (30, 60)  # at which a life stage begins; empty: no life stages
    behaviour: tuple[str, ...] = ()  # features that clusters are made of; empty: the usual ones
    clusters_min: int = Field(default=3, ge=2)  # fewest behaviour clusters tried
    clusters_max: int = Field(default=6, ge=2)  # most behaviour clusters tried
    segment_share_min: float = Field(default=0.02, ge=0, lt=0.5)  # when made; others are joined
    policies: dict[str, PolicySettings] = Field(default_factory=dict)  # by name, see below
    horizon_months: int = Field(default=3, ge=1)  # "next quarter"
    held_out: float = Field(default=0.2, gt=0, lt=1)  # customers kept aside to test `assign`
    rounds: int = Field(default=60, ge=1)  # trees a class
    learning_rate: float = Field(default=0.1, gt=0, le=1)  # LightGBM's
    num_leaves: int = Field(default=7, ge=2)  # LightGBM's
    bootstrap: int = Field(default=200, ge=20)  # resamples of customers behind every interval
    profile_customers: int = Field(default=500, ge=1)  # of a cell, kept for monitoring
    seed: int = 0  # of everything drawn
    threads: int = Field(default=1, ge=1)  # more pay on idle cores only: waiting threads spin

    @property
    def tiers(self) -> int:
        """Number of value tiers."""
        return len(self.tier_shares)

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if len(self.tier_shares) not in (2, 3, 4) or min(self.tier_shares) <= 0:
            raise ValueError("segmentation.tier_shares needs two to four positive shares")
        if abs(sum(self.tier_shares) - 1) > 1e-6:
            raise ValueError("segmentation.tier_shares must add up to 1")
        if list(self.stage_ages) != sorted(set(self.stage_ages)):
            raise ValueError("segmentation.stage_ages must rise")
        if self.clusters_max < self.clusters_min:
            raise ValueError("segmentation.clusters_max is below segmentation.clusters_min")
        return self


class TrackingSettings(Section):
    """[tracking]: where models are kept, by whom. MLFLOW_TRACKING_URI and GRIDKEEP_USER win.

    >>> TrackingSettings().experiment
    'gridkeep'
    """

    uri: str = "sqlite:///mlruns/mlflow.db"  # relative to the configuration file
    experiment: str = "gridkeep"  # MLflow's
    user: str | None = None  # who acts, in trainings and promotions; absent: the login name


class PromotionSettings(Section):
    """[promotion]: what a challenger must keep to, to become champion (docs/promotion.md).

    A figure fails when its 95 % interval lies wholly beyond the bound: what chance can explain
    refuses nobody.

    >>> PromotionSettings().independent_validator
    False
    """

    independent_validator: bool = False  # no champion, the first included, without --validator
    log_loss_tolerance: float = Field(default=0.02, ge=0)  # share by which log-loss may be worse
    calibration_ratio: float = Field(default=1.25, gt=1)  # losses over predicted losses, either way
    cell_customers: int = Field(default=200, ge=2)  # smallest cell that must not be worse
    cell_significance: float = Field(default=0.01, gt=0, lt=1)  # of all cells together, by Holm
    fairness_ratio: float = Field(default=1.5, gt=1)  # calibration_ratio of an age, sex or place
    fairness_gap: float = Field(default=0.2, gt=0, le=1)  # share on the list, a group and the rest
    latency_ratio: float = Field(default=1.2, gt=0)  # time to score, over the champion's


def store_uri(
    settings: TrackingSettings, folder: Path, environment: Mapping[str, str] = os.environ
) -> str:
    """The store in use: MLFLOW_TRACKING_URI, else the settings' one.

    The path of an SQLite store is relative to `folder`.

    >>> store_uri(TrackingSettings(), Path("/bank"), {})
    'sqlite:////bank/mlruns/mlflow.db'
    >>> store_uri(TrackingSettings(), Path("/bank"), {"MLFLOW_TRACKING_URI": "http://models:5000"})
    'http://models:5000'
    """
    uri = environment.get("MLFLOW_TRACKING_URI") or settings.uri
    if not uri.startswith(EMBEDDED):
        return uri
    return EMBEDDED + str((folder / uri.removeprefix(EMBEDDED)).resolve())


def acting_user(settings: TrackingSettings, environment: Mapping[str, str] = os.environ) -> str:
    """Who acts: GRIDKEEP_USER, else the settings' user, else the login name.

    >>> acting_user(TrackingSettings(user="ann"), {})
    'ann'
    >>> acting_user(TrackingSettings(user="ann"), {"GRIDKEEP_USER": "bob"})
    'bob'
    """
    named = environment.get("GRIDKEEP_USER") or settings.user
    try:
        return (named or getpass.getuser()).strip() or UNKNOWN
    except (KeyError, OSError):  # a container whose user has no name
        return UNKNOWN
