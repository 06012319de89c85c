"""What a month of monitoring found, as the drift page tells it."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import pandas as pd

from features.pages.map_svg import Ring
from monitoring.pooling import BANK, Pooling
from monitoring.settings import MonitoringSettings
from monitoring.told import told_sizes


class Place(NamedTuple):
    """A cell of the grid: kind, parent, outline, and whether its customers are told alone."""

    kind: str
    parent: str
    rings: list[Ring]
    told_alone: bool


class Site(NamedTuple):
    """Everything that the page tells; `links` are the full reports by cell, pool or `bank`.

    `against` is the cut-off of the reference where it is not the model's profile.
    """

    as_of: date
    grid_version: str
    drift: pd.DataFrame
    pooling: Pooling
    places: Mapping[str, Place]
    links: Mapping[str, str]
    settings: MonitoringSettings
    customers_min: int
    against: date | None = None

    @property
    def bank(self) -> pd.DataFrame:
        """Drift of the bank as a whole."""
        return self.drift[self.drift["cell_id"] == BANK]

    @property
    def sizes(self) -> dict[str, str]:
        """Cell or pool -> its customers now, where they may be told."""
        first = self.drift.groupby("cell_id")["n_current"].first()
        customers = {str(group): int(number) for group, number in first.items()}
        alone = {cell for cell, place in self.places.items() if place.told_alone}
        return told_sizes(self.pooling, customers, alone, self.customers_min)

    @property
    def moved(self) -> dict[str, pd.DataFrame]:
        """Flagged cell or pool -> its drifted columns, both with the largest effect first."""
        found = self.drift[self.drift["drifted"] & (self.drift["cell_id"] != BANK)]
        found = found.sort_values("effect", ascending=False, kind="stable")
        groups = {str(name): rows for name, rows in found.groupby("cell_id")}
        order = sorted(groups, key=lambda name: (-groups[name]["effect"].sum(), name))
        return {name: groups[name] for name in order}
