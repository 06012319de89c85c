"""What an intake reads from the sources and what it keeps of the last one, table by table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from domain.tables import CONTRACTS, EVENTS
from features.door.count import Counted
from features.readers.batch import Batch, Delivered


class Outgrown(Exception):  # noqa: N818 (no error: the way back to reading everything)
    """The tables in place cannot be grown after all; the argument says why."""


class Place(NamedTuple):
    """Where an intake works and what it may use there."""

    work: Path  # gone afterwards
    staged: Path  # judged deliveries; a killed run leaves them
    tables: Path  # the tables in place
    memory: str  # of DuckDB, beyond which it spills


class Before(NamedTuple):
    """The sources of the tables in place, as they were."""

    marks: Mapping[str, str]
    counts: Mapping[Delivered, Counted]  # in the order of reading


class Plan(NamedTuple):
    """For each table one of three ways: kept, grown by some deliveries, or made anew."""

    order: tuple[Delivered, ...]  # every delivery there is; empty where a reader cannot tell
    kept: frozenset[str] = frozenset()
    grown: frozenset[str] = frozenset()
    taken_over: frozenset[Delivered] = frozenset()  # not read: they were counted before
    again: frozenset[Delivered] = frozenset()  # read once more: their late rows may be due now
    why: str = ""  # all that was there is read again, if it is

    def reads(self, delivered: Delivered) -> bool:
        """Whether a delivery is read."""
        return delivered not in self.taken_over

    def way(self, table: str) -> str:
        """Kept, grown or anew.

        >>> Plan((), grown=frozenset({"transactions"})).way("transactions")
        'grown'
        """
        return "kept" if table in self.kept else "grown" if table in self.grown else "anew"


def anew(order: Sequence[Delivered], why: str = "") -> Plan:
    """Everything is read."""
    return Plan(tuple(order), why=why)


def plan(
    order: Sequence[Delivered], marks: Mapping[str, str], before: Before, *, another_day: bool
) -> Plan:
    """What the sources ask for, when the same settings made the tables in place.

    Events only grow while no file of theirs changed or went; the tables that picture a state are
    made anew when any file of theirs, or of the customers, is another. `another_day` says that
    rows which were of days to come may be due.

    >>> old, new = Delivered("transactions", "1.csv"), Delivered("transactions", "2.csv")
    >>> was = Before({"1.csv": "a"}, {old: Counted(table="transactions", file="1.csv")})
    >>> found = plan([old, new], {"1.csv": "a", "2.csv": "b"}, was, another_day=False)
    >>> found.way("transactions"), found.reads(old), found.reads(new)
    ('grown', False, True)
    >>> found = plan([old], {"1.csv": "c"}, was, another_day=False)
    >>> found.way("transactions"), found.why
    ('anew', '1.csv changed')
    """
    other = _others_changed(order, marks, before)
    if other:
        return anew(order, other)
    reasons = {name: _changed(name, marks, before, order) for name in CONTRACTS}
    gained = {one.table for one in order if one not in before.counts}
    same = {name for name in CONTRACTS if not reasons[name] and name not in gained}
    grown = {name for name in EVENTS if not reasons[name]}
    states = {name for name in same if name not in EVENTS and "customers" in same}
    again = {
        one
        for one, counted in before.counts.items()
        if another_day and counted.late and one.table in grown
    }
    taken_over = {one for one in before.counts if one.table in grown | states} - again
    return Plan(
        tuple(order),
        frozenset(states),
        frozenset(grown),
        frozenset(taken_over),
        frozenset(again),
        next((reasons[name] for name in EVENTS if reasons[name]), ""),
    )


def share_read(batch: Batch, reading: Sequence[Delivered]) -> float:
    """Share of the reading that is done: transactions are most of it."""
    reading = reading or [Delivered(name, batch.file) for name in CONTRACTS]
    weights = [8.0 if one.table == "transactions" else 0.5 for one in reading]
    at = reading.index(Delivered(batch.table, batch.file))
    return (sum(weights[:at]) + weights[at] * batch.done) / sum(weights)


def _others_changed(order: Sequence[Delivered], marks: Mapping[str, str], before: Before) -> str:
    """A mark that is no delivery's own, as of a database file, and is another now."""
    files = {one.file for one in (*order, *before.counts)}
    names = [name for name in {**before.marks, **marks} if name not in files]
    return next(
        (f"{name} changed" for name in names if marks.get(name) != before.marks.get(name)), ""
    )


def _changed(
    table: str, marks: Mapping[str, str], before: Before, order: Sequence[Delivered]
) -> str:
    for one in before.counts:
        if one.table == table and one not in order:
            return f"{one.file} is gone"
        if one.table == table and marks.get(one.file) != before.marks.get(one.file):
            return f"{one.file} changed"
    return ""
