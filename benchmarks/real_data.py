"""The whole road on two real data sets, by the command line; the figures of docs/real-data.md.

`python -m benchmarks.real_data --data FOLDER` prints them, `--write` puts them into the page.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.page import write_figures


class Bank(NamedTuple):
    """One data set: its reader, the folders it needs, the cut-offs that are scored and watched."""

    title: str
    reader: str
    folders: tuple[str, ...]
    as_of: str


BANKS = (
    Bank("Berka (a Czech bank, 1993)", "berka", ("berka", "geo_czech"), "1994-04-01"),
    Bank(
        "Complete Journey (a retailer's loyalty panel, 2017)",
        "complete_journey",
        ("complete_journey",),
        "2018-01-01",
    ),
)

Results = Mapping[str, Any]
Call = Callable[..., subprocess.CompletedProcess[str]]


def started(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in `home`, in a process of its own."""
    command = [sys.executable, "-m", "gridkeep", *words]
    return subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)


def run_road(bank: Bank, data: Path, home: Path, call: Call = started) -> Results:
    """Every verb called in `home`; verb -> its result as `--json` gives it."""
    for folder in bank.folders:
        (home / folder).symlink_to(data / folder)
    gridkeep(home, call, "init", "--reader", bank.reader)
    roads = {
        "check": ["check"],
        "partition": ["partition"],
        "features": ["features", "--as-of", bank.as_of, "--out", "features.parquet"],
        "retention": ["train", "retention"],
        "segmentation": ["train", "segmentation"],
        "score": ["score", "--as-of", bank.as_of, "--out", "scores.parquet"],
        "monitor": ["monitor", "--as-of", bank.as_of],
    }
    return {name: gridkeep(home, call, *words) for name, words in roads.items()}


def gridkeep(home: Path, call: Call, *words: str) -> Any:
    """The JSON of one verb; exit 0, or 2 where a cell is flagged."""
    done = call(home, *words, "--json")
    if done.returncode not in (0, 2):
        raise RuntimeError(f"gridkeep {' '.join(words)} exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def figures(bank: Bank, found: Results) -> str:
    """One data set in words and tables."""
    grid, model = found["partition"]["report"], found["retention"]["report"]
    segments, drift = found["segmentation"]["report"], found["monitor"]["report"]
    tables = {t["table"]: t["accepted"] for t in found["check"]["quality"]["tables"]}
    bands = found["score"]["summary"]["risk_bands"]
    parts = [
        f"### {bank.title}\n",
        "| step | came out |\n|---|---|",
        f"| check | {', '.join(f'{rows:,} {name}' for name, rows in tables.items() if rows)} |",
        f"| partition | {grid['customers']:,} customers in {grid['cells']} cells, "
        f"smallest {min(k['min'] for k in grid['by_kind'].values())} |",
        f"| features | {found['features']['info']['rows']:,} rows x "
        f"{len(found['features']['info']['features'])} features at {bank.as_of} |",
        f"| train retention | {model['rows']:,} rows of {model['customers']:,} customers at "
        f"{', '.join(model['trained_as_of'])}; judged at {', '.join(model['evaluated_as_of'])} |",
        f"| train segmentation | {len(segments['segments'])} segments; a held-out customer gets "
        f"its segment {_estimate(segments['metrics']['assign_accuracy'])} of the time, next "
        f"quarter's {_estimate(segments['metrics']['next_accuracy'])} "
        f"(no change: {_estimate(segments['baselines']['no change']['next_accuracy'])}) |",
        f"| score | {found['score']['summary']['customers']:,} customers: "
        f"{', '.join(f'{count:,} {band}' for band, count in bands.items())} |",
        f"| monitor | {len(drift['flagged'])} of {drift['tested']} cells and pools flagged; the "
        f"bank as a whole moved in {len(drift['bank_columns'])} columns |",
        "",
        "| figure (95 % interval) | model | " + " | ".join(model["baselines"]) + " |",
        "|---|" + "---|" * (1 + len(model["baselines"])),
    ]
    for name, value in model["metrics"].items():
        others = [_estimate(baseline[name]) for baseline in model["baselines"].values()]
        parts.append(f"| {name} | {' | '.join([_estimate(value), *others])} |")
    return "\n".join(parts) + "\n"


def _estimate(value: Mapping[str, float]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


def main() -> None:
    """Run both roads, print or write the figures."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path, required=True)
    words.add_argument("--write", action="store_true")
    said = words.parse_args()
    told = []
    for bank in BANKS:
        with tempfile.TemporaryDirectory() as home:
            told.append(figures(bank, run_road(bank, said.data.resolve(), Path(home))))
    text = "\n".join(told)
    if said.write:
        write_figures("real-data.md", "real_data", text)
    print(text)


if __name__ == "__main__":
    main()
