"""The segments of a model as JSON: by them a retraining keeps names, and anyone can repeat them."""

from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from training.segments.naming import Known
from training.segments.policies import Policy
from training.segments.rule import SegmentRule

Row = tuple[float, ...]


class SegmentScheme(BaseModel):
    """Rule, words, names and service policies; `lookup` is tiers x stages x clusters -> segment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value_feature: str
    value_edges: Row
    down_after_months: int
    ages: tuple[int, ...] | None
    behaviour: tuple[str, ...]
    quantiles: tuple[Row, ...]
    centres: tuple[Row, ...]
    words: tuple[str, ...]  # of each cluster
    lookup: tuple[tuple[tuple[int, ...], ...], ...]
    generated: tuple[str, ...]  # of each segment, before the configuration renames it
    names: tuple[str, ...]
    policies: tuple[Policy, ...]

    @classmethod
    def of(
        cls,
        rule: SegmentRule,
        down_after_months: int,
        words: tuple[str, ...],
        generated: tuple[str, ...],
        names: tuple[str, ...],
        policies: tuple[Policy, ...],
    ) -> Self:
        """The scheme of a rule and what its segments are called."""
        return cls(
            value_feature=rule.value_feature,
            value_edges=rule.value_edges.tolist(),
            down_after_months=down_after_months,
            ages=rule.ages,
            behaviour=rule.behaviour,
            quantiles=rule.quantiles.tolist(),
            centres=rule.centres.tolist(),
            words=words,
            lookup=rule.lookup.tolist(),
            generated=generated,
            names=names,
            policies=policies,
        )

    def rule(self) -> SegmentRule:
        """The rule, ready to assign."""
        return SegmentRule(
            self.value_feature,
            np.asarray(self.value_edges, dtype=np.float64),
            self.ages,
            self.behaviour,
            np.asarray(self.quantiles, dtype=np.float64),
            np.asarray(self.centres, dtype=np.float64),
            np.asarray(self.lookup, dtype=np.int64),
        )

    def known(self) -> Known:
        """What a retraining keeps."""
        rule = self.rule()
        return Known(rule.ages, rule.behaviour, rule.centres, self.words, rule.lookup)
