"""Corrections in the stream of delivered rows: each in the place of the row it corrects."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd

from domain.layout import Layout
from domain.tables import CONTRACTS
from features.correction_files import Content, Correction, correction_marks, kept, read_kept
from features.door.convert import converted
from features.door.quarantine import mark
from features.door.text import Form
from features.readers.batch import Batch


class Corrections:
    """Every correction that was kept, and which of them found their rows."""

    def __init__(self, layout: Layout, timezone: str) -> None:
        self._form = Form(timezone="UTC", bank_timezone=timezone)  # of settled contents
        self._of: dict[tuple[str, str, int], list[Correction]] = defaultdict(list)
        self._waiting: dict[int, tuple[str, Correction]] = {}
        self.marks = correction_marks(layout)
        for path in kept(layout):
            for one in read_kept(path):
                self._of[one.table, one.file, one.row].append(one)
                self._waiting[id(one)] = (path.relative_to(layout.root).as_posix(), one)
        self._rows: dict[tuple[str, str], list[int]] = defaultdict(list)
        for table, file, row in self._of:
            self._rows[table, file].append(row)

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

    def unused(self) -> tuple[str, ...]:
        """Corrections whose rows were not delivered as they were, in words."""
        by_file: dict[str, list[Correction]] = defaultdict(list)
        for file, one in self._waiting.values():
            by_file[file].append(one)
        return tuple(_unused(file, rows) for file, rows in by_file.items())

    def _corrected(self, batch: Batch, label: int, form: Form) -> Correction | None:
        """The last correction of a row, following it from content to content."""
        seen = _marks(batch.frame.loc[[label]], batch.table, form)
        last = None
        for one in self._of[batch.table, batch.file, batch.first_row + label]:
            if one.mark in seen:
                last = one
                self._waiting.pop(id(one), None)
                written = self._form if one.settled else form
                seen |= _marks(_frame({label: one.content}), batch.table, written)
        return last


def _marks(row: pd.DataFrame, table: str, form: Form) -> set[str]:
    """Marks under which a row can stand in quarantine: as delivered, and settled."""
    typed, _ = converted(row, CONTRACTS[table], form)
    settled = {
        column.name: _value(typed[column.name].iloc[0], column.kind) for column in CONTRACTS[table]
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
