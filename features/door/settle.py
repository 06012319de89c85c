"""One pass of DuckDB over the staged rows of a table: repeats, conflicts, strangers, order.

Spills to disk beyond its memory. The result does not depend on the order, the number or the
cutting of deliveries: it is sorted by a unique key and written in row groups of one size.
"""
# ruff: noqa: S608 (the names in the statements are those of our own contracts)

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from domain.tables import Contract
from features.arrow import arrow_schema
from features.door.staging import FILE, GROUP_ROWS, ROW

ORDER = {
    "customers": ("customer_id",),
    "transactions": ("customer_id", "posted_at", "transaction_id"),
    "holdings": ("customer_id", "opened_on", "product"),
    "service_events": ("customer_id", "occurred_at", "event_id"),
    "closures": ("customer_id",),
}


class Refused(NamedTuple):
    """A staged row that may not enter, with where it came from and its content."""

    file: str
    row: int
    content: dict[str, object]


class Settler:
    """A DuckDB connection with bounded memory, and the staged rows of one table in it.

    `customers` is the clean customer table, or None while that table itself is settled.
    """

    def __init__(
        self, contract: Contract, staged: Path, customers: Path | None, spill: Path, memory: str
    ) -> None:
        self.contract = contract
        self._duck = duckdb.connect(":memory:")
        self._duck.execute("SET memory_limit = $1", [memory])
        self._duck.execute("SET temp_directory = $1", [spill.as_posix()])
        self._duck.execute("SET threads = 2")
        self._duck.execute("SET TimeZone = 'UTC'")
        self._duck.register("staged", ds.dataset(staged))
        key = ", ".join(contract.key)
        self._run(
            f"CREATE TEMP TABLE repeated AS SELECT {key} FROM staged "
            f"GROUP BY {key} HAVING count(*) > 1"
        )
        self._run(
            f"CREATE TEMP TABLE versions AS SELECT DISTINCT {', '.join(contract.names)} "
            f"FROM staged SEMI JOIN repeated USING ({key})"
        )
        self._run(
            f"CREATE TEMP TABLE conflicting AS SELECT {key} FROM versions "
            f"GROUP BY {key} HAVING count(*) > 1"
        )
        self._known = customers is not None
        if customers is not None:
            self._duck.register("people", ds.dataset(customers))
            self._run("CREATE TEMP TABLE known AS SELECT customer_id FROM people")

    def close(self) -> None:
        """Give back memory and spill files."""
        self._duck.close()

    def strangers(self) -> Iterator[Refused]:
        """Rows of customers that are not in the customer table."""
        if self._known:
            yield from self._refused("ANTI JOIN known USING (customer_id)")

    def conflicts(self) -> Iterator[Refused]:
        """Rows that repeat a key with different content, of known customers."""
        key = ", ".join(self.contract.key)
        yield from self._refused(f"{self._acquainted} SEMI JOIN conflicting USING ({key})")

    def write(self, target: Path) -> int:
        """Write the clean table, sorted; the number of its rows."""
        names, key = ", ".join(self.contract.names), ", ".join(self.contract.key)
        order = ", ".join(ORDER[self.contract.name])
        relation = self._duck.sql(
            f"SELECT {names} FROM (SELECT {names} FROM staged ANTI JOIN repeated USING ({key}) "
            f"UNION ALL SELECT {names} FROM versions ANTI JOIN conflicting USING ({key})) "
            f"{self._acquainted} ORDER BY {order}"
        )
        schema = arrow_schema(self.contract)
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            return sum(_written(writer, group) for group in _groups(relation, schema))

    @property
    def _acquainted(self) -> str:
        return "SEMI JOIN known USING (customer_id)" if self._known else ""

    def _refused(self, condition: str) -> Iterator[Refused]:
        names = ", ".join(self.contract.names)
        rows = self._duck.sql(
            f"SELECT {FILE}, {ROW}, {names} FROM staged {condition} ORDER BY {FILE}, {ROW}"
        )
        for batch in rows.to_arrow_reader(GROUP_ROWS):
            for content in batch.to_pylist():
                yield Refused(content.pop(FILE), content.pop(ROW), content)

    def _run(self, statement: str) -> None:
        self._duck.execute(statement)


def _groups(relation: duckdb.DuckDBPyRelation, schema: pa.Schema) -> Iterator[pa.Table]:
    """Tables of exactly GROUP_ROWS rows, but for the last: the same rows give the same bytes."""
    held, count = [], 0
    for batch in relation.to_arrow_reader(GROUP_ROWS):
        held.append(pa.Table.from_batches([batch]).cast(schema))
        count += batch.num_rows
        if count >= GROUP_ROWS:
            whole = pa.concat_tables(held)
            while whole.num_rows >= GROUP_ROWS:
                yield whole.slice(0, GROUP_ROWS).combine_chunks()
                whole = whole.slice(GROUP_ROWS)
            held, count = [whole], whole.num_rows
    if count:
        yield pa.concat_tables(held).combine_chunks()


def _written(writer: pq.ParquetWriter, group: pa.Table) -> int:
    writer.write_table(group, row_group_size=GROUP_ROWS)
    return int(group.num_rows)
