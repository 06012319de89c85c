"""The simulated bank: the contract tables as they were written, in naive UTC.

A table is `NAME.parquet` or a folder `NAME` of such files, as the intake writes them too.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from domain.errors import BadInput
from domain.tables import CONTRACTS, Contract
from features.readers import parquet
from features.readers.batch import Batch, Delivered, file_marks, present, shown
from features.settings import SourceSettings


def read(settings: SourceSettings, folder: Path, timezone: str) -> Iterator[Batch]:
    """Batches of the contract tables of a simulated bank; an optional table may be absent."""
    yield from read_some(settings, folder, timezone, lambda _: True)


def read_some(
    settings: SourceSettings, folder: Path, timezone: str, wanted: Callable[[Delivered], bool]
) -> Iterator[Batch]:
    """Batches of the wanted files."""
    for contract, path in _files(folder):
        file = shown(path, folder)
        if not wanted(Delivered(contract.name, file)):
            continue
        names = parquet.column_names(path)
        _require(contract, names, path)
        columns = [name for name in contract.names if name in names]
        for first_row, frame, done in parquet.rows(path, columns):
            yield Batch(contract.name, file, first_row, _in_utc(frame, contract), done)


def deliveries(settings: SourceSettings, folder: Path) -> list[Delivered]:
    """Every file, in the order of reading."""
    return [Delivered(contract.name, shown(path, folder)) for contract, path in _files(folder)]


def marks(settings: SourceSettings, folder: Path) -> dict[str, str]:
    """Size and hash of every table file."""
    return file_marks((path for _, path in _files(folder)), folder)


def places(settings: SourceSettings, folder: Path) -> list[Path]:
    """Where the files of every table are looked for."""
    alone = [folder / f"{name}.parquet" for name in CONTRACTS]
    return alone + [folder / name / "*.parquet" for name in CONTRACTS]


def _files(folder: Path) -> list[tuple[Contract, Path]]:
    found = {name: _of_table(folder, name) for name in CONTRACTS}
    absent = [name for name, table in CONTRACTS.items() if table.required and not found[name]]
    present(folder, *(f"{name}.parquet" for name in absent))
    return [(CONTRACTS[name], path) for name, paths in found.items() for path in paths]


def _of_table(folder: Path, name: str) -> list[Path]:
    alone = folder / f"{name}.parquet"
    return [*([alone] if alone.is_file() else []), *sorted((folder / name).glob("*.parquet"))]


def _require(contract: Contract, names: list[str], path: Path) -> None:
    absent = [column.name for column in contract if column.required and column.name not in names]
    if absent:
        raise BadInput(
            f"{path.name} has no column {', '.join(map(repr, absent))} (it has "
            f"{', '.join(names)}); simulate the bank again or use the reader 'tables'"
        )


def _in_utc(frame: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    naive = {
        column.name: frame[column.name].dt.tz_localize("UTC")
        for column in contract
        if column.kind == "timestamp"
        and column.name in frame
        and pd.api.types.is_datetime64_dtype(frame[column.name])
    }
    return frame.assign(**naive)
