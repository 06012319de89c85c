"""The segment rule: value tier x life stage x behaviour cluster, as numbers of one cut-off."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.segments.clusters import nearest, ranks_of
from training.segments.grouping import segments_of
from training.segments.stages import life_stages
from training.segments.tiers import HELD

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Part(NamedTuple):
    """What one segment is made of: a tier, and which stages and clusters of it."""

    tier: int
    stages: tuple[int, ...]
    clusters: tuple[int, ...]


@dataclass(frozen=True)
class SegmentRule:
    """Assigns a segment index from value, life stage and the ranks of behaviour features."""

    value_feature: str
    value_edges: Floats
    ages: tuple[int, ...] | None  # steps of the life stages; None: no dimension
    behaviour: tuple[str, ...]
    quantiles: Floats  # behaviour features x QUANTILES
    centres: Floats  # clusters x behaviour features, in ranks; one: no dimension
    lookup: Ints  # tiers x stages x clusters -> segment

    def value(self, frame: pd.DataFrame) -> Floats:
        """What each row's tier goes by: `value_held` where there is one, else the feature."""
        column = HELD if HELD in frame.columns else self.value_feature
        return frame[column].to_numpy(np.float64)

    def tiers(self, frame: pd.DataFrame) -> Ints:
        """Value tier of each row, 0 lowest; an unknown value is the lowest."""
        value = self.value(frame)
        tier = np.searchsorted(self.value_edges, value, side="right")
        return np.where(np.isnan(value), 0, tier).astype(np.int64)

    def stages(self, frame: pd.DataFrame) -> Ints:
        """Life stage of each row; 0 throughout where it is no dimension."""
        if self.ages is None:
            return np.zeros(len(frame), dtype=np.int64)
        return life_stages(frame, self.ages)

    def ranks(self, frame: pd.DataFrame) -> Floats:
        """Ranks (0 to 1) of behaviour features in the population the rule was fitted on."""
        return ranks_of(frame, self.behaviour, self.quantiles)

    def clusters(self, frame: pd.DataFrame) -> Ints:
        """Behaviour cluster of each row; 0 throughout where it is no dimension."""
        if len(self.centres) == 1:
            return np.zeros(len(frame), dtype=np.int64)
        return nearest(self.ranks(frame), self.centres)

    def places(self, frame: pd.DataFrame) -> tuple[Ints, Ints, Ints]:
        """Tier, stage and cluster of each row."""
        return self.tiers(frame), self.stages(frame), self.clusters(frame)

    def assign(self, frame: pd.DataFrame) -> Ints:
        """Segment index of each row."""
        return np.asarray(self.lookup[self.places(frame)])

    @property
    def parts(self) -> tuple[Part, ...]:
        """What each segment is made of, in the order of their numbers."""
        return tuple(self._part(at) for at in range(int(self.lookup.max()) + 1))

    def _part(self, segment: int) -> Part:
        tiers, stages, clusters = np.nonzero(self.lookup == segment)
        unique = (tuple(int(one) for one in np.unique(axis)) for axis in (stages, clusters))
        return Part(int(tiers[0]), *unique)


def counted(rule: SegmentRule, frame: pd.DataFrame) -> Ints:
    """Customers of each (tier, stage, cluster)."""
    counts = np.zeros((len(rule.value_edges) + 1, stage_count(rule.ages), len(rule.centres)))
    np.add.at(counts, rule.places(frame), 1)
    return counts.astype(np.int64)


def stage_count(ages: tuple[int, ...] | None) -> int:
    """Life stages of these steps: one more than steps, businesses, and age not known."""
    return 1 if ages is None else len(ages) + 3


def floor_of(rows: int, share: float) -> int:
    """Customers that a segment needs.

    >>> floor_of(1000, 0.02), floor_of(1000, 0.0)
    (20, 1)
    """
    return max(1, int(np.ceil(share * rows - 1e-9)))


def with_segments(rule: SegmentRule, frame: pd.DataFrame, least: int) -> SegmentRule:
    """The rule, its small segments joined to their neighbours."""
    lookup = segments_of(counted(rule, frame), rule.centres, least)
    return replace(rule, lookup=lookup)
