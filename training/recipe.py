"""What a training is made of, beside the tables and the code: the same recipe, the same bytes."""

import hashlib
from typing import Any, Literal, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from domain.profit import ProfitSettings
from domain.publication import PublicationSettings
from features.registry import features_hash
from features.settings import LabelSettings, ValueSettings
from training.settings import RetentionSettings, SegmentationSettings

# of the data, not of the configuration: what must be in place before a training is made again
IN_PLACE = ("grid_version", "cells_hash", "features_hash")


class Recipe(BaseModel):
    """Everything that decided the files of a bundle and is not in the tables.

    `champion` is the version that took part: a retention model is judged beside it, and segments
    keep its names.

    >>> Recipe(name="segmentation", grid_version="grid-0", data_hashes={}).champion is None
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["retention", "segmentation"]
    grid_version: str
    data_hashes: dict[str, str]
    cells_hash: str = ""
    features_hash: str = Field(default_factory=features_hash)
    timezone: str = "UTC"
    champion: str | None = None
    label: LabelSettings | None = None
    retention: RetentionSettings | None = None
    segmentation: SegmentationSettings | None = None
    publication: PublicationSettings = PublicationSettings()
    profit: ProfitSettings = ProfitSettings()
    value: ValueSettings = ValueSettings()
    currency: str = "CNY"
    town_density: float = 0.0  # customers per km2 where town begins
    chosen: dict[str, int | float] | None = None  # what won the trials; None: to be searched

    @property
    def customers_min(self) -> int:
        """Customers below which a cell has no rate or figure of its own."""
        return self.publication.customers_min

    def beside(self, champion: str | None) -> Self:
        """The same with this version of the champion taking part."""
        return self.model_copy(update={"champion": champion})

    @property
    def text(self) -> str:
        """As it is kept."""
        return self.model_dump_json(indent=1)

    @property
    def digest(self) -> str:
        """SHA-256 of what is kept."""
        return digest_of(self.text)


def digest_of(text: str) -> str:
    """SHA-256 of a recipe as it was kept: another release would write the same one otherwise."""
    return hashlib.sha256(text.encode()).hexdigest()


def cells_hash(cells: pd.DataFrame) -> str:
    """SHA-256 over the cell of each customer, in whatever order they come.

    >>> one = pd.DataFrame({"customer_id": ["a", "b"], "cell_id": ["x", None]})
    >>> cells_hash(one) == cells_hash(one[::-1]) != cells_hash(one.assign(cell_id="x"))
    True
    """
    pairs = cells[["customer_id", "cell_id"]].sort_values("customer_id")
    return hashlib.sha256(pairs.to_csv(index=False).encode()).hexdigest()


def unlike(recorded: Recipe, now: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What is in place and differs from what a run saw: NAME -> (recorded, now); '-' is none.

    `now` holds `data_hashes` and the names of IN_PLACE.
    """
    was: dict[str, str] = {f"table {k}": v for k, v in recorded.data_hashes.items()}
    here: dict[str, str] = {f"table {k}": v for k, v in now["data_hashes"].items()}
    was |= {name: getattr(recorded, name) for name in IN_PLACE}
    here |= {name: now[name] for name in IN_PLACE}
    pairs = {name: (was.get(name, "-"), here.get(name, "-")) for name in [*was, *here]}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
