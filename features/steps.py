"""Steps of the feature query that an engine may keep as tables, by their query or in memory."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
from ibis.expr.types import Table

LOW, HIGH = "@@low@@", "@@high@@"  # stand in the statements for the bounds of a range


class Merge(NamedTuple):
    """The same as a query computes, as a function in memory of one table before it."""

    table: Table
    function: Callable[[pa.Table], pa.Table]


class Keep(Protocol):
    """What makes a step of the feature query a table, if it does."""

    def __call__(self, name: str, table: Table, merge: Merge | None = None) -> Table:
        """The result of the step, by its query or by `merge`."""


def inline(name: str, table: Table, merge: Merge | None = None) -> Table:
    """A step that stays part of the query; an engine that can keeps it as a table instead."""
    return table


class Step(NamedTuple):
    """A table of one range: a query's result, or what `merge` makes of it."""

    name: str
    sql: str
    merge: Callable[[pa.Table], pa.Table] | None = None

    def make(self, duck: Any, bound: tuple[str, str]) -> None:
        """The table on the engine, in place of the one of the range before."""
        sql = bounded(self.sql, bound)
        if self.merge is None:
            duck.execute(f"CREATE OR REPLACE TEMP TABLE {self.name} AS {sql}")
        else:
            duck.register(self.name, self.merge(duck.sql(sql).to_arrow_table()))


def step(engine: Any, name: str, table: Table, merge: Merge | None = None) -> Step:
    """A step compiled for an engine; in memory it has the columns and types of its query."""
    if merge is None:
        return Step(name, engine.compile(table))
    given, result = (one.schema().to_pyarrow() for one in (merge.table, table))

    def merged(rows: pa.Table) -> pa.Table:
        return merge.function(rows.cast(given)).select(result.names).cast(result)

    return Step(name, engine.compile(merge.table), merged)


def bounded(sql: str, bound: tuple[str, str]) -> str:
    """The text of a step for the customers from the one id up to the other.

    >>> bounded("a >= '@@low@@' AND a < '@@high@@'", ("C1", "O'N"))
    "a >= 'C1' AND a < 'O''N'"
    """
    low, high = (one.replace("'", "''") for one in bound)
    return sql.replace(LOW, low).replace(HIGH, high)
