"""The way of the rows: convert, judge, stage or quarantine; then settle each table."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from domain.tables import CONTRACTS, Contract
from features.door.checks import violations
from features.door.convert import Fault, Problem, converted
from features.door.lateness import LastDay, too_late
from features.door.places import in_wgs84
from features.door.quarantine import Quarantine
from features.door.settle import Refused, Settler
from features.door.staging import Staging
from features.door.tally import Tally
from features.door.text import Form
from features.door.words import Defect
from features.readers.batch import Batch
from features.settings import SourceSettings, TableSource


class Passage:
    """The rows of one intake on their way from the reader to the clean tables, inside `work`."""

    def __init__(
        self,
        settings: SourceSettings,
        timezone: str,
        work: Path,
        memory: str,
        last: LastDay | None = None,
    ) -> None:
        self.tally = Tally()
        self.clean, self.quarantined = work / "tables", work / "quarantine"
        self._settings, self._timezone = settings, timezone
        self._work, self._memory, self._last = work, memory, last
        self._staging = Staging(work / "staged")
        self._quarantine = Quarantine(self.quarantined)

    @contextmanager
    def open(self) -> Iterator[None]:
        """While rows are taken; afterwards the staged files are whole."""
        self.clean.mkdir()
        with self._staging, self._quarantine:
            yield

    def take(self, batch: Batch) -> None:
        """Judge a batch: good rows are staged, bad ones go to quarantine."""
        contract = CONTRACTS[batch.table]
        typed, faults = converted(batch.frame, contract, self.form(batch))
        faults += violations(typed, batch.table, _by_column(faults))
        faults += too_late(typed, batch.table, self._last, self._timezone)
        bad = pd.Index([], dtype="int64")
        for fault in faults:
            bad = bad.union(fault.rows)
        self._quarantine.reject(batch, faults)
        good = typed.drop(index=bad)
        if batch.table == "customers":
            good = in_wgs84(good, (self._settings.customers or TableSource()).datum)
        self._staging.add(batch.table, good, batch.file, batch.first_row)
        self.tally.batch(batch, typed, faults, len(bad))

    def settle(self, progress: Callable[[str, float], None]) -> None:
        """Drop repeats, refuse conflicts and strangers, sort and write every table."""
        with self._quarantine.reopened():
            for at, contract in enumerate(CONTRACTS.values()):
                progress(f"sorting {contract.name}", at / len(CONTRACTS))
                self._settle(contract)

    def _settle(self, contract: Contract) -> None:
        people = None if contract.name == "customers" else self.clean / "customers.parquet"
        staged = self._staging.path(contract.name)
        settler = Settler(contract, staged, people, self._work / "spill", self._memory)
        try:
            self._refuse(contract, settler.conflicts(), "conflict", contract.key[0])
            self._refuse(contract, settler.strangers(), "unknown", "customer_id")
            target = self.clean / f"{contract.name}.parquet"
            self.tally.accepted[contract.name] = settler.write(target)
        finally:
            settler.close()

    def _refuse(
        self, contract: Contract, rows: Iterator[Refused], problem: Problem, column: str
    ) -> None:
        reason = REASONS[problem]
        for file, row, content in rows:
            self._quarantine.add(contract.name, file, row, column, reason, content)
            defect = Defect(contract.name, file, column, problem, reason)
            self.tally.fault(defect, 1, row, content[column])
            self.tally.rejected[contract.name] += 1

    def form(self, batch: Batch) -> Form:
        """How the values of a batch are written."""
        return batch.form if batch.form is not None else self.form_of(batch.table)

    def form_of(self, table: str) -> Form:
        """How the values of a table's files are written."""
        if self._settings.reader != "tables":  # the other readers know how their files are written
            return Form(timezone=self._timezone, bank_timezone=self._timezone)
        source: TableSource = getattr(self._settings, table) or TableSource()
        zone = source.timezone or self._timezone
        return Form(source.decimal, source.date_format, zone, self._timezone)


REASONS: dict[Problem, str] = {
    "conflict": "repeats an id with different content",
    "unknown": "customer is not in the customer table",
}


def _by_column(faults: list[Fault]) -> dict[str, pd.Index]:
    rows: dict[str, pd.Index] = {}
    for fault in faults:
        rows[fault.column] = rows.get(fault.column, fault.rows[:0]).union(fault.rows)
    return rows
