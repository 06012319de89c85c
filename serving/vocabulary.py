"""What is said about each feature: the registry of features, as the serving side reads it."""

from collections.abc import Mapping
from typing import Protocol


class FeatureFacts(Protocol):
    """The parts of a registered feature that serving needs; low and high may be None."""

    @property
    def name(self) -> str:
        """Column name."""

    @property
    def kind(self) -> str:
        """Number or category."""

    @property
    def unit(self) -> str:
        """Unit of the values."""

    @property
    def text(self) -> str:
        """The meaning as words inside a sentence."""

    @property
    def low(self) -> float | None:
        """Smallest value it can take."""

    @property
    def high(self) -> float | None:
        """Largest value it can take."""


Vocabulary = Mapping[str, FeatureFacts]


def registered_features() -> Vocabulary:
    """Every feature that this installation computes, and every input fitted with a model."""
    from domain.cell_rates import FITTED
    from features.registry import FEATURES

    return {**FEATURES, **FITTED}
