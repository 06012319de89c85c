"""Control totals of a delivery, taken beside the door: rows, and money in the transactions.

They are added up from the rows as they come and from what lies in quarantine afterwards, not
from the door's own counts, so that the two can be compared.
"""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.tables import CONTRACTS
from features.door.convert import numbers
from features.door.passage import REASONS
from features.door.text import Form
from features.quality import ControlTotal
from features.readers.batch import Batch

MONEY = {"transactions": "amount"}


class Controls:
    """Totals of the delivered rows, batch by batch."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._amounts: dict[str, list[float]] = defaultdict(list)
        self._sizes: dict[str, list[float]] = defaultdict(list)

    def count(self, batch: Batch, form: Form) -> None:
        """Add a batch, whose values are written as `form` says."""
        self._rows[batch.table] += len(batch.frame)
        column = MONEY.get(batch.table)
        if column in batch.frame:
            amounts = _finite(batch.frame[column], form)
            self._amounts[batch.table].append(float(amounts.sum()))
            self._sizes[batch.table].append(float(np.abs(amounts).sum()))

    def totals(self, quarantine: Path, form: Callable[[str], Form]) -> tuple[ControlTotal, ...]:
        """The totals, with those of the rows in quarantine; `form` is that of a table's files."""
        return tuple(
            self._total(name, *_rejected(quarantine, name, form(name)))
            for name in CONTRACTS
            if self._rows[name]
        )

    def _total(self, table: str, rejected: int, amounts: list[float]) -> ControlTotal:
        return ControlTotal(
            table=table,
            delivered=self._rows[table],
            rejected=rejected,
            delivered_amount=float(np.sum(self._amounts[table])),
            rejected_amount=float(np.sum(amounts)),
            size=float(np.sum(self._sizes[table])),
        )


def _rejected(quarantine: Path, table: str, form: Form) -> tuple[int, list[float]]:
    """Number of the rows in quarantine and their amounts; a row with two faults counts once."""
    path, column = quarantine / f"{table}.csv", MONEY.get(table)
    rows: set[tuple[str, str]] = set()
    amounts: dict[bool, list[object]] = {False: [], True: []}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                if (line["file"], line["row"]) in rows:
                    continue
                rows.add((line["file"], line["row"]))
                if column is not None:
                    settled = line["reason"] in REASONS.values()
                    amounts[settled].append(json.loads(line["content"]).get(column))
    found = [
        float(amount)
        for settled, given in amounts.items()
        for amount in _finite(pd.Series(given, dtype=object), Form() if settled else form)
    ]
    return len(rows), found


def _finite(given: pd.Series, form: Form) -> NDArray[np.float64]:
    values = numbers(given, form.decimal).values.to_numpy(np.float64)
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)
