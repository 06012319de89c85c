"""What the model store says of registered versions, as values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from training.store.history import History


class Registered(NamedTuple):
    """A version that was just registered."""

    version: str
    alias: str


class ModelVersion(NamedTuple):
    """One row of `gridkeep models`."""

    name: str
    version: str
    aliases: tuple[str, ...]
    created: datetime
    judged_on: str
    metrics: Mapping[str, float]
    run_id: str
    trained_by: str = ""


class Candidacy(NamedTuple):
    """A version that is to become champion, and how things stood when it was looked at."""

    name: str
    challenger: Any  # the store's record
    champion: Any | None  # likewise
    trained_by: str
    history: History
