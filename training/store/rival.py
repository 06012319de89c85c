"""The champion as a training meets it: fetched before the work begins, and no store after that."""

from pathlib import Path
from typing import Any, NamedTuple

from domain.errors import BadInput
from domain.model_store import StoreFailure

# no word of the store's own: it would name the place of the store in a card that is published
NOT_FETCHED = "its files cannot be fetched from the model store"


class Rival(NamedTuple):
    """A version, and its bundle folder and digest; without them `why_not` says why."""

    version: str
    bundle: tuple[Path, str] | None
    why_not: str = ""

    def place(self) -> tuple[Path, str]:
        """The bundle; BadInput when it could not be fetched."""
        if self.bundle is None:
            raise BadInput(self.why_not)
        return self.bundle


def rival_of(store: Any, record: Any | None, into: Path) -> Rival | None:
    """The bundle of a version of `store`, copied below `into`; None when there is no version.

    One whose files are gone is no reason not to train: the training says why it was not compared.
    """
    if record is None:
        return None
    version, folder = str(record.version), into / "champion"
    folder.mkdir()
    try:
        return Rival(version, store.fetch_bundle(record, folder))
    except StoreFailure:
        return Rival(version, None, NOT_FETCHED)
