"""Figures of what was delivered: the door's counts beside those of the accepted rows.

What was refused has no cell, but it has a source: these figures are the bank's and each source's.
"""

from collections.abc import Iterator

from domain.tables import CONTRACTS
from features.quality.measured import Counted
from features.quality.report import QualityReport, TableQuality
from features.quality.rows import EVERYONE
from features.quality.rules import Rule, completeness_of, not_by_row, record_is_right

RECORD = Rule(
    "customers",
    "",
    "accuracy",
    "record is valid, consistent and no repeat",
    lambda rows: rows.customer_id.notnull(),
    record_is_right,
)


def as_delivered(counted: list[Counted], door: QualityReport) -> list[Counted]:
    """The counts with those of the door: what was refused counts as wrong."""
    known = {(one.table, one.source): one for one in (*door.tables, *door.sources)}
    records = {one.source: one for one in counted if _is_of_delivered(one, "accuracy")}
    kept = [
        one
        for one in counted
        if not _is_of_delivered(one, "completeness", "accuracy")
        or (one.rule.table, one.source) not in known
    ]
    lines = [line for one in known.values() for line in _door(one)]
    right = [_records(one, records) for one in known.values() if one.table == RECORD.table]
    return [*kept, *lines, *right]


def _is_of_delivered(one: Counted, *dimensions: str) -> bool:
    return one.cell_id == EVERYONE and one.rule.dimension in dimensions


def _records(table: TableQuality, accepted: dict[str, Counted]) -> Counted:
    """The customers delivered, and those of them whose record is right."""
    found = accepted.get(table.source, Counted(RECORD, EVERYONE, table.source, 0, 0))
    return found._replace(checked=found.checked + table.rejected)


def _door(table: TableQuality) -> Iterator[Counted]:
    missing = {column.column: column.missing for column in table.columns}
    for rule in completeness_of(CONTRACTS[table.table]):
        there = table.delivered - missing[rule.column]
        yield Counted(rule, EVERYONE, table.source, table.delivered, there)
    for column in table.columns:
        rule = Rule(
            table.table, column.column, "validity", "inside the contract", not_by_row, not_by_row
        )
        given = table.delivered - column.missing
        bad = column.not_parsable + column.out_of_range
        yield Counted(rule, EVERYONE, table.source, given, given - min(bad, given))
    repeats = table.duplicates + table.conflicts
    key = " + ".join(CONTRACTS[table.table].key)
    # a delivery that repeats another whole is harmless: told, and no reason to stop
    rule = Rule(
        table.table, key, "uniqueness", "delivered once", not_by_row, not_by_row, gates=False
    )
    yield Counted(rule, EVERYONE, table.source, table.accepted + repeats, table.accepted)
