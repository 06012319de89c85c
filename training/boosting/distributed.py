"""The retention model grown by many processes: LightGBM's own distributed learner, through Dask.

The workers read their Parquet files themselves. This process holds the customers kept aside, on
whom the number of trees is chosen and the probabilities are calibrated.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.errors import BadInput
from features.manifest import FeatureManifest
from training.boosting.bag import PATIENCE, Watch
from training.boosting.cluster import Cluster, cluster
from training.boosting.search import Fit
from training.evaluation.metrics import log_losses
from training.retention import RetentionClassifier
from training.rows.dataset import DRAW, TARGET
from training.rows.encoding import Encoded, manifest_of, tree_names
from training.rows.store import StoredRows, read_rows
from training.settings import RetentionSettings

Arrays = Any  # dask's, which have no types
Floats = NDArray[np.float64]
# of the machines that grew the trees: no part of the model, and other ones every time
NETWORK = re.compile(r"^\[(machines|num_machines|local_listen_port|time_out): .*\]\n", re.M)


@contextmanager
def distributed(rows: StoredRows, settings: RetentionSettings, folder: Path) -> Iterator[Fit]:
    """A function that fits a classifier with the workers of the cluster that `settings` names."""
    manifest = manifest_of(rows.train)
    share = kept_aside(rows, settings)
    aside = read_rows(rows.train, 0.0, share)
    judged_by = Encoded(manifest, manifest.encode(aside), aside[TARGET].to_numpy(), ())
    del aside
    if len(np.unique(judged_by.y)) < 2:
        raise BadInput(
            f"the {len(judged_by.y)} rows of the customers kept aside hold one class of the label; "
            'deliver more customers, or set retention.learner = "local"'
        )
    with cluster(settings, folder) as workers:
        workers.require_visible(rows.train)
        data = RemoteRows(workers, rows, manifest, share)
        yield lambda model, watch=None: _fitted(model, data, judged_by, watch)


def kept_aside(rows: StoredRows, settings: RetentionSettings) -> float:
    """Share of the customers that no tree learns from: one fold, or `judge_customers` if fewer."""
    return min(1 / settings.folds, settings.judge_customers / rows.counts.customers)


class RemoteRows:
    """The rows to learn from, held by the workers."""

    def __init__(
        self, workers: Cluster, rows: StoredRows, manifest: FeatureManifest, aside: float
    ) -> None:
        self.workers, self.manifest = workers, manifest
        self.count = rows.counts.rows
        self.matrix, self.target = workers.run(
            lambda: _arrays(workers, rows.train, manifest, aside)
        )

    def more(self, parameters: dict[str, Any], rounds: int, booster: Any) -> "lgb.Booster":
        """The trees of `booster` (or none) and up to `rounds` more."""
        return self.workers.run(lambda: self._grown(parameters, rounds, booster))

    def _grown(self, parameters: dict[str, Any], rounds: int, booster: Any) -> "lgb.Booster":
        from lightgbm.dask import DaskLGBMRegressor

        # of its estimators this one takes the classes as they are: a worker may hold one of them
        grower = DaskLGBMRegressor(
            client=self.workers.client, n_estimators=rounds, tree_learner="data", **parameters
        )
        grower.fit(
            self.matrix,
            self.target,
            init_model=booster,
            feature_name=tree_names(self.manifest.names),
            categorical_feature=self.manifest.categories,
        )
        return grower.booster_


def _arrays(
    workers: Cluster, parts: Sequence[Path], manifest: FeatureManifest, aside: float
) -> tuple[Arrays, Arrays]:
    """Features and classes, a block a file, each worker holding a stretch of the files.

    A worker finds the bins of some features from its own rows alone; whole buckets make them a
    random sample of the customers.
    """
    words, width = manifest.model_dump_json(), len(manifest.names)
    matrices, targets = [], []
    for worker, some in zip(workers.workers, _stretches(parts, len(workers.workers)), strict=True):
        blocks = [_block(_matrix, (np.nan, width), str(part), words, aside) for part in some]
        classes = [_block(_target, (np.nan,), str(part), aside) for part in some]
        # kept between the stretches of trees, so that the files are read once
        held = workers.client.persist([*blocks, *classes], workers=[worker])
        matrices += held[: len(some)]
        targets += held[len(some) :]
    arrays = _joined(matrices), _joined(targets)
    workers.client.gather(workers.client.compute([array.sum() for array in arrays]))
    return arrays


def _stretches(parts: Sequence[Path], workers: int) -> list[list[Path]]:
    return [list(some) for some in np.array_split(np.asarray(parts, dtype=object), workers)]


def _block(read: Any, shape: tuple[float, ...], *arguments: Any) -> Arrays:
    import dask
    import dask.array

    of, later = dask.array, dask.delayed  # type: ignore[attr-defined]
    return of.from_delayed(later(read)(*arguments), shape, np.float64)  # type: ignore[no-untyped-call]


def _joined(blocks: Sequence[Arrays]) -> Arrays:
    import dask.array

    return dask.array.concatenate(blocks, allow_unknown_chunksizes=True)  # type: ignore[no-untyped-call]


def _matrix(part: str, manifest: str, aside: float) -> Floats:
    """Coded features of the rows of one file that are learned from; runs on the workers."""
    model = FeatureManifest.model_validate_json(manifest)
    rows = pq.read_table(part, columns=model.names, filters=[(DRAW, ">=", aside)])
    matrix: Floats = model.encode(rows.to_pandas(split_blocks=True, self_destruct=True))
    return matrix


def _target(part: str, aside: float) -> Floats:
    """Classes of the rows of one file that are learned from; runs on the workers."""
    rows = pq.read_table(part, columns=[TARGET], filters=[(DRAW, ">=", aside)])
    return np.asarray(rows[TARGET].to_numpy(), dtype=np.float64)


def _fitted(
    model: RetentionClassifier, data: RemoteRows, aside: Encoded, watch: Watch | None
) -> RetentionClassifier:
    """Grow until the customers kept aside are foretold no better, and cut back to the best."""
    booster: Any = None
    losses: list[float] = []
    margins, best = np.zeros(len(aside.y)), np.zeros(len(aside.y))
    while len(losses) < model.rounds and len(losses) - _best(losses) < PATIENCE:
        grown = len(losses)
        parameters = model.parameters(data.count, data.manifest) | {
            "seed": stretch_seed(model.seed, grown)
        }
        del parameters["num_threads"]  # as many as a worker has
        booster = data.more(parameters, min(PATIENCE, model.rounds - grown), booster)
        for tree in range(grown, booster.num_trees()):
            margins = margins + _margin(booster, aside.matrix, tree)
            losses.append(float(log_losses(aside.y, 1 / (1 + np.exp(-margins))).mean()))
            best = margins if _best(losses) == len(losses) else best
            if watch is not None:
                watch(len(losses), losses[-1])
        if len(losses) == grown:
            break  # no leaf can be split further
    trees = _trees(booster, _best(losses))
    return model.adopt(trees, _best(losses), aside.manifest, best, aside.y)


def stretch_seed(seed: int, grown: int) -> int:
    """The seed of the trees that follow the first `grown`.

    LightGBM's draws of features with neighbouring seeds resemble one another, and trees that see
    the same features as the fiftieth before them learn less.

    >>> stretch_seed(7, 0) != stretch_seed(7, 50) != stretch_seed(8, 50)
    True
    """
    return int(np.random.SeedSequence([seed, grown]).generate_state(1)[0] >> 1)


def _best(losses: Sequence[float]) -> int:
    """Number of trees with the lowest loss, the fewest of equals.

    >>> _best([0.3, 0.2, 0.2, 0.4])
    2
    """
    return int(np.argmin(losses)) + 1 if losses else 0


def _margin(booster: "lgb.Booster", matrix: Floats, tree: int) -> Floats:
    found = booster.predict(matrix, raw_score=True, start_iteration=tree, num_iteration=1)
    return np.asarray(found, dtype=np.float64)


def _trees(booster: "lgb.Booster", rounds: int) -> "lgb.Booster":
    """The first trees alone, without the addresses of the workers."""
    text = booster.model_to_string(num_iteration=rounds)
    return lgb.Booster(model_str=NETWORK.sub("", text))
