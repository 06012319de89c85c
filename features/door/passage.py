"""The way of the rows: judge and stage what is read; then settle each table."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from duckdb import DuckDBPyConnection

from domain.tables import CONTRACTS, EVENTS, Contract
from features.controls import control_totals
from features.corrections import Corrections
from features.door.convert import Problem
from features.door.count import Counted
from features.door.held import Held, held, refused_file
from features.door.judge import Terms, form_of, form_of_table, judged
from features.door.plan import Before, Outgrown, Place, Plan
from features.door.progress import Steps
from features.door.quarantine import Lines, values_of, write_quarantine
from features.door.settle import Refused, Settler, opened
from features.door.staging import Judged, named
from features.door.tally import Tally
from features.door.words import ORPHAN, REPEATS, STRANGER, Defect
from features.door.written import Written
from features.parts import IntakeRecord
from features.quality.report import QualityReport
from features.readers.batch import Batch, Delivered


class Passage:
    """The rows of one intake on their way from the reader to the clean tables, inside `work`."""

    def __init__(
        self,
        terms: Terms,
        plan: Plan,
        marks: dict[str, str],
        place: Place,
        corrections: Corrections,
        before: Before | None = None,
        record: IntakeRecord | None = None,
    ) -> None:
        self.tally = Tally()
        self.clean, self.quarantined = place.work / "tables", place.work / "quarantine"
        self._settled = place.work / "settled"
        self.written = Written(self.clean, place.tables, record)
        self._terms, self._plan, self._place = terms, plan, place
        self._corrections = corrections
        self._marks, self._before, self._record = marks, before, record
        self._judged: dict[Delivered, Judged] = {one: self._staged(one) for one in plan.order}
        self._open: list[Judged] = []
        self._refused_customers: set[str] = set()

    @contextmanager
    def open(self) -> Iterator[None]:
        """While rows are taken; afterwards the staged files are whole."""
        for folder in (self.clean, self.quarantined, self._settled):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        self._sweep()
        try:
            yield
            self._finish()
        finally:
            for one in self._open:
                one.drop()

    def wants(self, delivered: Delivered) -> bool:
        """Whether a delivery is to be read: it is new, and no killed run had read it."""
        return self._plan.reads(delivered) and not self._judged[delivered].whole

    def turn_to(self, delivered: Delivered) -> bool:
        """End the delivery before this one; whether this one is to be read."""
        self._finish()
        return self.wants(delivered)

    def take(self, batch: Batch) -> None:
        """Judge a batch as it was corrected: good rows are staged, bad ones go to quarantine."""
        one = self._at(Delivered(batch.table, batch.file))
        for corrected in self._corrections.applied(batch, form_of(batch, self._terms)):
            one.count.control.count(corrected, form_of(corrected, self._terms))
            found = judged(corrected, self._terms)
            one.refused.reject(corrected, found.refusing)
            one.add(found.good, batch.first_row)
            rejected = len(found.typed) - len(found.good)
            one.count.batch(corrected, found.typed, found.faults, rejected, found.early)
            one.count.accept(found.good)
        one.count.corrected |= self._corrections.used(*one.delivered)

    def settle(self, progress: Callable[[str, float], None]) -> None:
        """Drop repeats, refuse conflicts and strangers, sort and write what is new."""
        for counted in self.counts():
            self.tally.add(counted)
        steps = Steps(progress, {name: self._staged_rows(name) for name in CONTRACTS})
        with opened(self._place.work / "spill", self._place.memory) as duck:
            for contract in CONTRACTS.values():
                self._settle(duck, contract, steps)
        for name in CONTRACTS:
            write_quarantine(
                self.quarantined / f"{name}.csv", [*self._refused(name), self._of(name)]
            )

    def stop(self) -> None:
        """Count and quarantine what was read before the reader could not go on."""
        read = self._until_stopped()
        for delivered in read:
            self.tally.add(self._counted(delivered))
        for name in CONTRACTS:
            lines = [self._lines(one) for one in read if one.table == name]
            write_quarantine(self.quarantined / f"{name}.csv", lines)

    def counts(self) -> list[Counted]:
        """The counts of every delivery, in the order of reading."""
        return [self._counted(one) for one in self._read_order()]

    def report(self, stopped: list[str]) -> QualityReport:
        """The report, with control totals and the corrections that found no row.

        Of sources that were not read to the end neither is known.
        """
        report = self.tally.report(self._terms.settings, stopped)
        if stopped:
            return report
        counts = self.counts()
        used = [name for counted in counts for name in counted.corrected]
        totals = control_totals(
            [(counted.table, counted.control) for counted in counts],
            self.quarantined,
            lambda table: form_of_table(table, self._terms),
        )
        findings = (*report.findings, *self._corrections.unused(used))
        return report.model_copy(update={"findings": findings, "controls": totals})

    def keep_ledger(self) -> None:
        """Write what a later intake needs in order to read only what is new."""
        if self._plan.order:
            for one in self._plan.order:
                if self._lines(one).is_file():
                    self.written.ledger(self._lines(one), refused_file(one))
            self.written.counts(self.tally.counts())

    def _settle(self, duck: DuckDBPyConnection, contract: Contract, steps: Steps) -> None:
        name, way = contract.name, self._plan.way(contract.name)
        old = (
            held(self._place.tables, self._record, name)
            if way != "anew" and self._record
            else Held()
        )
        of_known = contract.of_customers and name != "customers"
        people = self.clean / "customers.parquet" if of_known else None
        ours = [one for one in self._read_order() if one.table == name]
        read = [self._judged[one].rows for one in ours if self._plan.reads(one)]
        staged, order = [rows for rows in read if rows.is_file()], [one.file for one in ours]
        again = [one.file for one in self._plan.again if one.table == name]
        steps.compares(name)
        settler = Settler(duck, contract, staged, order, people, old, again)
        lines = Lines(self._of(name))
        try:
            self._require_all_customers(settler, name, way)
            self._refuse(settler, lines)
            self.tally.repeat(name, settler.repeats())
            self._write(settler, way, old, steps)
        finally:
            lines.close()
            settler.close()
        if name == "customers":
            self._refused_customers = values_of("customer_id", [*self._refused(name), lines.path])

    def _require_all_customers(self, settler: Settler, name: str, way: str) -> None:
        people = self._place.tables / "customers.parquet"
        if way == "grown" and settler.lost(people, self.clean / "customers.parquet"):
            raise Outgrown(f"customers with {name.replace('_', ' ')} are gone")

    def _refuse(self, settler: Settler, lines: Lines) -> None:
        differing = ", ".join(settler.differing())
        key = settler.contract.key[0]
        reason = f"{REPEATS} ({differing})"
        self._refuse_rows(settler.conflicts(), lines, settler, key, "conflict", reason)
        self._refuse_rows(settler.strangers(), lines, settler, "customer_id", "unknown", STRANGER)

    def _refuse_rows(
        self,
        rows: Iterator[Refused],
        lines: Lines,
        settler: Settler,
        column: str,
        problem: Problem,
        reason: str,
    ) -> None:
        for file, row, content in rows:
            orphan = problem == "unknown" and content[column] in self._refused_customers
            why = ORPHAN if orphan else reason
            lines.add(file, row, column, why, content)
            defect = Defect(settler.contract.name, file, column, problem, why)
            self.tally.refuse(defect, row, content[column])

    def _staged_rows(self, table: str) -> int:
        read = [one for one in self._read_order() if one.table == table and self._plan.reads(one)]
        return sum(one.delivered - one.rejected for one in map(self._counted, read))

    def _write(self, settler: Settler, way: str, old: Held, steps: Steps) -> None:
        name = settler.contract.name
        if way != "anew":
            self.written.keep(name, old)
        if way != "kept":
            self.written.add(
                name, settler, steps.writes(name), first=way == "anew", parted=name in EVENTS
            )
        if self._plan.order:
            self.written.waiting(name, settler)
            if name in EVENTS:
                self.written.ids(name, settler)
        self.tally.accepted[name] = self.written.tables[name].rows - settler.withdrawn()

    def _staged(self, delivered: Delivered) -> Judged:
        mark = f"{self._marks.get(delivered.file, '')} {self._corrections.hash}"
        folder = self._place.staged / named(self._terms.hash_today, delivered, mark)
        return Judged(delivered, folder)

    def _sweep(self) -> None:
        wanted = {self._judged[one].folder for one in self._plan.order}
        self._place.staged.mkdir(exist_ok=True)
        for folder in self._place.staged.iterdir():
            if folder not in wanted:
                shutil.rmtree(folder, ignore_errors=True)

    def _at(self, delivered: Delivered) -> Judged:
        one = self._judged.setdefault(delivered, self._staged(delivered))
        if one not in self._open:
            one.begin()
            self._open.append(one)
        return one

    def _finish(self) -> None:
        while self._open:
            self._open[-1].finish()
            self._open.pop()

    def _read_order(self) -> list[Delivered]:
        return list(self._plan.order or self._judged)

    def _until_stopped(self) -> list[Delivered]:
        """The deliveries that were read, the last of them perhaps not to its end."""
        read = []
        for one in self._read_order():
            if self._plan.reads(one) and not self._judged[one].begun:
                break
            read.append(one)
            if self._plan.reads(one) and not self._judged[one].whole and self._plan.order:
                break
        return read

    def _counted(self, delivered: Delivered) -> Counted:
        if self._plan.reads(delivered) or self._before is None:
            return self._judged[delivered].counted()
        return self._before.counts[delivered]

    def _lines(self, delivered: Delivered) -> Path:
        if self._plan.reads(delivered):
            return self._judged[delivered].refused.path
        return self._place.tables / refused_file(delivered)

    def _refused(self, table: str) -> list[Path]:
        return [self._lines(one) for one in self._read_order() if one.table == table]

    def _of(self, table: str) -> Path:
        """Lines of rows that their table could not take."""
        return self._settled / f"{table}.csv"
