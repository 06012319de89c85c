"""The champion's reference profile: verified rows that a month is compared with."""

import io
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from domain.bundle import CARD_FILE, PROFILE_FILE, ModelCard
from serving.registry import fetch_champion
from serving.verification import verified_files


@dataclass(frozen=True)
class Profile:
    """Sampled rows of one cut-off (cell_id, monitored columns, weight) and their grid."""

    rows: pd.DataFrame
    as_of: date
    grid_version: str


def champion_profile(name: str, tracking_uri: str) -> Profile:
    """The profile of the champion of `name`; hashes are checked before anything is parsed."""
    with tempfile.TemporaryDirectory(prefix="gridkeep-") as private:  # of mode 0700
        fetched = fetch_champion(name, tracking_uri, Path(private))
        files = verified_files(fetched.folder, fetched.digest)
        card = ModelCard.model_validate_json(files[CARD_FILE])
        rows = pd.read_parquet(io.BytesIO(files[PROFILE_FILE]))
    return Profile(rows, card.profile_as_of, card.grid_version)
