"""Seconds to simulate and write a bank: `python benchmarks/simulate.py [customers] [months]`."""

import resource
import sys
import tempfile
import time
from pathlib import Path

from features.simulation import simulate


def main(customers: int = 20_000, months: int = 24) -> None:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        summary = simulate(Path(folder), customers, months, seed=1)
        seconds = time.perf_counter() - began
        written = sum(path.stat().st_size for path in Path(folder).rglob("*.*") if path.is_file())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("customers  months  transactions  closures  seconds  rows/s   MB written  peak MB")
    print(
        f"{customers:9,}  {months:6}  {summary.transactions:12,}  {summary.closures:8,}"
        f"  {seconds:7.1f}  {summary.transactions / seconds:7,.0f}"
        f"  {written / 1e6:10.1f}  {peak:7.0f}"
    )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3]))
