"""What the segments of a simulated bank are worth: stability, what they tell, who is placed right.

    python -m benchmarks.segments --customers 20000

Trains the segmentation of the demo's bank twice, the second time on other customers (another
`segmentation.seed`, which keeps other customers aside), and compares the names that everyone has.
`--write` puts the tables into docs/segments.md.
"""

import argparse
import tempfile
from pathlib import Path

import pandas as pd

from benchmarks.page import write_figures
from features.simulation import simulate
from gridkeep.config import Config, load_config
from gridkeep.promotions import promote_version
from gridkeep.segments import segment_bank
from gridkeep.verbs import partition_bank, train_model
from training.report import TrainReport

DEMO = "\n[grid]\nfloor = 200\n"  # as `gridkeep demo` has it


def quiet(step: str, share: float) -> None:
    """No progress shown."""


def bank(folder: Path, customers: int) -> Config:
    """The bank of the demo."""
    simulate(folder, customers, 24, 1)
    with (folder / "gridkeep.toml").open("a") as file:
        file.write(DEMO)
    return load_config(folder / "gridkeep.toml")


def report_of(config: Config) -> TrainReport:
    """One training."""
    return train_model(config, "segmentation", 0, quiet).report


def names_kept(config: Config, first: TrainReport, folder: Path) -> tuple[float, float]:
    """Shares of names that a retraining keeps, and of customers whose segment has the same name."""
    day = first.evaluated_as_of[-1]
    segment_bank(config, day, folder / "before", quiet)
    other = config.segmentation.model_copy(update={"seed": config.segmentation.seed + 1})
    again = report_of(config.model_copy(update={"segmentation": other}))
    version, why = int(again.version), "to compare names"
    promote_version(config, "segmentation", version, "", why, quiet)
    segment_bank(config, day, folder / "after", quiet)
    one, two = (pd.read_parquet(folder / at / "customers.parquet") for at in ("before", "after"))
    kept = len(set(first.segments) & set(again.segments)) / len(first.segments)
    return kept, float((one["segment"] == two["segment"]).mean())


def markdown(table: pd.DataFrame) -> str:
    """A table of the page: shares as percentages, other numbers to three digits."""
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    lines = [list(table.columns), ["---"] * table.shape[1], *rows]
    return "\n".join("| " + " | ".join(map(str, line)).replace("_", " ") + " |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def page(report: TrainReport, kept: tuple[float, float]) -> str:
    """Every table of the benchmark."""
    folder = Path(report.artifacts) / "evaluation"
    columns = {
        "stability": ["clusters", "adjusted_rand", "refused", "chosen"],
        "dimensions": None,
        "segments": ["segment", "share", "value", "value_later", "churn"],
        "masked": ["hidden", "accuracy", "commonest", "borderline", "clear_accuracy"],
        "moves": ["direction", *("share", "precision", "nearest_the_edge", "everyone")],
    }
    parts = []
    for name, wanted in columns.items():
        table = pd.read_csv(folder / f"{name}.csv")
        parts += [f"`{name}`", "", markdown(table[wanted] if wanted else table), ""]
    metrics = [[name, *map(float, one)] for name, one in report.metrics.items()]
    parts += [markdown(pd.DataFrame(metrics, columns=["figure", "value", "low", "high"])), ""]
    told = f"A retraining on other customers kept {kept[0]:.0%} of the names; {kept[1]:.1%} of the"
    return "\n".join([*parts, f"{told} customers were in a segment of the same name.", ""])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--write", action="store_true", help="into docs/segments.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        config = bank(folder / "bank", options.customers)
        partition_bank(config, None, quiet)
        report = report_of(config)
        text = page(report, names_kept(config, report, folder))
    print(text)
    if options.write:
        write_figures("segments.md", "segments", text)


if __name__ == "__main__":
    main()
