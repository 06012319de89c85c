"""A feature run on DuckDB: the customers in ranges, each computed by one thread, parts kept.

Memory is that of a few ranges, whatever the size of the bank. One thread a range makes the
numbers the same to the last bit from run to run, whatever parts the rows lie in. A finished
range is a part on disk, so that a run that was killed goes on where it stood.
"""

import math
import shutil
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import pyarrow as pa
import pyarrow.feather as feather

from features.atomic import replacing
from features.duckdb_engine import duckdb_rows
from features.engine import Tables, by_place, memory_bytes, opened_again
from features.panes import plans
from features.places import map_tables
from features.registry import FEATURES
from features.settings import EngineSettings
from features.statements import KEY, Statements, compiled, file_in_order, plan_tables
from features.steps import bounded

LAST = chr(0x10FFFF)  # above every id
# rows come out of a join in the order of its left side; by size a side may be either
AS_WRITTEN = "SET disabled_optimizers = 'join_order,build_side_probe_side'"
TRANSACTIONS_A_RANGE = 5_500_000  # about 0.8 GB in work
RESULTS_A_RANGE = 400_000  # customers x cut-offs
SWITCH_SECONDS = 0.0005  # between threads of Python


def alone(settings: EngineSettings, threads: int) -> EngineSettings:
    """One thread, and its share of the memory.

    >>> alone(EngineSettings(memory="8GB"), 2).memory
    '4000000000B'
    """
    memory = f"{memory_bytes(settings.memory) // threads}B"
    return settings.model_copy(update={"threads": 1, "memory": memory})


def ranges(tables: Tables, cutoffs: int) -> list[tuple[str, str]]:
    """Bounds of customer ids, the upper one not included, each with about as many customers."""
    ids = tables.customers.select("customer_id")
    ((customers,),) = duckdb_rows(tables.connection, ids.aggregate(n=ids.count()))
    rows = tables.transactions.select("customer_id")
    ((rows,),) = duckdb_rows(tables.connection, rows.aggregate(n=rows.count()))
    count = max(rows / TRANSACTIONS_A_RANGE, customers * cutoffs / RESULTS_A_RANGE)
    if count <= 1:
        return [("", LAST)]
    count = 2 * math.ceil(count / 2)  # so that two threads end together
    order = ibis.window(order_by="customer_id")
    nth = ids.mutate(range=ibis.ntile(count).over(order))
    first = nth.group_by("range").aggregate(low=nth.customer_id.min()).order_by("range")
    lows = ["", *(low for _, low in duckdb_rows(tables.connection, first)[1:])]
    return list(zip(lows, [*lows[1:], LAST], strict=True))


class Range(NamedTuple):
    """The rows of one range, sorted by customer and cut-off, and which of how many it is."""

    rows: pa.Table
    number: int
    of: int


def run(
    tables: Tables,
    cutoffs: Sequence[date],
    cells: pa.Table,
    parts: Path | None = None,
    names: Sequence[str] | None = None,
) -> Iterator[Range]:
    """The features of every range of customers, in order.

    `cells` names a cell for each customer. Finished ranges wait in the folder `parts`, where those
    of a run that was killed are taken up: it must be named for data, cut-offs, definitions and
    cells. It is gone when all ranges have been read, or on an error. `names` are some of the
    features (all by default), with those that they are made of.
    """
    bounds = ranges(tables, len(cutoffs))
    threads = min(tables.settings.threads, len(bounds))
    names = names or list(FEATURES)
    told = [
        Statements(one, map_tables(tables, one, names)) for one in plans(cutoffs, tables.timezone)
    ]
    workers = _Workers(tables, told, cells, threads)
    with _folder(parts if len(bounds) > 1 else None) as folder, ThreadPoolExecutor(threads) as pool:
        ahead = deque[Future[pa.Table]]()
        waiting = list(enumerate(bounds))[::-1]
        for number in range(1, len(bounds) + 1):
            while waiting and len(ahead) <= threads:  # what is ready waits in memory: little of it
                at, bound = waiting.pop()
                ahead.append(pool.submit(workers.part, bound, folder, at))
            if number == 1:  # the workers run what there is while the rest is compiled
                with _switching_often():
                    _compile(told, tables, names)
            yield Range(ahead.popleft().result(), number, len(bounds))


def _compile(told: Sequence[Statements], tables: Tables, names: Sequence[str]) -> None:
    """All statements; those who wait for them learn of it where that fails."""
    try:
        as_opened = _as_opened(tables)
        for one in told:
            one.end(compiled(one, as_opened, names))
    finally:
        for one in told:
            one.end(one.features)


@contextmanager
def _switching_often() -> Iterator[None]:
    """Let threads that need Python for a moment have it soon, while another is busy with it.

    Else the workers wait 5 ms for each of the many steps in which they open their engines.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _as_opened(tables: Tables) -> Tables:
    """The tables as the statements see them."""
    file = file_in_order(tables)
    return by_place(tables, file) if file else tables


@contextmanager
def _folder(parts: Path | None) -> Iterator[Path | None]:
    """The folder of finished ranges; those of other runs for the same file are removed."""
    if parts is None:
        yield None
        return
    prefix = parts.name.rpartition("-")[0]
    for other in parts.parent.glob(f"{prefix}-*"):
        if other != parts:
            shutil.rmtree(other, ignore_errors=True)
    parts.mkdir(exist_ok=True)
    try:
        yield parts
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise  # what is finished waits for the next run
    except BaseException:
        shutil.rmtree(parts, ignore_errors=True)
        raise
    else:
        shutil.rmtree(parts, ignore_errors=True)


@dataclass
class _Workers:
    """An engine with one thread for each thread of the pool, made when it is first needed."""

    tables: Tables
    told: Sequence[Statements]
    cells: pa.Table
    threads: int
    local: threading.local = field(default_factory=threading.local)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def part(self, bound: tuple[str, str], folder: Path | None, at: int) -> pa.Table:
        """The rows of a range, computed unless its part is there."""
        file = folder / f"{at:05d}.arrow" if folder else None
        if file is not None and file.exists():
            return feather.read_table(file)
        rows = self.mine().compute(bound)
        if file is not None:
            with replacing(file) as temporary:
                feather.write_feather(rows, str(temporary), compression="lz4")
        return rows

    def mine(self) -> "_Worker":
        """The engine of the calling thread."""
        if not hasattr(self.local, "worker"):
            with self.lock:  # a connection serves one caller at a time
                self.local.worker = self._opened()
        worker: _Worker = self.local.worker
        return worker

    def _opened(self) -> "_Worker":
        again = opened_again(self.tables, alone(self.tables.settings, self.threads))
        again.connection.con.register("cells", self.cells)
        again.connection.raw_sql(AS_WRITTEN)
        # tables have the same names on every engine: statements fit all
        return _Worker(again.connection.con, self.told, _as_opened(again))


@dataclass
class _Worker:
    duck: Any
    statements: Sequence[Statements]
    tables: Tables  # kept so that the engine lives

    def compute(self, bound: tuple[str, str]) -> pa.Table:
        """Features of the customers in a range, in order of customers and cut-offs."""
        found = [self._plan(one, bound) for one in self.statements]
        rows = pa.concat_tables(found)
        return rows if len(found) == 1 else rows.sort_by([(name, "ascending") for name in KEY[:2]])

    def _plan(self, one: Statements, bound: tuple[str, str]) -> pa.Table:
        for name, table in {**plan_tables(one.panes), **one.there}.items():
            self.duck.register(name, table)
        for shared in one:
            shared.make(self.duck, bound)
        return self.duck.sql(bounded(one.last(), bound)).to_arrow_table()
