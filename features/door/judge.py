"""The judgement of a batch of rows by the contract, the calendar and the bank's currency."""

import hashlib
import json
from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from domain.datum import Datum
from domain.tables import CONTRACTS
from features.door.checks import refuses, violations
from features.door.convert import Fault, converted, in_contract_words
from features.door.lateness import LastDay, too_late
from features.door.places import in_wgs84
from features.door.text import Form
from features.readers.batch import Batch
from features.settings import SourceSettings, TableSource

FORM_OF_TABLES = 6  # raised when the same sources would give other tables


class Terms(NamedTuple):
    """All that the judgement of a row depends on, besides the row."""

    settings: SourceSettings
    timezone: str  # of the bank
    currency: str | None = None  # of the bank; absent: any
    last: LastDay | None = None

    @property
    def datums(self) -> dict[str, Datum]:
        """Table with coordinates -> their datum as delivered.

        >>> Terms(SourceSettings(outlets=TableSource(datum="BD-09")), "UTC").datums
        {'customers': 'WGS-84', 'outlets': 'BD-09'}
        """
        placed = [name for name, table in CONTRACTS.items() if table.placed]
        return {name: (getattr(self.settings, name) or TableSource()).datum for name in placed}

    @property
    def hash(self) -> str:
        """A hash of the terms that hold on any day."""
        said = [FORM_OF_TABLES, self.settings.model_dump_json(), self.timezone, self.currency]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    @property
    def hash_today(self) -> str:
        """A hash of the terms, the last day included."""
        return f"{self.hash} {self.last.day if self.last else None}"

    def fingerprint(self, marks: Mapping[str, str]) -> str:
        """A hash of the terms and of the sources' marks."""
        said = [self.hash, sorted(marks.items())]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


class Judgement(NamedTuple):
    """A batch in the contract's types, its faults, its good rows, and whether some are early.

    `refusing` are the faults that cost a row. Good rows have none of them, and coordinates in
    WGS-84. An early row is one that another day may accept.
    """

    typed: pd.DataFrame
    faults: list[Fault]
    refusing: list[Fault]
    good: pd.DataFrame
    early: bool


def judged(batch: Batch, terms: Terms) -> Judgement:
    """The judgement of a batch."""
    contract = CONTRACTS[batch.table]
    typed, faults = converted(batch.frame, contract, form_of(batch, terms))
    faults += violations(typed, batch.table, _by_column(faults))
    faults += foreign(typed, terms.currency)
    late = too_late(typed, batch.table, terms.last, terms.timezone)
    faults += late
    bad = pd.Index([], dtype="int64")
    refusing = [one for one in faults if refuses(batch.table, one.column, one.problem)]
    for fault in refusing:
        bad = bad.union(fault.rows)
    good = in_contract_words(typed.drop(index=bad), contract)
    if contract.placed and batch.form is None:  # else it is settled already
        good = in_wgs84(good, terms.datums[batch.table])
    return Judgement(
        typed, faults, refusing, good, bool(late) and terms.settings.data_until is None
    )


def foreign(typed: pd.DataFrame, currency: str | None) -> list[Fault]:
    """Rows in another currency than the bank's; a row that names none is in the bank's.

    >>> rows = pd.DataFrame({"currency": ["CNY", None, "USD"]})
    >>> [(fault.reason, list(fault.rows)) for fault in foreign(rows, "CNY")]
    [('not in CNY', [2])]
    """
    if currency is None or "currency" not in typed:
        return []
    other = typed["currency"].notna() & (typed["currency"] != currency).fillna(False)
    rows = typed.index[other.to_numpy(bool)]
    return [Fault("currency", "out_of_range", f"not in {currency}", rows)] if len(rows) else []


def form_of(batch: Batch, terms: Terms) -> Form:
    """How the values of a batch are written."""
    return batch.form if batch.form is not None else form_of_table(batch.table, terms)


def form_of_table(table: str, terms: Terms) -> Form:
    """How the values of a table's files are written."""
    if terms.settings.reader != "tables":  # the other readers know how their files are written
        return Form(timezone=terms.timezone, bank_timezone=terms.timezone)
    source: TableSource = getattr(terms.settings, table) or TableSource()
    zone = source.timezone or terms.timezone
    return Form(source.decimal, source.date_format, zone, terms.timezone, source.values)


def _by_column(faults: list[Fault]) -> dict[str, pd.Index]:
    rows: dict[str, pd.Index] = {}
    for fault in faults:
        rows[fault.column] = rows.get(fault.column, fault.rows[:0]).union(fault.rows)
    return rows
