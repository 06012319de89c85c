"""Corrections in the stream of delivered rows: each in the place of the row it corrects."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import pandas as pd

from domain.datum import Datum
from domain.layout import Layout
from domain.tables import CONTRACTS
from features.correction_files import Content, Correction, correction_marks, kept, read_kept
from features.door.convert import converted, in_contract_words
from features.door.places import in_wgs84
from features.door.quarantine import mark
from features.door.text import Form
from features.readers.batch import Batch

WGS84: Datum = "WGS-84"  # of settled coordinates


class Corrections:
    """Every correction that was kept, and which of them found their rows.

    `datums` are those of each table's coordinates as delivered.
    """

    def __init__(self, layout: Layout, timezone: str, datums: Mapping[str, Datum]) -> None:
        self._form = Form(timezone="UTC", bank_timezone=timezone)  # of settled contents
        self._datums = datums
        self._of: dict[tuple[str, str, int], list[str]] = defaultdict(list)
        self._kept: dict[str, tuple[str, Correction]] = {}  # by file and line
        self._used: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.marks = correction_marks(layout)
        for path in kept(layout):
            file = path.relative_to(layout.root).as_posix()
            for line, one in enumerate(read_kept(path), 1):
                self._of[one.table, one.file, one.row].append(f"{file}:{line}")
                self._kept[f"{file}:{line}"] = file, one
        self._rows: dict[tuple[str, str], list[int]] = defaultdict(list)
        for table, file, row in self._of:
            self._rows[table, file].append(row)

    @property
    def hash(self) -> str:
        """A hash of all corrections."""
        return hashlib.sha256(json.dumps(sorted(self.marks.items())).encode()).hexdigest()

    def applied(self, batch: Batch, form: Form) -> Iterator[Batch]:
        """The batch without the rows that were corrected, then those rows as corrected.

        `form` is how the values of the batch are written.
        """
        labels = [row - batch.first_row for row in self._rows.get((batch.table, batch.file), ())]
        contents: dict[bool, dict[int, Content]] = {False: {}, True: {}}
        for label in sorted(set(labels) & set(batch.frame.index)):
            corrected = self._corrected(batch, label, form)
            if corrected is not None:
                contents[corrected.settled][label] = corrected.content
        changed = [label for rows in contents.values() for label in rows]
        if len(changed) < len(batch.frame) or not changed:
            yield batch._replace(frame=batch.frame.drop(index=changed)) if changed else batch
        for settled, rows in contents.items():
            if rows:
                yield batch._replace(frame=_frame(rows), form=self._form if settled else batch.form)

    def used(self, table: str, file: str) -> set[str]:
        """The corrections that found their rows in a delivery, so far."""
        return self._used[table, file]

    def unused(self, used: Iterable[str]) -> tuple[str, ...]:
        """Corrections whose rows were not delivered as they were, in words."""
        found = set(used)
        by_file: dict[str, list[Correction]] = defaultdict(list)
        for name, (file, one) in self._kept.items():
            if name not in found:
                by_file[file].append(one)
        return tuple(_unused(file, rows) for file, rows in by_file.items())

    def _corrected(self, batch: Batch, label: int, form: Form) -> Correction | None:
        """The last correction of a row, following it from content to content."""
        datum = self._datums.get(batch.table, WGS84)
        seen = self._marks(batch.frame.loc[[label]], batch.table, form, datum)
        last = None
        for name in self._of[batch.table, batch.file, batch.first_row + label]:
            _, one = self._kept[name]
            if one.mark in seen:
                last = one
                self._used[batch.table, batch.file].add(name)
                written = (self._form, WGS84) if one.settled else (form, datum)
                seen |= self._marks(_frame({label: one.content}), batch.table, *written)
        return last

    @staticmethod
    def _marks(row: pd.DataFrame, table: str, form: Form, datum: Datum) -> set[str]:
        """Marks under which a row can stand in quarantine: as delivered, and settled."""
        typed, _ = converted(row, CONTRACTS[table], form)
        typed = in_contract_words(typed, CONTRACTS[table])
        if CONTRACTS[table].placed:
            typed = in_wgs84(typed, datum)
        settled = {
            column.name: _value(typed[column.name].iloc[0], column.kind)
            for column in CONTRACTS[table]
        }
        return {mark(dict(row.iloc[0])), mark(settled)}


def _value(value: Any, kind: str) -> Any:
    """A typed value as the settled tables have it."""
    if pd.isna(value):
        return None
    if kind == "date":
        return date(value.year, value.month, value.day)
    if kind == "float":
        return float(value) + 0.0  # -0.0 is 0.0
    return bool(value) if kind == "boolean" else value


def _frame(rows: dict[int, Content]) -> pd.DataFrame:
    return pd.DataFrame(list(rows.values()), index=pd.Index(list(rows)), dtype=object)


def _unused(file: str, rows: list[Correction]) -> str:
    first = rows[0]
    what = "1 correction" if len(rows) == 1 else f"{len(rows)} corrections"
    return (
        f"{file} holds {what} of rows that were not delivered as they were when they were refused "
        f"(first: row {first.row} of {first.file}); left out: replay them again, or remove the file"
    )
