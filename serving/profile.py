"""The champion's reference profile: verified rows that a month is compared with."""

import io
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from domain.bundle import CARD_FILE, CELL_RATES_FILE, PROFILE_FILE, ModelCard
from domain.cell_rates import CellRates
from serving.registry import fetch_champion
from serving.verification import verified_files


@dataclass(frozen=True)
class Profile:
    """Sampled rows of one cut-off (cell_id, monitored columns, weight) and their grid."""

    rows: pd.DataFrame
    as_of: date
    grid_version: str
    cell_rates: CellRates | None = None

    def beside(self, rows: pd.DataFrame) -> pd.DataFrame:
        """A month's features with every column of the profile: what the model adds to them."""
        return rows if self.cell_rates is None else self.cell_rates.added_to(rows)


def champion_profile(name: str, tracking_uri: str) -> Profile:
    """The profile of the champion of `name`; hashes are checked before anything is parsed."""
    with tempfile.TemporaryDirectory(prefix="gridkeep-") as private:  # of mode 0700
        fetched = fetch_champion(name, tracking_uri, Path(private))
        files = verified_files(fetched.folder, fetched.digest)
        card = ModelCard.model_validate_json(files[CARD_FILE])
        rows = pd.read_parquet(io.BytesIO(files[PROFILE_FILE]))
    text = files.get(CELL_RATES_FILE)
    rates = CellRates.model_validate_json(text) if text is not None else None
    return Profile(rows, card.profile_as_of, card.grid_version, rates)
