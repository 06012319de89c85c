"""Time of every stage of `gridkeep demo`, each verb in a process of its own.

`python -m benchmarks.end_to_end [--customers 20000 --months 24]` prints a table.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import NamedTuple

from domain.cutoffs import months_before
from features.simulation.settings import Plan


class Stage(NamedTuple):
    """One verb: wall seconds, CPU seconds of all its threads, peak memory in MB."""

    words: str
    wall: float
    cpu: float
    peak_mb: float


def stage(home: Path, *words: str) -> Stage:
    """Run one verb in `home` and measure it."""
    command = [sys.executable, "-m", "gridkeep", *words, "--config", "gridkeep.toml"]
    began = time.perf_counter()
    child = subprocess.Popen(
        command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) not in (0, 2):
        raise SystemExit(f"gridkeep {' '.join(words)} failed")
    return Stage(" ".join(words), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def road(home: Path, customers: int, months: int) -> list[Stage]:
    """Every verb of the road on a simulated bank."""
    plan = Plan(customers, months, 1, date(2024, 1, 1))
    last = plan.firsts[-1]
    reference = months_before(last, 4)
    size = ("--customers", str(customers), "--months", str(months), "--seed", "1")
    simulated = stage(home, "simulate", "--out", "bank", *size)
    bank = home / "bank"
    day = last.isoformat()
    rest = [
        ("check",),
        ("partition", "--valid-from", plan.start.isoformat()),
        ("train", "retention"),
        ("train", "segmentation"),
        ("features", "--as-of", reference.isoformat(), "--out", "features.parquet"),
        ("score", "--as-of", day, "--out", "scores.parquet"),
        ("monitor", "--as-of", day),
    ]
    return [simulated, *(stage(bank, *words) for words in rest)]


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--customers", type=int, default=20_000)
    words.add_argument("--months", type=int, default=24)
    size = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stages = road(Path(folder), size.customers, size.months)
    print(f"{size.customers:,} customers, {size.months} months, {os.cpu_count()} cores\n")
    print("| stage | seconds | CPU seconds | peak MB |\n|---|---:|---:|---:|")
    for one in stages:
        print(f"| `{one.words}` | {one.wall:.1f} | {one.cpu:.1f} | {one.peak_mb:,.0f} |")
    print(f"| together | {sum(s.wall for s in stages):.1f} | {sum(s.cpu for s in stages):.1f} | |")


if __name__ == "__main__":
    main()
