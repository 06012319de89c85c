"""Figures of the bank as delivered: the door's counts beside those of the accepted rows."""

from collections.abc import Iterator

from domain.tables import CONTRACTS
from features.quality.measured import Counted
from features.quality.report import QualityReport, TableQuality
from features.quality.rows import EVERYONE
from features.quality.rules import Rule, not_by_row


def as_delivered(counted: list[Counted], door: QualityReport) -> list[Counted]:
    """The counts with those of the door: what was refused counts as wrong in the bank's."""
    known = {table.table: table for table in door.tables}
    replaced = [
        _one(one, known[name]) if (name := one.rule.table) in known else one for one in counted
    ]
    return [*replaced, *(line for table in door.tables for line in _door(table))]


def _one(found: Counted, table: TableQuality | None) -> Counted:
    rule = found.rule
    if found.cell_id != EVERYONE or table is None:
        return found
    if rule.dimension == "accuracy":
        return found._replace(checked=found.checked + table.rejected)
    if rule.dimension == "completeness":
        column = next(one for one in table.columns if one.column == rule.column)
        return found._replace(checked=table.delivered, good=table.delivered - column.missing)
    return found


def _door(table: TableQuality) -> Iterator[Counted]:
    for column in table.columns:
        rule = Rule(
            table.table, column.column, "validity", "inside the contract", not_by_row, not_by_row
        )
        given = table.delivered - column.missing
        bad = column.not_parsable + column.out_of_range
        yield Counted(rule, EVERYONE, given, given - min(bad, given))
    repeats = table.duplicates + table.conflicts
    key = " + ".join(CONTRACTS[table.table].key)
    # a delivery that repeats another whole is harmless: told, and no reason to stop
    rule = Rule(
        table.table, key, "uniqueness", "delivered once", not_by_row, not_by_row, gates=False
    )
    yield Counted(rule, EVERYONE, table.accepted + repeats, table.accepted)
