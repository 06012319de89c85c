"""Seconds, rows a second and peak memory of a first intake and of one more night's file.

`python -m benchmarks.intake [--customers 5000 20000] [--months 24]` simulates a bank of each size,
takes it in without its last month, adds that month as a file and takes that in, each in a
process of its own; then it reads all again into another folder and compares the tables.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from features.simulation import simulate

CHILD = """
import json, resource, sys, time
from pathlib import Path
from domain.layout import Layout
from features.intake import take_in
from features.settings import SourceSettings
settings = SourceSettings(reader="simulated", data_until="2090-01-01")
began, used = time.perf_counter(), time.process_time()
report = take_in(settings, Path(sys.argv[1]), Layout(Path(sys.argv[2])), "Asia/Shanghai")
record = report.require_sound().record
print(json.dumps({
    "seconds": time.perf_counter() - began,
    "cpu": time.process_time() - used,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "hashes": record.data_hashes,
    "new": sum(part.rows for part in report.growth("transactions").new),
    "rows": record.tables["transactions"].rows,
}))
"""


def cut(bank: Path) -> Path:
    """Split the transactions into those before the last month and those of it, not yet there."""
    whole, last = bank / "transactions.parquet", bank / "last.parquet"
    month = f"(SELECT date_trunc('month', max(posted_at)) FROM '{whole}')"
    (bank / "transactions").mkdir()
    for path, comparison in ((bank / "transactions" / "1.parquet", "<"), (last, ">=")):
        duckdb.sql(
            f"COPY (FROM '{whole}' WHERE posted_at {comparison} {month}) TO '{path}' "
            "(ROW_GROUP_SIZE 131072)"
        )
    whole.unlink()
    return last


def taken_in(bank: Path, out: Path) -> dict[str, Any]:
    """One intake in a process of its own."""
    command = [sys.executable, "-c", CHILD, str(bank), str(out)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    # DuckDB takes a child without a file for a person and draws its progress before
    return dict(json.loads(found.stdout[found.stdout.index("{") :]))


def measure(customers: int, months: int) -> None:
    """Print the lines of one size."""
    with tempfile.TemporaryDirectory() as name:
        bank, out = Path(name) / "bank", Path(name) / "out"
        simulate(bank, customers, months, seed=1)
        last = cut(bank)
        first = taken_in(bank, out)
        last.rename(bank / "transactions" / "2.parquet")
        night = taken_in(bank, out)
        again = taken_in(bank, Path(name) / "again")
    assert night["hashes"] == again["hashes"]
    line("first intake", first)
    line("one file more", night)
    line("all at once", again)


def line(what: str, found: dict[str, Any]) -> None:
    """Print one line."""
    rate = found["new"] / found["seconds"]
    print(
        f"| {what} | {found['rows']:,} | {found['new']:,} | {found['seconds']:.1f} "
        f"| {found['cpu']:.1f} | {rate:,.0f} | {found['peak_mb']:,.0f} |",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--customers", type=int, nargs="+", default=[5_000, 20_000])
    words.add_argument("--months", type=int, default=24)
    size = words.parse_args()
    began = time.perf_counter()
    print("| intake | rows | new rows | seconds | CPU seconds | new rows/s | peak MB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for customers in size.customers:
        measure(customers, size.months)
    print(f"\nthe same rows either way; {time.perf_counter() - began:.0f} s together")


if __name__ == "__main__":
    main()
