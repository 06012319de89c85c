"""Where source tables come from: one module per reader, loaded only when it is asked for."""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from features.readers.batch import Batch, Delivered
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

    def places(self, settings: SourceSettings, folder: Path) -> list[Path]:
        """Files, or glob patterns of them, that are read when they are there."""
        ...


class GrowingReader(Reader, Protocol):
    """A reader whose deliveries are read one after the other, each by itself if need be."""

    def deliveries(self, settings: SourceSettings, folder: Path) -> Sequence[Delivered]:
        """What there is to read, in the order of reading; its files are keys of the marks."""
        ...

    def read_some(
        self,
        settings: SourceSettings,
        folder: Path,
        timezone: str,
        wanted: Callable[[Delivered], bool],
    ) -> Iterator[Batch]:
        """Batches of the wanted deliveries; BadInput when anything of any is missing."""
        ...


def reader(name: ReaderName) -> Reader:
    """The reader of that name.

    >>> callable(reader("simulated").read)
    True
    """
    return cast(Reader, import_module(READERS[name]))


def growing(name: ReaderName) -> GrowingReader | None:
    """The reader of that name, if its sources may gain files.

    >>> growing("telco") is None, growing("tables") is None
    (True, False)
    """
    found = import_module(READERS[name])
    return cast(GrowingReader, found) if hasattr(found, "deliveries") else None
