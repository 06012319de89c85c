"""The simulated bank: the contract tables as they were written, in naive UTC."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from domain.errors import BadInput
from domain.tables import CONTRACTS, Contract
from features.readers import parquet
from features.readers.batch import Batch, file_marks, present
from features.settings import SourceSettings


def read(settings: SourceSettings, folder: Path, timezone: str) -> Iterator[Batch]:
    """Batches of the contract tables of a simulated bank; an optional table may be absent."""
    for contract, path in _files(folder):
        names = parquet.column_names(path)
        _require(contract, names, path)
        columns = [name for name in contract.names if name in names]
        for first_row, frame, done in parquet.rows(path, columns):
            yield Batch(contract.name, path.name, first_row, _in_utc(frame, contract), done)


def marks(settings: SourceSettings, folder: Path) -> dict[str, str]:
    """Size and hash of every table file."""
    return file_marks((path for _, path in _files(folder)), folder)


def _files(folder: Path) -> list[tuple[Contract, Path]]:
    present(folder, *(f"{name}.parquet" for name, table in CONTRACTS.items() if table.required))
    paths = [(contract, folder / f"{name}.parquet") for name, contract in CONTRACTS.items()]
    return [(contract, path) for contract, path in paths if path.is_file()]


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
