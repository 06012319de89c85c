"""The same trees grown by one process and by two workers through Dask, on the same rows.

    python -m benchmarks.distributed --rows 2000000 --features 40 --trees 100 --seeds 3

Random rows lie in Parquet files. Either way reads them, grows the trees with two cores and is
judged on other rows. Memory is what a process holds of its own, without files it has mapped.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd
import psutil
from sklearn.metrics import roc_auc_score

from training.boosting.bag import PATIENCE
from training.boosting.cluster import cluster
from training.boosting.distributed import RemoteRows, stretch_seed
from training.retention import RetentionClassifier
from training.rows.dataset import DRAW, TARGET
from training.rows.encoding import encoded, manifest_of
from training.rows.store import Counts, StoredRows
from training.settings import RetentionSettings

PARTS = 16
TEST_ROWS = 200_000


class Peak(NamedTuple):
    """Most memory held at one time, in MB: this process, and its largest child."""

    client: float
    worker: float


def drawn(rows: int, features: int, seed: int) -> pd.DataFrame:
    """Rows of a logistic truth with curves and an interaction; a tenth of one feature unknown."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, features))
    odds = (
        values[:, 0]
        + 0.7 * np.abs(values[:, 1])
        + 0.6 * values[:, 2] * values[:, 3]
        + 0.3 * np.sin(3 * values[:, 4])
    )
    lost = random.random(rows) < 1 / (1 + np.exp(2.5 - odds))
    values[random.random(rows) < 0.1, 0] = np.nan
    frame = pd.DataFrame(values, columns=[f"f{at}" for at in range(features)])
    return frame.assign(**{TARGET: lost.astype(np.int64), DRAW: random.random(rows)})


def stored(folder: Path, rows: int, features: int) -> StoredRows:
    """Write the rows; the files are the same for every way and seed."""
    sizes = [len(part) for part in np.array_split(np.arange(rows), PARTS)]
    parts = [folder / f"part-{at:02d}.parquet" for at in range(PARTS)]
    for at, (part, size) in enumerate(zip(parts, sizes, strict=True)):
        drawn(size, features, at).to_parquet(part, index=False)
    return StoredRows(folder / "none", tuple(parts), (), Counts(rows, rows, 0, 0))


@contextmanager
def watched(found: dict[str, Any]) -> Iterator[None]:
    """Put seconds and peak memory of the block into `found`."""
    peak, done = [0.0, 0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            children = psutil.Process().children(recursive=True)
            held = [_own_mb(process) for process in children] or [0.0]
            peak[:] = max(peak[0], _own_mb(psutil.Process())), max(peak[1], *held)

    thread = threading.Thread(target=watch)
    thread.start()
    began = time.perf_counter()
    try:
        yield
    finally:
        found["seconds"] = time.perf_counter() - began
        done.set()
        thread.join()
        found["client"], found["worker"] = peak


def _own_mb(process: psutil.Process) -> float:
    try:
        memory = process.memory_info()
    except psutil.Error:  # it ended
        return 0.0
    return (memory.rss - memory.shared) / 1e6


def one_process(rows: StoredRows, model: RetentionClassifier, folder: Path) -> lgb.Booster:
    """The trees of one process with two threads."""
    numbers = encoded(rows.train, rows.counts.rows, folder / "matrix")
    parameters = model.parameters(rows.counts.rows, numbers.manifest)
    data = lgb.Dataset(numbers.matrix, numbers.y, params=parameters)
    return lgb.train(parameters, data, model.rounds)


def two_workers(rows: StoredRows, model: RetentionClassifier, folder: Path) -> lgb.Booster:
    """The trees of two workers with a thread each, in stretches as training grows them."""
    settings = RetentionSettings(learner="dask", workers=2, threads=1)
    with cluster(settings, folder) as workers:
        data = RemoteRows(workers, rows, manifest_of(rows.train), 0.0)
        booster: Any = None
        for grown in range(0, model.rounds, PATIENCE):
            parameters = model.parameters(data.count, data.manifest) | {
                "seed": stretch_seed(model.seed, grown)
            }
            del parameters["num_threads"]
            booster = data.more(parameters, min(PATIENCE, model.rounds - grown), booster)
        return booster


WAYS = {"one process": one_process, "two workers": two_workers}


def measure(way: str, size: argparse.Namespace, folder: Path, seed: int) -> dict[str, Any]:
    """One way with one seed, in this process."""
    rows = StoredRows(
        folder, tuple(sorted(folder.glob("part-*"))), (), Counts(size.rows, size.rows, 0, 0)
    )
    model = RetentionClassifier(
        rounds=size.trees,
        num_leaves=31,
        learning_rate=0.1,
        feature_fraction=0.8,
        seed=seed,
        threads=2,
    )
    found: dict[str, Any] = {"way": way}
    with tempfile.TemporaryDirectory() as work, watched(found):
        booster = WAYS[way](rows, model, Path(work))
    test = drawn(TEST_ROWS, size.features, 10_000)
    scores = booster.predict(test.drop(columns=[TARGET, DRAW]).to_numpy())
    return found | {"trees": booster.num_trees(), "auc": float(roc_auc_score(test[TARGET], scores))}


def in_a_child(way: str, size: argparse.Namespace, folder: Path, seed: int) -> dict[str, Any]:
    """One way with one seed, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.distributed", "--way", way]
    for name, value in (("seed", seed), ("folder", folder), ("rows", size.rows)):
        command += [f"--{name}", str(value)]
    command += ["--features", str(size.features), "--trees", str(size.trees)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("rows", 2_000_000), ("features", 40), ("trees", 100), ("seeds", 3)):
        words.add_argument(f"--{name}", type=int, default=default)
    words.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    words.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    words.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    size = words.parse_args()
    if size.way:
        print(json.dumps(measure(size.way, size, size.folder, size.seed)))
        return
    with tempfile.TemporaryDirectory() as name:
        stored(Path(name), size.rows, size.features)
        found = [
            in_a_child(way, size, Path(name), seed) for seed in range(size.seeds) for way in WAYS
        ]
    report(size, pd.DataFrame(found))


def report(size: argparse.Namespace, found: pd.DataFrame) -> None:
    """One line a way: medians of seconds and memory, mean and range of the AUC over the seeds."""
    print(
        f"{size.rows:,} rows x {size.features} features, {size.trees} trees, {size.seeds} seeds\n"
    )
    print("| | seconds | MB here | MB of the largest worker | AUC, mean | lowest | highest |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for way, runs in found.groupby("way", sort=False):
        middle, auc = runs.median(numeric_only=True), runs["auc"]
        print(
            f"| {way} | {middle['seconds']:.1f} | {middle['client']:,.0f} | "
            f"{middle['worker']:,.0f} | {auc.mean():.5f} | {auc.min():.5f} | {auc.max():.5f} |"
        )
    seconds = found.groupby("way", sort=False)["seconds"].median()
    print(f"\ntwo workers take {seconds['two workers'] / seconds['one process']:.1f} times as long")


if __name__ == "__main__":
    main()
