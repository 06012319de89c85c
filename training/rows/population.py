"""What a model keeps of the whole population at a cut-off, read from its snapshot."""

from datetime import date
from pathlib import Path

import pandas as pd

from domain.cell_rates import CellRates
from features.snapshot import snapshot_info
from training.rows.store import everyone_at
from training.segmentation import BALANCE, DEBITS, value_feature
from training.store.bundle import PROFILE_KEYS, monitored, profile_weights


def profile_at(
    snapshot: Path, as_of: date, at_most: int, seed: int, rates: CellRates | None = None
) -> pd.DataFrame:
    """The profile (`training.store.bundle`) of everyone at a cut-off; reads chosen customers' rows.

    With `rates` it holds the rate of each row's cell too.
    """
    keys = everyone_at(snapshot, as_of, ["customer_id", "cell_id"])
    chosen = profile_weights(keys, at_most, seed)
    ids = keys.loc[chosen.index, "customer_id"]
    rows = everyone_at(snapshot, as_of, ids=ids).set_index("customer_id").reindex(ids)
    rows = rates.added_to(rows) if rates else rows
    columns = [PROFILE_KEYS[0], *monitored(rows), PROFILE_KEYS[1]]
    found: pd.DataFrame = rows.assign(weight=chosen.to_numpy())[columns]
    return found.reset_index(drop=True)


def value_feature_at(snapshot: Path, as_of: date) -> str | None:
    """The feature that stands for a customer's value, or None where no feature could."""
    known = [name for name in (BALANCE, DEBITS) if name in snapshot_info(snapshot).features]
    return value_feature(everyone_at(snapshot, as_of, known)) if known else None
