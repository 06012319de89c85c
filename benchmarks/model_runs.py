"""Every model on every fold, each in a process of one thread; what is done is not done again."""

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.model_peers import Fit
from benchmarks.model_sets import SETS, Customers, Split, splits

Floats = NDArray[np.float64]
TOP = Path(__file__).resolve().parents[1]
KEPT = TOP / "benchmarks" / "results"
# what our own models are made of: other code, other results
OURS = (
    "retention",
    *(f"boosting/{name}" for name in ("bag", "calibrating", "folds", "merged_trees")),
    *(f"rows/{name}" for name in ("encoding", "mixed_table")),
)
REASON_ROWS = 200


class Job(NamedTuple):
    """Some models, by names, on one fold of one set."""

    data: Path
    kept: Path
    task: str
    many_words: bool
    fold: str
    group: str  # the module of benchmarks that knows the models, and its table of them
    models: tuple[str, ...]


class Found(NamedTuple):
    """What a model foretold on one fold, and what it took."""

    probability: list[float]
    fit_seconds: float  # of CPU
    predict_us: float  # of CPU, a row
    trees: int
    reason_us: float  # of CPU, a row; 0 where the model tells none


def code_hash() -> str:
    """Eight letters that change when the code of our own models does."""
    files = [TOP / "training" / f"{name}.py" for name in OURS]
    files += [TOP / "benchmarks" / f"{name}.py" for name in ("model_sets", "model_tried")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]


def kept_file(job: Job, model: str) -> Path:
    """Where the result of one model on the fold of a job is kept."""
    words = "-words" if job.many_words else ""
    name = model.replace(" ", "_")
    ours = job.group == "tried" or model == "gridkeep"
    return job.kept / f"{job.task}{words}-{job.fold}-{name}{'-' + code_hash() if ours else ''}.json"


def read(job: Job, model: str) -> Found | None:
    """A kept result."""
    file = kept_file(job, model)
    return Found(**json.loads(file.read_text())) if file.exists() else None


def run(jobs: Sequence[Job], processes: int) -> Iterator[str]:
    """Do what is not yet done; tells of every fold that is."""
    missing = [job for job in jobs if any(read(job, model) is None for model in job.models)]
    os.environ["OMP_NUM_THREADS"] = "1"  # before a child loads what would take more
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(do, missing)


def do(job: Job) -> str:
    """Fit and judge the models of a job, one after the other, in this process."""
    customers = SETS[job.task](job.data, job.many_words)
    split = next(one for one in splits(customers) if one.name == job.fold)
    seconds = 0.0
    for model in job.models:
        found = read(job, model)
        if found is None:
            found = _found(_table(job.group)[model], customers, split, seconds)
            job.kept.mkdir(parents=True, exist_ok=True)
            text = json.dumps(found._asdict())
            part = kept_file(job, model).with_suffix(f".{os.getpid()}")
            part.write_text(text)
            part.replace(kept_file(job, model))
        # the first is ours: who is tuned may take as long
        seconds = seconds or found.fit_seconds
    return f"{job.task} {job.fold}: {', '.join(job.models)}"


def _table(group: str) -> Mapping[str, Fit]:
    from benchmarks import model_peers, model_tried

    tables: dict[str, Mapping[str, Fit]] = {
        "peers": model_peers.PEERS,
        "tried": model_tried.TRIED,
    }
    return tables[group]


def _found(fit: Fit, customers: Customers, split: Split, seconds: float) -> Found:
    X, y = customers
    began = time.process_time()
    model = fit(X.iloc[split.learn], y[split.learn], seconds)
    fitted = time.process_time()
    p = np.asarray(model.predict_proba(X.iloc[split.test]), dtype=np.float64)[:, 1]
    took = time.process_time() - fitted
    trees, reason = _reasons(model, X.iloc[split.test[:REASON_ROWS]])
    return Found(p.tolist(), fitted - began, 1e6 * took / len(p), trees, reason)


def _reasons(model: Any, X: pd.DataFrame) -> tuple[int, float]:
    booster = getattr(model, "booster_", None)
    manifest = getattr(model, "manifest_", None)
    if booster is None or manifest is None:
        return (0, 0.0) if booster is None else (booster.num_trees(), 0.0)
    matrix = manifest.encode(X)
    began = time.process_time()
    booster.predict(matrix, pred_contrib=True, num_threads=1)
    return booster.num_trees(), 1e6 * (time.process_time() - began) / len(X)
