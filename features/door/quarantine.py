"""Quarantine: `TABLE.csv`, a line per fault, with file, row, column, reason, content and mark."""

import csv
import hashlib
import json
import math
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from features.door.convert import Fault
from features.door.text import as_text
from features.readers.batch import Batch

COLUMNS = ("file", "row", "column", "reason", "content", "mark")


class Lines:
    """Lines of a quarantine file, without its header; the file is there once a line is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def close(self) -> None:
        """Make the file whole; more lines may follow."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def reject(self, batch: Batch, faults: Iterable[Fault]) -> None:
        """Write the faulty rows of a batch, each fault on a line, in the order of the rows."""
        lines = sorted(
            (label, at, fault) for at, fault in enumerate(faults) for label in fault.rows
        )
        for label, _, fault in lines:
            content = dict(batch.frame.loc[label])
            row = batch.first_row + int(label)
            self.add(batch.file, row, fault.column, fault.reason, content)

    def add(
        self, file: str, row: int, column: str, reason: str, content: Mapping[str, Any]
    ) -> None:
        """Write one line."""
        line = (file, row, column, reason, as_json(content), mark(content))
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8", newline="")
        csv.writer(self._file).writerow(line)


def write_quarantine(target: Path, lines: Iterable[Path]) -> None:
    """Write a table's quarantine from the files of lines that are there; none when none is."""
    present = [path for path in lines if path.is_file()]
    if not present:
        return
    with target.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(COLUMNS)
    with target.open("ab") as whole:
        for path in present:
            with path.open("rb") as part:
                shutil.copyfileobj(part, whole)


def values_of(column: str, lines: Iterable[Path]) -> set[str]:
    """The values of a column in the rows of files of lines that are there, as text."""
    found: set[str] = set()
    for path in lines:
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as file:
                contents = [json.loads(line[COLUMNS.index("content")]) for line in csv.reader(file)]
            given = pd.Series([one.get(column) for one in contents], dtype=object)
            found.update(as_text(given).dropna())
    return found


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
