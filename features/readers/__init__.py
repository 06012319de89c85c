"""Where source tables come from: one module per reader, loaded only when it is asked for."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from features.readers.batch import Batch
from features.settings import ReaderName, SourceSettings

READERS: dict[ReaderName, str] = {
    "simulated": "features.readers.simulated",
    "berka": "features.readers.berka",
    "complete_journey": "features.readers.complete_journey",
    "telco": "features.readers.telco",
    "tables": "features.readers.tables",
}


class Reader(Protocol):
    """What a reader module offers."""

    def read(self, settings: SourceSettings, folder: Path, timezone: str) -> Iterator[Batch]:
        """Batches of the contract tables; BadInput when a file, table or column is missing."""
        ...

    def marks(self, settings: SourceSettings, folder: Path) -> dict[str, str]:
        """Name of every file or table read -> a mark that changes when its content does."""
        ...


def reader(name: ReaderName) -> Reader:
    """The reader of that name.

    >>> callable(reader("simulated").read)
    True
    """
    return cast(Reader, import_module(READERS[name]))
