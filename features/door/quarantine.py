"""Quarantine: `TABLE.csv`, a line per fault, with file, row, column, reason, content and mark."""

import csv
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from features.door.convert import Fault
from features.readers.batch import Batch

COLUMNS = ("file", "row", "column", "reason", "content", "mark")


class Quarantine:
    """Writes one CSV per table that has rejected rows, into a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, TextIO] = {}

    def __enter__(self) -> "Quarantine":
        self.folder.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()

    @contextmanager
    def reopened(self) -> Iterator[None]:
        """Once more open for lines, after those that are there."""
        try:
            yield
        finally:
            self._close()

    def reject(self, batch: Batch, faults: Iterable[Fault]) -> None:
        """Write the faulty rows of a batch, each fault on a line, in the order of the rows."""
        lines = sorted(
            (label, at, fault) for at, fault in enumerate(faults) for label in fault.rows
        )
        for label, _, fault in lines:
            content = dict(batch.frame.loc[label])
            row = batch.first_row + int(label)
            self.add(batch.table, batch.file, row, fault.column, fault.reason, content)

    def add(
        self, table: str, file: str, row: int, column: str, reason: str, content: Mapping[str, Any]
    ) -> None:
        """Write one line."""
        line = (file, row, column, reason, as_json(content), mark(content))
        csv.writer(self._file(table)).writerow(line)

    def _file(self, table: str) -> TextIO:
        if table not in self._open:
            path = self.folder / f"{table}.csv"
            begun = path.exists()
            self._open[table] = path.open("a", encoding="utf-8", newline="")
            if not begun:
                csv.writer(self._open[table]).writerow(COLUMNS)
        return self._open[table]


def as_json(content: Mapping[str, Any]) -> str:
    """A row as JSON: missing is null, what JSON has no word for is text.

    >>> as_json({"amount": float("inf"), "balance": 12.5, "channel": None})
    '{"amount": "inf", "balance": 12.5, "channel": null}'
    """
    return json.dumps({name: _plain(value) for name, value in content.items()}, ensure_ascii=False)


def mark(content: Mapping[str, Any]) -> str:
    """What tells whether a content is still the one that was refused; null is no content.

    >>> mark({"amount": 1, "channel": None}) == mark({"amount": 1})
    True
    """
    known = {name: value for name, value in content.items() if _plain(value) is not None}
    return hashlib.sha256(as_json(dict(sorted(known.items()))).encode()).hexdigest()[:16]


def _plain(value: Any) -> str | int | float | bool | None:
    if value is None or value is pd.NaT or pd.isna(value):
        return None
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    return value if isinstance(value, str | bool | int) else str(value)
