"""The retention model of each day judged on what followed, on real and simulated customers.

    python -m benchmarks.rolling_origin --data FOLDER [--origins 6] [--write]

Complete Journey (the folder `complete_journey` below FOLDER) and a simulated bank go the road as
far as `train retention`; the table is `evaluation/rolling.csv` of its run. No outcome that a
model learned from was still open on the day that judges it. `--write` puts the tables into
docs/models.md.
"""

import argparse
import tempfile
from pathlib import Path

import pandas as pd

from benchmarks.page import write_figures
from benchmarks.real_data import gridkeep, started


def journey(data: Path, home: Path) -> None:
    (home / "complete_journey").symlink_to(data / "complete_journey")
    gridkeep(home, started, "init", "--reader", "complete_journey")


def simulated(data: Path, home: Path) -> None:
    words = ("--out", ".", "--customers", "6000", "--months", "36", "--seed", "1")
    done = started(home, "simulate", *words)
    if done.returncode:
        raise RuntimeError(done.stderr)


def rolled(home: Path, origins: int, cutoffs: int) -> pd.DataFrame:
    """The table of a training with so many origins, in `home`."""
    config = home / "gridkeep.toml"
    told = f"rolling_origins = {origins}\ntrain_cutoffs = {cutoffs}\nevaluate_cutoffs = 2\n"
    text = config.read_text("utf-8")
    head, found, tail = text.partition("[retention]\n")
    config.write_text(
        head + "[retention]\n" + told + tail if found else f"{text}\n[retention]\n{told}"
    )
    for words in (("check",), ("partition",)):
        gridkeep(home, started, *words)
    report = gridkeep(home, started, "train", "retention")["report"]
    return pd.read_csv(Path(report["artifacts"]) / "evaluation" / "rolling.csv")


def table(title: str, figures: pd.DataFrame) -> str:
    """One row per cut-off."""
    head = (
        f"**{title}**\n\n| cut-off | cut-offs learned from | rows | lost "
        "| AUC (95 % interval) | log-loss | lift in the top tenth |\n"
        "|---|---:|---:|---:|---:|---:|---:|\n"
    )
    return head + "".join(
        f"| {row.as_of} | {row.train_cutoffs}, the last {row.trained_to} | {row.rows:,} "
        f"| {row.lost:,} | {row.auc:.3f} ({row.auc_low:.3f} to {row.auc_high:.3f}) "
        f"| {row.log_loss:.3f} | {row.lift_top_tenth:.2f} |\n"
        for row in figures.itertuples()
    )


def main() -> None:
    """Run both, print or write the tables."""
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    words.add_argument("--data", type=Path, required=True)
    words.add_argument("--origins", type=int, default=6)
    words.add_argument("--write", action="store_true")
    said = words.parse_args()
    told = []
    for title, make in (
        ("Complete Journey, 2017", journey),
        ("a simulated bank of 6,000 customers, 36 months", simulated),
    ):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            make(said.data.resolve(), home)
            told.append(table(title, rolled(home, said.origins, cutoffs=8)))
    text = "\n".join(told)
    print(text)
    if said.write:
        write_figures("models.md", "rolling_origin", text)


if __name__ == "__main__":
    main()
