"""Control totals of a delivery, taken beside the door: rows, and money in the transactions.

They are added up from the rows as they come and from what lies in quarantine afterwards, not
from the door's own counts, so that the two can be compared. Those of a delivery are kept with its
counts: a later intake takes them over unread.
"""

import csv
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from domain.tables import CONTRACTS
from features.door.convert import numbers
from features.door.text import Form
from features.door.words import is_settled
from features.quality.report import ControlTotal
from features.readers.batch import Batch

MONEY = {"transactions": "amount"}


class ControlSum(BaseModel):
    """Rows and money of one delivery as it came; `size` is the sum of |amount|."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int = 0
    amount: float = 0.0
    size: float = 0.0


class Control:
    """The control sum of one delivery while it is read."""

    def __init__(self) -> None:
        self._rows = 0
        self._amounts: list[float] = []
        self._sizes: list[float] = []

    def count(self, batch: Batch, form: Form) -> None:
        """Add a batch, whose values are written as `form` says."""
        self._rows += len(batch.frame)
        column = MONEY.get(batch.table)
        if column in batch.frame:
            amounts = _finite(batch.frame[column], form)
            self._amounts.append(float(amounts.sum()))
            self._sizes.append(float(np.abs(amounts).sum()))

    def done(self) -> ControlSum:
        """The sum of all batches."""
        amount, size = math.fsum(self._amounts), math.fsum(self._sizes)
        return ControlSum(rows=self._rows, amount=amount, size=size)


def control_totals(
    sums: Sequence[tuple[str, ControlSum]], quarantine: Path, form: Callable[[str], Form]
) -> tuple[ControlTotal, ...]:
    """Totals of the tables of some deliveries, with those of the rows in quarantine.

    `form` is that of a table's files.
    """
    by_table = {name: [one for table, one in sums if table == name] for name in CONTRACTS}
    return tuple(
        _total(name, delivered, *_rejected(quarantine, name, form(name)))
        for name, delivered in by_table.items()
        if any(one.rows for one in delivered)
    )


def _total(
    table: str, delivered: Sequence[ControlSum], rejected: int, amounts: list[float]
) -> ControlTotal:
    return ControlTotal(
        table=table,
        delivered=sum(one.rows for one in delivered),
        rejected=rejected,
        delivered_amount=math.fsum(one.amount for one in delivered),
        rejected_amount=math.fsum(amounts),
        size=math.fsum(one.size for one in delivered),
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
                    settled = is_settled(line["reason"])
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
