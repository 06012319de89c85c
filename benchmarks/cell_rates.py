"""What the rate of loss of a customer's cell adds to the retention model, on later cut-offs.

    python -m benchmarks.cell_rates --seeds 6 --data FOLDER

The same rows train the model with the rate, without it, and with the rates dealt out to the cells
at random (a column more that means nothing). Differences are paired: the same later rows, the same
resamples of customers. `--write` puts the table into docs/cell-rates.md.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from benchmarks.page import write_figures
from domain.cell_rates import CellRates
from features.engine import Tables
from features.simulation import simulate
from gridkeep.config import Config, load_config
from gridkeep.verbs import partition_bank
from gridkeep.workspace import cells_of, clean_tables
from training.boosting.search import classifier
from training.evaluation.metrics import Estimate, customer_weights, interval, metric_functions
from training.rows.cell_rates import CellCounter, FoldRates, add_cell_rates, fold_rates
from training.rows.dataset import TARGET, cutoff_plan
from training.rows.encoding import encoded
from training.rows.frames import data_days
from training.rows.store import StoredRows, read_rows, write_rows

Floats = NDArray[np.float64]
DEMO = "\n[grid]\nfloor = 200\n"  # as `gridkeep demo` has it
REAL = {"berka": ("berka", "geo_czech"), "complete_journey": ("complete_journey",)}
METRICS = ("log_loss", "auc", "cell_error")
WAYS = ("without", "with", "dealt at random")
DRAWS, MODEL_SEEDS = 200, 2


class Found(NamedTuple):
    """One bank: what it is, its cells with a rate, and metric -> way -> value and resamples."""

    name: str
    cells: str
    figures: dict[str, dict[str, Floats]]


def quiet(step: str, share: float) -> None:
    """No progress shown."""


def simulated(folder: Path, customers: int, seed: int) -> Config:
    """The bank of the demo with another seed."""
    simulate(folder, customers, 24, seed)
    with (folder / "gridkeep.toml").open("a") as file:
        file.write(DEMO)
    return load_config(folder / "gridkeep.toml")


def real(folder: Path, data: Path, reader: str) -> Config:
    """A real data set by its reader's own configuration."""
    for name in REAL[reader]:
        (folder / name).symlink_to(data / name)
    from gridkeep.templates import template

    (folder / "gridkeep.toml").write_text(template(reader))
    return load_config(folder / "gridkeep.toml")


def measured(name: str, config: Config, scratch: Path) -> Found:
    """Train every way on the earlier cut-offs of a bank, and judge on its later ones."""
    tables = clean_tables(config, quiet)
    partition_bank(config, None, quiet)
    counter = CellCounter(config.retention.folds)
    stored = _rows(config, tables, scratch, counter)
    rates = fold_rates(
        counter.table, config.retention.folds, "grid", config.publication.customers_min
    )
    later = read_rows(stored.later)
    ways = {"without": _foretold(config, stored, later, None, scratch)}
    for way, read in (("with", rates), ("dealt at random", dealt(rates))):
        # training adds no column when no cell has a rate of its own
        own = read.whole.rates
        ways[way] = _foretold(config, stored, later, read, scratch) if own else ways["without"]
    whole = rates.whole
    prior = "-" if whole.prior_customers is None else f"{whole.prior_customers:,.0f}"
    told = f"{len(whole.rates)} of {counter.table.cell_id.nunique()}, {prior}"
    return Found(name, told, figures(later, ways))


def _rows(config: Config, tables: Tables, scratch: Path, counter: CellCounter) -> StoredRows:
    plan = cutoff_plan(*data_days(tables), config.label, config.retention)
    cells = cells_of(config, tables)
    unread = config.retention.protected
    counting = [counter.add]
    return write_rows(
        tables, cells, plan, config.label, scratch, quiet, counting=counting, protected=unread
    )


def dealt(rates: FoldRates) -> FoldRates:
    """The same rates, each given to a cell drawn at random, the same one in every fold."""
    cells = sorted({cell for one in (rates.whole, *rates.without) for cell in one.rates})
    other = dict(zip(cells, np.random.default_rng(0).permutation(cells), strict=True))

    def moved(one: CellRates) -> CellRates:
        found = {str(other[cell]): rate for cell, rate in one.rates.items()}
        return one.model_copy(update={"rates": found})

    return FoldRates(moved(rates.whole), tuple(map(moved, rates.without)))


def _foretold(
    config: Config,
    stored: StoredRows,
    later: pd.DataFrame,
    rates: FoldRates | None,
    scratch: Path,
) -> list[Floats]:
    """Probabilities of the later rows by models of several seeds."""
    parts = stored.train
    if rates is not None:
        parts = tuple(scratch / f"rated-{part.name}" for part in stored.train)
        for old, new in zip(stored.train, parts, strict=True):
            new.write_bytes(old.read_bytes())
        add_cell_rates(parts, rates)
        later = rates.whole.added_to(later)
    numbers = encoded(parts, stored.counts.rows, scratch / "matrix")
    names = numbers.manifest.names
    models = [classifier(config.retention, seed=s).fit_encoded(numbers) for s in range(MODEL_SEEDS)]
    return [model.predict_proba(later[names])[:, 1] for model in models]


def cell_error(cells: NDArray[np.int64], miss: Floats, weight: Floats) -> float:
    """Customers by which the lost of a cell differ from those foretold, over all customers.

    >>> round(cell_error(np.array([0, 0, 1]), np.array([0.5, -0.5, 0.3]), np.ones(3)), 12)
    0.1
    """
    return float(np.abs(np.bincount(cells, weight * miss)).sum() / weight.sum())


def figures(later: pd.DataFrame, ways: dict[str, list[Floats]]) -> dict[str, dict[str, Floats]]:
    """Metric -> way -> its value and its value on every resample of the customers."""
    y = later[TARGET].to_numpy(np.float64)
    cells = pd.factorize(later["cell_id"])[0]
    found = {metric: {way: np.empty(DRAWS + 1) for way in ways} for metric in METRICS}
    functions = {way: [metric_functions(y, p) for p in several] for way, several in ways.items()}
    weights: Iterator[Floats] = chain(
        [np.ones(len(y))], customer_weights(later["customer_id"], DRAWS, 0)
    )
    for at, weight in enumerate(weights):
        for way, several in ways.items():
            for metric in ("log_loss", "auc"):
                one = [of[metric](weight) for of in functions[way]]
                found[metric][way][at] = np.mean(one)
            errors = [cell_error(cells, y - p, weight) for p in several]
            found["cell_error"][way][at] = np.mean(errors)
    return found


def difference(found: Found, metric: str, way: str) -> Estimate:
    """A way minus the model without, and its paired interval."""
    apart = found.figures[metric][way] - found.figures[metric]["without"]
    return interval(float(apart[0]), apart[1:])


def over_banks(banks: Sequence[Found], metric: str, way: str) -> Estimate:
    """Mean difference over simulated banks and its 95 % interval (Student's t)."""
    values = np.array([difference(one, metric, way).value for one in banks])
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return Estimate(values.mean(), values.mean() - half, values.mean() + half)


def table(banks: Sequence[Found], others: Sequence[Found]) -> str:
    """The differences of every bank, and of the simulated ones together."""
    lines = [
        "| bank | cells with a rate, prior | | log-loss | AUC | error by cell |",
        "|---|---|---|---|---|---|",
    ]
    for one in (*banks, *others):
        base = [f"{one.figures[metric]['without'][0]:.4f}" for metric in METRICS]
        lines.append(f"| {one.name} | {one.cells} | without | {' | '.join(base)} |")
        for way in WAYS[1:]:
            told = [_told(difference(one, metric, way)) for metric in METRICS]
            lines.append(f"| | | {way} | {' | '.join(told)} |")
    if len(banks) > 1:
        for way in WAYS[1:]:
            told = [_told(over_banks(banks, metric, way)) for metric in METRICS]
            first = f"mean of {len(banks)} simulated banks" if way == "with" else ""
            lines.append(f"| {first} | | {way} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


def _told(one: Estimate) -> str:
    return f"{one.value:+.4f} ({one.low:+.4f} to {one.high:+.4f})"


def main() -> None:
    """Measure, print, and write where asked."""
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("--seeds", type=int, default=6)
    words.add_argument("--customers", type=int, default=20_000)
    words.add_argument("--data", type=Path)
    words.add_argument("--write", action="store_true")
    said = words.parse_args()
    banks, others = [], []
    for seed in range(1, said.seeds + 1):
        with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as scratch:
            config = simulated(Path(home), said.customers, seed)
            banks.append(measured(f"simulated, seed {seed}", config, Path(scratch)))
            print(table(banks[-1:], ()), flush=True)
    for reader in REAL if said.data else ():
        with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as scratch:
            config = real(Path(home), said.data.resolve(), reader)
            others.append(measured(reader, config, Path(scratch)))
    text = table(banks, others)
    if said.write:
        write_figures("cell-rates.md", "cell_rates", text)
    print(text)


if __name__ == "__main__":
    main()
