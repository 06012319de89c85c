"""One pass of DuckDB over the new rows of a table: repeats, conflicts, strangers, order.

Old rows are looked up by their ids alone; those that come again are recalled with every place
they were delivered in, so that a report says what one over all sources would. Spills to disk
beyond its memory. The result does not depend on the order, the number or the cutting of
deliveries: it is sorted by a unique key and written in row groups of one size.
"""
# ruff: noqa: S608 (the names in the statements are those of our own contracts)

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from domain.tables import Contract
from features.door.groups import Settled, write_clean, write_plain
from features.door.held import Held
from features.door.staging import FILE, GROUP_ROWS, ROW
from features.door.statements import empty_columns, read_files, texts
from features.parts import ORDER

DELIVERY = "delivery"  # the type of a file's name; names are ordered as the files are read


class Refused(NamedTuple):
    """A row that may not enter, with where it came from and its content."""

    file: str
    row: int
    content: dict[str, object]


def opened(spill: Path, memory: str) -> duckdb.DuckDBPyConnection:
    """A database with bounded memory for the tables of one intake; opening one takes 20 ms."""
    duck = duckdb.connect(":memory:")
    duck.execute("SET memory_limit = $1", [memory])
    duck.execute("SET temp_directory = $1", [spill.as_posix()])
    duck.execute("SET threads = 2")
    return duck


class Settler:
    """A connection to that database, and the rows of one table that are to be judged.

    What it makes there is its own and goes with it. `staged` are files of new rows and `held` is
    what the table has already; the rows of `again` were delivered before and are staged once more.
    `deliveries` names every file of the table in the order of reading. `customers` is the clean
    customer table, or None where rows belong to nobody, or are the customers themselves.
    """

    def __init__(
        self,
        duck: duckdb.DuckDBPyConnection,
        contract: Contract,
        staged: Sequence[Path],
        deliveries: Sequence[str],
        customers: Path | None,
        held: Held = Held(),  # noqa: B008 (an immutable value)
        again: Sequence[str] = (),
    ) -> None:
        self.contract, self._held, self._again = contract, held, again
        self._names, self._key = ", ".join(contract.names), ", ".join(contract.key)
        self._duck = duck.cursor()
        with contextlib.suppress(duckdb.Error):  # a notebook without widgets has no bar
            self._run("SET enable_progress_bar = false")
        self._run("SET TimeZone = 'UTC'")
        self._run(f"CREATE TEMP TYPE {DELIVERY} AS ENUM ({texts(deliveries)})")
        elsewhere = f"{FILE} NOT IN ({texts(again)})" if again else "true"
        waiting = [] if held.waiting is None else [held.waiting]
        self._run(
            f"CREATE TEMP VIEW fresh AS {self._rows(staged)} UNION ALL "
            f"SELECT * FROM ({self._rows(waiting)}) WHERE {elsewhere}"
        )
        self._recall(elsewhere)
        self._find_versions()
        self._find_strangers(customers)

    def close(self) -> None:
        """Give back the memory and the spill files of this table."""
        self._duck.close()

    def lost(self, customers: Path, now: Path) -> bool:
        """Whether the table holds rows of somebody who was a customer and is none `now`."""
        if not self._held.parts:
            return False
        self._run(
            f"CREATE OR REPLACE TEMP TABLE gone AS SELECT customer_id "
            f"FROM {read_files([customers])} AS earlier "
            f"ANTI JOIN {read_files([now])} AS present_day USING (customer_id)"
        )
        held = f"SELECT 1 FROM {read_files(self._held.parts)} SEMI JOIN gone USING (customer_id)"
        return self._any("gone") and bool(self._duck.execute(f"{held} LIMIT 1").fetchall())

    def strangers(self) -> Iterator[Refused]:
        """Rows of customers that are not in the customer table."""
        if self._any("unknown"):
            yield from self._refused("SEMI JOIN unknown USING (customer_id)")

    def conflicts(self) -> Iterator[Refused]:
        """Rows that repeat a key with different content, of known customers."""
        if self._any("conflicting"):
            yield from self._refused(
                f"{self._without('unknown', 'customer_id')} "
                f"SEMI JOIN conflicting USING ({self._key})"
            )

    def differing(self) -> list[str]:
        """The columns in which rows that repeat a key differ."""
        if not self._any("conflicting"):
            return []
        names = [name for name in self.contract.names if name not in self.contract.key]
        differ = ", ".join(f"count(DISTINCT {n}) + bool_or({n} IS NULL)::INT > 1" for n in names)
        found = self._duck.execute(
            f"SELECT {', '.join(f'bool_or(columns_[{at}])' for at in range(1, len(names) + 1))} "
            f"FROM (SELECT [{differ}] AS columns_ FROM versions SEMI JOIN conflicting "
            f"USING ({self._key}) GROUP BY {self._key})"
        ).fetchall()[0]
        return [name for name, differs in zip(names, found, strict=True) if differs]

    def withdrawn(self) -> int:
        """Rows that the table holds and would not hold beside the new ones: now they conflict."""
        both = f"SELECT count(*) FROM present SEMI JOIN conflicting USING ({self._key})"
        return int(self._duck.execute(both).fetchall()[0][0])

    def repeats(self) -> Counter[str]:
        """How many more rows of each file than before came after another of their key.

        Of rows of one key the first that was read is the one that counts, whatever came before.
        """
        if not self._any("repeated"):
            return Counter()
        now = (
            f"SELECT {self._key}, {FILE}, {ROW} FROM rows SEMI JOIN repeated USING ({self._key}) "
            f"{self._without('unknown', 'customer_id')} {self._without('conflicting', self._key)}"
        )
        found = self._later(now)
        found.subtract({f: n for f, n in self._later("FROM hit").items() if f not in self._again})
        return found

    def write(self, target: Path, wrote: Callable[[int], None]) -> Settled:
        """Write the rows that the table does not hold yet, sorted, each with its first file.

        `wrote` is told how many there are so far.
        """
        order = ", ".join(ORDER[self.contract.name])
        single = (
            f"SELECT {self._names}, {FILE}::{DELIVERY} AS {FILE} "
            f"FROM rows {self._without('repeated', self._key)}"
        )
        several = (
            f" UNION ALL SELECT {self._names}, {FILE} FROM versions "
            f"ANTI JOIN conflicting USING ({self._key})"
        )
        relation = self._duck.sql(
            f"SELECT {self._names}, {FILE} "
            f"FROM ({single}{several if self._any('repeated') else ''}) "
            f"{self._without('unknown', 'customer_id')} {self._without('present', self._key)} "
            f"ORDER BY {order}"
        )
        return write_clean(relation, self.contract, target, wrote)

    def write_ids(self, target: Path) -> int:
        """Write the key, file and row of every accepted delivery that is not in the ledger."""
        place = f"{self._key}, {FILE}, {ROW}"
        rows = self._duck.sql(
            f"SELECT {place} FROM fresh {self._without('unknown', 'customer_id')} "
            f"{self._without('hit', place)}"
        )
        return write_plain(rows, self.contract.name, [*self.contract.key, FILE, ROW], target)

    def write_waiting(self, target: Path) -> int:
        """Write the rows of unknown customers; their number."""
        which = "SEMI JOIN unknown USING (customer_id)" if self._any("unknown") else "LIMIT 0"
        rows = self._duck.sql(f"SELECT {self._names}, {FILE}, {ROW} FROM fresh {which}")
        return write_plain(rows, self.contract.name, [*self.contract.names, FILE, ROW], target)

    def _later(self, places: str) -> Counter[str]:
        """The rows of each file that are not the first of their key among some places."""
        nth = f"row_number() OVER (PARTITION BY {self._key} ORDER BY {FILE}::{DELIVERY}, {ROW})"
        rows = self._duck.execute(
            f"SELECT {FILE}, count(*) FROM (SELECT {FILE}, {nth} AS nth FROM ({places})) "
            "WHERE nth > 1 GROUP BY 1"
        ).fetchall()
        return Counter(dict(rows))

    def _recall(self, elsewhere: str) -> None:
        """Old rows whose keys come again: `hit` are their places, `present` their contents."""
        place = f"{self._key}, {FILE}, {ROW}"
        ids = read_files(self._held.ids) if self._held.ids else "fresh"
        which = f"SEMI JOIN fresh USING ({self._key})" if self._held.ids else "LIMIT 0"
        self._run(f"CREATE TEMP TABLE hit AS SELECT {place} FROM {ids} {which}")
        parts = read_files(self._held.parts) if self._any("hit") else "fresh"
        which = f"SEMI JOIN hit USING ({self._key})" if self._any("hit") else "LIMIT 0"
        self._run(f"CREATE TEMP TABLE present AS SELECT {self._names} FROM {parts} {which}")
        self._run(
            f"CREATE TEMP VIEW rows AS SELECT {self._names}, {FILE}, {ROW} FROM fresh "
            f"UNION ALL SELECT {self._names}, {FILE}, {ROW} "
            f"FROM hit JOIN present USING ({self._key}) WHERE {elsewhere}"
        )

    def _find_versions(self) -> None:
        key = self._key
        self._run(
            f"CREATE TEMP TABLE repeated AS SELECT {key} FROM rows "
            f"GROUP BY {key} HAVING count(*) > 1"
        )
        which = f"SEMI JOIN repeated USING ({key})" if self._any("repeated") else "WHERE false"
        self._run(
            f"CREATE TEMP TABLE versions AS SELECT {self._names}, "
            f"min({FILE}::{DELIVERY}) AS {FILE} FROM rows {which} GROUP BY {self._names}"
        )
        self._run(
            f"CREATE TEMP TABLE conflicting AS SELECT {key} FROM versions "
            f"GROUP BY {key} HAVING count(*) > 1"
        )

    def _find_strangers(self, customers: Path | None) -> None:
        if customers is None:
            self._run("CREATE TEMP TABLE unknown (customer_id VARCHAR)")
            return
        self._run(
            "CREATE TEMP TABLE unknown AS SELECT DISTINCT customer_id FROM rows "
            f"ANTI JOIN {read_files([customers])} USING (customer_id)"
        )

    def _rows(self, files: Sequence[Path]) -> str:
        if files:
            return f"SELECT {self._names}, {FILE}, {ROW} FROM {read_files(files)}"
        columns = empty_columns(self.contract)
        columns += [f"NULL::VARCHAR AS {FILE}", f"NULL::BIGINT AS {ROW}"]
        return f"SELECT {', '.join(columns)} WHERE false"

    def _without(self, table: str, using: str) -> str:
        return f"ANTI JOIN {table} USING ({using})" if self._any(table) else ""

    def _any(self, table: str) -> bool:
        return bool(self._duck.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall())

    def _refused(self, condition: str) -> Iterator[Refused]:
        rows = self._duck.sql(
            f"SELECT {FILE}, {ROW}, {self._names} FROM rows {condition} ORDER BY {FILE}, {ROW}"
        )
        for batch in rows.to_arrow_reader(GROUP_ROWS):
            for content in batch.to_pylist():
                yield Refused(content.pop(FILE), content.pop(ROW), content)

    def _run(self, statement: str) -> None:
        self._duck.execute(statement)
