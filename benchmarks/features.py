"""Features beside hand-written DuckDB SQL, polars and pandas; many cut-offs; growing banks.

    python -m benchmarks.features                        # 20 million x 200,000, peers beside ours
    python -m benchmarks.features --cutoffs 12           # one cut-off against twelve months
    python -m benchmarks.features --sizes 10 50 200      # millions, 200 a customer: time, memory
    python -m benchmarks.features --without place        # what a family of features costs

Every run is a process of its own that imports no more than it needs, reads the same Parquet files
and writes one; values are compared to 1e-9. Wall seconds vary on a shared machine: compare within
one run, or CPU seconds.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from benchmarks.feature_peers import CANONICAL, PEERS

AS_OF = date(2025, 12, 31)
FIRST, DAYS = "2024-01-01", 730


class Run(NamedTuple):
    """One process: wall seconds, CPU seconds of all its threads, peak memory in MB."""

    wall: float
    cpu: float
    peak_mb: float


def write_bank(folder: Path, customers: int, transactions: int, chunk: int = 50_000) -> None:
    """Contract tables of two years, sorted as the intake writes them; 2 % arrive 3 days late."""
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    from domain.tables import CONTRACTS
    from features.arrow import arrow_schema

    for name in ("holdings", "service_events", "closures"):
        pq.write_table(arrow_schema(CONTRACTS[name]).empty_table(), folder / f"{name}.parquet")
    engine = duckdb.connect()
    engine.execute("SET threads = 2; SET memory_limit = '3GB'; SET enable_progress_bar = false")
    for name, rows in (("customers", PEOPLE), ("outlets", STANDS), ("transactions", ROWS)):
        schema = arrow_schema(CONTRACTS[name])
        with pq.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd") as writer:
            for low in range(0, customers, chunk):
                high, most = min(low + chunk, customers), 2 * transactions // customers
                found = engine.sql(rows.format(low=low, high=high, most=most)).to_arrow_table()
                missing = [pa.nulls(len(found), one.type) for one in schema]
                columns = [
                    found[one.name].cast(one.type) if one.name in found.column_names else none
                    for one, none in zip(schema, missing, strict=True)
                ]
                writer.write_table(pa.table(columns, schema=schema), row_group_size=200_000)
    _record(folder)


def _record(folder: Path) -> None:
    """The tables as one intake leaves them: a part each, named with its hash."""
    import pyarrow.parquet as pq

    from domain.tables import CONTRACTS
    from features.content import Content
    from features.file_hash import sha256
    from features.parts import INTAKE_FILE, IntakeRecord, Part, TableRecord

    tables = {}
    for name in CONTRACTS:
        file = folder / f"{name}.parquet"
        rows, size = pq.read_metadata(file).num_rows, file.stat().st_size
        part = Part(
            file=file.name, rows=rows, bytes=size, sha256=sha256(file), content=Content(rows)
        )
        tables[name] = TableRecord(parts=(part,))
    made = IntakeRecord(
        reader="tables", timezone="UTC", source={}, terms="", fingerprint="", tables=tables,
        data_hashes={},
    )  # fmt: skip
    (folder / INTAKE_FILE).write_text(made.model_dump_json(), encoding="utf-8")


# 97 towns in 4 degrees each way; an outlet for a hundred customers
PLACE = """30 + hash(c % 97) % 4000 / 1000 + (hash(c * 3) % 1000 + hash(c * 5) % 1000) / 7000
        AS latitude,
    118 + hash(c % 97 + 97) % 4000 / 1000 + (hash(c * 7) % 1000 + hash(c * 9) % 1000) / 7000
        AS longitude"""
PEOPLE = f"""
SELECT 'C' || lpad(c::VARCHAR, 8, '0') AS customer_id, DATE '2020-01-01' AS onboarded_on,
    'B' || (c // 100 * 100) AS outlet_id, {PLACE}
FROM range({{low}}, {{high}}) t(c) ORDER BY 1"""
STANDS = f"""
SELECT 'B' || c AS outlet_id, {PLACE} FROM range({{low}}, {{high}}) t(c) WHERE c % 100 = 0"""
ROWS = """
WITH people AS (SELECT c, hash(c * 7 + 1) % ({most} - 1) + 1 AS n FROM range({low}, {high}) t(c)),
rows AS (
    SELECT c, i, hash(c * 100003 + i) AS h, hash(c * 100003 + i + 77777777777) AS g
    FROM people, range({most}) r(i) WHERE i < n),
timed AS (
    SELECT *, TIMESTAMP '2024-01-01'
        + to_microseconds((h % (730::UBIGINT * 86400))::BIGINT * 1000000) AS posted_at FROM rows)
SELECT 'T' || lpad((c * 1000 + i)::VARCHAR, 12, '0') AS transaction_id,
    'C' || lpad(c::VARCHAR, 8, '0') AS customer_id, posted_at,
    (CASE WHEN g % 5 = 0 THEN 1 ELSE -1 END) * ((h >> 32) % 500000) / 100.0::DOUBLE AS amount,
    ((g >> 16) % 5000000) / 100.0::DOUBLE AS balance_after,
    (['mobile', 'atm', 'counter', 'pos', 'web'])[1 + (g % 5)::INT] AS channel,
    'cat' || ((g >> 8) % 15)::VARCHAR AS category,
    CASE WHEN (h >> 20) % 4 > 0 THEN 'P' || ((h >> 24) % 40 + c % 1000)::VARCHAR END
        AS counterparty_id,
    g % 10 <> 0 AS initiated_by_customer,
    CASE WHEN (g >> 40) % 50 = 0 THEN posted_at + INTERVAL 3 DAY END AS available_at
FROM timed ORDER BY customer_id, posted_at, transaction_id"""


def ours(folder: Path, out: Path, days: Sequence[date], threads: int, memory: str, names) -> None:
    """The product's own run: all features, or the canonical ones."""
    from features.parts import hash_ahead

    hash_ahead(folder)  # as the command does
    import pyarrow.parquet as pq

    from features.engine import open_tables
    from features.run import run
    from features.settings import EngineSettings

    tables = open_tables(folder, EngineSettings(threads=threads, memory=memory))
    people = pq.ParquetFile(folder / "customers.parquet")
    cells = people.read(["customer_id", "outlet_id"]).rename_columns(["customer_id", "cell_id"])
    writer, began = None, time.monotonic()
    for part in run(tables, days, cells, names=names):
        writer = writer or pq.ParquetWriter(
            out, part.rows.schema, compression="zstd", use_dictionary=["as_of", "cell_id"]
        )
        writer.write_table(part.rows)
        if part.number % 10 == 0:
            gone = time.monotonic() - began
            left = gone / part.number * (part.of - part.number)
            print(f"  {part.number} of {part.of}, {left:.0f} s left", file=sys.stderr, flush=True)
    if writer:
        writer.close()


def measured(who: str, folder: Path, out: Path, days: Sequence[date], args) -> Run:
    """A run in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.features", "--child", who, "--folder", str(folder)]
    words += ["--out", str(out), "--threads", str(args.threads), "--memory", args.memory]
    words += ["--days", *(day.isoformat() for day in days)]
    began = time.perf_counter()
    child = subprocess.Popen(words, env={**os.environ, "POLARS_MAX_THREADS": str(args.threads)})
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{who} failed")
    wall = time.perf_counter() - began
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _bank(folder: Path, customers: int, transactions: int, args) -> None:
    """In a process of its own: the peak memory of a child begins with that of its parent."""
    size = argparse.Namespace(**{**vars(args), "memory": f"{customers},{transactions}"})
    measured("bank", folder, folder, [AS_OF], size)


def compared(one: Path, other: Path) -> float:
    """Largest relative difference of a canonical feature; an error above 1e-9."""
    import numpy as np
    import pandas as pd

    from features.registry import FEATURES

    left, right = (
        pd.read_parquet(file, columns=["customer_id", *CANONICAL]).sort_values("customer_id")
        for file in (one, other)
    )
    counted = [name for name in CANONICAL if FEATURES[name].empty == 0]
    for frame in (left, right):  # a customer without rows: the tools differ in null and 0
        frame[counted] = frame[counted].fillna(0)
    a, b = left[list(CANONICAL)].to_numpy("float64"), right[list(CANONICAL)].to_numpy("float64")
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    return float(np.nanmax(np.abs(a - b) / np.maximum(np.abs(b), 1)))


def beside_peers(folder: Path, args) -> None:
    """One cut-off: ours and every peer, in turns so that a busy machine is busy for all."""
    _bank(folder, args.customers, args.transactions, args)
    runs: dict[str, list[Run]] = {}
    for _ in range(args.repeats):
        for who in ("canonical", *args.peers):
            runs.setdefault(who, []).append(
                measured(who, folder, folder / f"{who}.out", [AS_OF], args)
            )
    best = {who: min(found) for who, found in runs.items()}
    print(
        f"{args.transactions:,} transactions x {args.customers:,} customers, one cut-off, "
        f"{len(CANONICAL)} canonical features, {args.threads} threads, best of {args.repeats}"
    )
    print(f"{'':10}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}{'time / ours':>13}{'CPU / ours':>12}")
    for who, run in best.items():
        name = "gridkeep" if who == "canonical" else who
        times, cpu = run.wall / best["canonical"].wall, run.cpu / best["canonical"].cpu
        print(
            f"{name:10}{run.wall:>9.1f}{run.cpu:>8.1f}{run.peak_mb:>9,.0f}{times:>13.2f}{cpu:>12.2f}"
        )
    for who in args.peers:
        off = compared(folder / "canonical.out", folder / f"{who}.out")
        print(f"same values as {who}: largest relative difference {off:.1e}")


def many_cutoffs(folder: Path, args) -> None:
    """One cut-off against many months in one run, all features."""
    from domain.cutoffs import month_starts, months_before

    _bank(folder, args.customers, args.transactions, args)
    last = date(2025, 12, 1)
    months = month_starts(months_before(last, args.cutoffs - 1), last)
    single, many = [], []
    for _ in range(args.repeats):
        single.append(measured("all", folder, folder / "one.out", [last], args))
        many.append(measured("all", folder, folder / "many.out", months, args))
    one, all_ = min(single), min(many)
    print(f"{args.transactions:,} transactions x {args.customers:,} customers, all features")
    print(f"{'':12}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}")
    print(f"{'1 cut-off':12}{one.wall:>9.1f}{one.cpu:>8.1f}{one.peak_mb:>9,.0f}")
    print(f"{f'{len(months)} cut-offs':12}{all_.wall:>9.1f}{all_.cpu:>8.1f}{all_.peak_mb:>9,.0f}")
    print(f"ratio: {all_.wall / one.wall:.2f} in time, {all_.cpu / one.cpu:.2f} in CPU")


def without_a_family(folder: Path, args) -> None:
    """All features against all but those of a family, in turns: what the family costs."""
    _bank(folder, args.customers, args.transactions, args)
    both = ("all", f"no-{args.without}")
    turns = [
        [measured(who, folder, folder / f"{who}.out", [AS_OF], args) for who in both]
        for _ in range(args.repeats)
    ]
    with_it, without = (min(one.cpu for one in runs) for runs in zip(*turns, strict=True))
    print(f"{args.transactions:,} transactions x {args.customers:,} customers, one cut-off")
    print(f"CPU s: {with_it:.2f} with {args.without}, {without:.2f} without")
    print(f"the family is {1 - without / with_it:.1%} of the run")


def growing(folder: Path, args) -> None:
    """The same shape of bank at several sizes: whether cost is linear and memory bounded."""
    print(f"200 transactions a customer, one cut-off, all features, memory = {args.memory}")
    print(
        f"{'transactions':>13}{'customers':>11}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}"
        f"{'CPU s/million':>15}"
    )
    for millions in args.sizes:
        rows = millions * 1_000_000
        _bank(folder, rows // 200, rows, args)
        run = measured("all", folder, folder / "all.out", [AS_OF], args)
        print(
            f"{rows:>13,}{rows // 200:>11,}{run.wall:>9.1f}{run.cpu:>8.1f}{run.peak_mb:>9,.0f}"
            f"{run.cpu / millions:>15.2f}",
            flush=True,
        )


def _chosen(child: str) -> Sequence[str]:
    """Features of a run of ours: the canonical ones, or all but those of a family."""
    from features.registry import FEATURES

    left_out = child.removeprefix("no-")
    rest = [name for name, known in FEATURES.items() if known.family != left_out]
    return CANONICAL if child == "canonical" else rest


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--transactions", type=int, default=20_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="4GB", help="of the engine, as [engine] memory")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--cutoffs", type=int, help="compare one cut-off with so many months")
    parser.add_argument("--sizes", type=int, nargs="+", help="millions of transactions")
    parser.add_argument("--without", help="a family: compare with a run that leaves it out")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--days", nargs="+", type=date.fromisoformat, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child in PEERS:
        PEERS[args.child](args.folder, args.out, args.days[0], args.threads, args.memory)
    elif args.child == "bank":
        write_bank(args.folder, *map(int, args.memory.split(",")))
    elif args.child:
        names = _chosen(args.child)
        ours(args.folder, args.out, args.days, args.threads, args.memory, names)
    else:
        with tempfile.TemporaryDirectory() as name:
            todo = growing if args.sizes else many_cutoffs if args.cutoffs else beside_peers
            todo = without_a_family if args.without else todo
            todo(Path(name), args)


if __name__ == "__main__":
    main()
