"""What a training is made of, beside the tables and the code: the same recipe, the same bytes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.profit import ProfitSettings
from domain.publication import PublicationSettings
from features.registry import features_hash
from features.settings import LabelSettings
from training.settings import RetentionSettings, SegmentationSettings


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
    features_hash: str = Field(default_factory=features_hash)
    champion: str | None = None
    label: LabelSettings | None = None
    retention: RetentionSettings | None = None
    segmentation: SegmentationSettings | None = None
    publication: PublicationSettings = PublicationSettings()
    profit: ProfitSettings = ProfitSettings()
    currency: str = "CNY"
    town_density: float = 0.0  # customers per km2 where town begins

    @property
    def customers_min(self) -> int:
        """Customers below which a cell has no rate or figure of its own."""
        return self.publication.customers_min
