"""The bank's own tables: Parquet or delimited files, or a database, with a column map."""

import difflib
import glob
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from domain.errors import BadInput
from domain.tables import CONTRACTS, Contract
from features.readers import database, delimited, parquet
from features.readers.batch import Batch, Delivered, file_marks, shown, visible, without_ours
from features.readers.direction import require_direction, signed
from features.readers.words import require_words
from features.settings import SourceSettings, TableSource

PARQUET = (".parquet", ".pq")
DELIMITED = (".csv", ".csv.gz", ".txt", ".txt.gz", ".tsv", ".tsv.gz", ".asc")


class Delivery(NamedTuple):
    """One file or database table, and the contract column -> its column there."""

    contract: Contract
    source: TableSource
    place: Path | str  # a file, or the name of a database table
    columns: dict[str, str]

    @property
    def seen(self) -> list[str]:
        """Its columns that are read."""
        way = self.source.direction
        return list(dict.fromkeys([*self.columns.values(), *([way.column] if way else [])]))


def read(settings: SourceSettings, folder: Path, timezone: str) -> Iterator[Batch]:
    """Batches of every delivery; BadInput first, with all that is missing, a line for each."""
    yield from read_some(settings, folder, timezone, lambda _: True)


def read_some(
    settings: SourceSettings, folder: Path, timezone: str, wanted: Callable[[Delivered], bool]
) -> Iterator[Batch]:
    """Batches of the wanted deliveries, all of which are looked at first."""
    with database.opened(settings, folder) as bank:
        for delivery in _deliveries(settings, folder, bank):
            if wanted(_delivered(delivery, folder)):
                yield from _batches(delivery, folder, bank)


def deliveries(settings: SourceSettings, folder: Path) -> list[Delivered]:
    """Every file and database table, in the order of reading."""
    with database.opened(settings, folder) as bank:
        return [_delivered(one, folder) for one in _deliveries(settings, folder, bank)]


def marks(settings: SourceSettings, folder: Path) -> dict[str, str]:
    """Size and hash of every file; row count and content sum of every database table."""
    found: dict[str, str] = {}
    with database.opened(settings, folder) as bank:
        if bank is not None:
            found |= file_marks(database.files(bank), folder)
        for delivery in _deliveries(settings, folder, bank):
            if isinstance(delivery.place, Path):
                found |= file_marks([delivery.place], folder)
            elif bank is not None:
                found[f"table {delivery.place}"] = database.mark(
                    bank, delivery.place, delivery.seen
                )
    return found


def places(settings: SourceSettings, folder: Path) -> list[Path]:
    """The files and glob patterns of every section, and the file of a file database."""
    sections: list[TableSource | None] = [getattr(settings, name) for name in CONTRACTS]
    files = [folder / one.file for one in sections if one is not None and one.file is not None]
    return [*files, *database.places(settings, folder)]


def _deliveries(
    settings: SourceSettings, folder: Path, bank: database.Bank | None
) -> list[Delivery]:
    found: list[Delivery] = []
    problems: list[str] = []
    for name, contract in CONTRACTS.items():
        source: TableSource | None = getattr(settings, name)
        if source is None:
            if contract.required:
                problems.append(
                    f'[sources.{name}] is missing; write file = "..." or table = "..." there'
                )
            continue
        try:
            for place in _places(name, source, folder, bank):
                there = _names(place, source, bank)
                found.append(
                    Delivery(contract, source, place, _mapped(contract, source, place, there))
                )
        except BadInput as error:
            problems.append(str(error))
    if problems:
        raise BadInput("\n".join(problems))  # lines of the report, see `features.intake`
    return found


def _places(
    name: str, source: TableSource, folder: Path, bank: database.Bank | None
) -> list[Path | str]:
    if (source.file is None) == (source.table is None):
        raise BadInput(f"[sources.{name}] needs either file or table, and not both")
    if source.table is not None:
        if bank is None:
            raise BadInput(f"sources.{name}.table needs sources.database; write its URL there")
        return [source.table]
    return list(_files(name, str(source.file), folder))


def _files(name: str, pattern: str, folder: Path) -> list[Path]:
    exact = folder / pattern
    paths = [exact] if exact.is_file() else _matching(exact, folder)
    if not paths:
        raise BadInput(
            f"sources.{name}.file = {pattern!r} is missing{_nearby(exact)}; "
            "deliver it or correct the name"
        )
    other = [path.name for path in paths if not path.name.lower().endswith(PARQUET + DELIMITED)]
    if other:
        raise BadInput(
            f"sources.{name}.file: {other[0]} is neither Parquet ({', '.join(PARQUET)}) nor "
            f"delimited text ({', '.join(DELIMITED)})"
        )
    return paths


def _matching(pattern: Path, folder: Path) -> list[Path]:
    """The files of a pattern; never those that we wrote, where the output folder lies there too."""
    found = sorted(map(Path, glob.glob(str(pattern), recursive=True)))
    return [path for path in without_ours(found, folder) if path.is_file()]


def _nearby(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f": there is no folder {folder.as_posix()}"
    names = visible(folder)
    close = difflib.get_close_matches(path.name, names, n=3) or names[:8]
    return f" (in {folder.as_posix()}: {', '.join(close)})" if close else " (the folder is empty)"


def _names(place: Path | str, source: TableSource, bank: database.Bank | None) -> list[str]:
    if isinstance(place, str):
        return database.column_names(bank, place) if bank is not None else []
    if _is_parquet(place):
        return parquet.column_names(place)
    return delimited.header(place, _dialect(source))


def _mapped(
    contract: Contract, source: TableSource, place: Path | str, there: list[str]
) -> dict[str, str]:
    """Contract column -> column of the delivery, for those that it has."""
    label = place.name if isinstance(place, Path) else f"table {place}"
    section = f"sources.{contract.name}"
    unknown = [name for name in source.columns if name not in contract.names]
    if unknown:
        raise BadInput(
            f"{section}.columns names {unknown[0]!r}, which the contract does not have; "
            f"its columns are {', '.join(contract.names)}"
        )
    require_words(contract, source.values)
    require_direction(contract, source.direction, there)
    wanted = {name: source.columns.get(name, name) for name in contract.names}
    must = {c.name for c in contract if c.required} | {*source.columns, *source.values}
    absent = [
        (name, wanted[name])
        for name in contract.names
        if name in must and wanted[name] not in there
    ]
    if absent:
        name, bank_name = absent[0]
        raise BadInput(
            f"{label} has no column {', '.join(repr(seen) for _, seen in absent)} "
            f"(it has {_candidates(bank_name, there)}); " + _advice(section, name, there)
        )
    return {name: seen for name, seen in wanted.items() if seen in there}


def _candidates(name: str, there: list[str], most: int = 12) -> str:
    close = difflib.get_close_matches(name.lower(), [seen.lower() for seen in there], n=3)
    first = [seen for seen in there if seen.lower() in close]
    ordered = first + [seen for seen in there if seen not in first]
    more = f" and {len(there) - most} more" if len(there) > most else ""
    return ", ".join(map(repr, ordered[:most])) + more


def _advice(section: str, name: str, there: list[str]) -> str:
    if len(there) == 1 and any(mark in there[0] for mark in ";|\t,"):
        return f"it looks delimited otherwise: set {section}.delimiter"
    return f'name the bank\'s column: {section}.columns = {{ {name} = "..." }}'


def _batches(delivery: Delivery, folder: Path, bank: database.Bank | None) -> Iterator[Batch]:
    source, place, seen = delivery.source, delivery.place, delivery.seen
    file = _delivered(delivery, folder).file
    if isinstance(place, str):
        first = 1
        for frame in database.batches(bank, place, seen) if bank is not None else ():
            yield _batch(delivery, file, first, frame, 0.5)
            first += len(frame)
    elif _is_parquet(place):
        for first_row, frame, done in parquet.rows(place, seen):
            yield _batch(delivery, file, first_row, frame, done)
    else:
        for frame, done in delimited.chunks(place, seen, _dialect(source)):
            yield _batch(delivery, file, delimited.FIRST_ROW, frame, done)


def _delivered(delivery: Delivery, folder: Path) -> Delivered:
    place = delivery.place
    file = shown(place, folder) if isinstance(place, Path) else f"table {place}"
    return Delivered(delivery.contract.name, file)


def _batch(delivery: Delivery, file: str, first: int, frame: pd.DataFrame, done: float) -> Batch:
    named = pd.DataFrame({name: frame[seen] for name, seen in delivery.columns.items()})
    if way := delivery.source.direction:
        named["amount"] = signed(named["amount"], frame[way.column], way, file)
    return Batch(delivery.contract.name, file, first, named, done)


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith(PARQUET)


def _dialect(source: TableSource) -> delimited.Dialect:
    return delimited.Dialect(source.delimiter, source.encoding)
