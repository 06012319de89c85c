"""A bag of boosters, each grown without one fold of the customers, that is one model."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from training.boosting.merged_trees import merged

Floats = NDArray[np.float64]
PATIENCE = 50  # rounds without a better mean log-loss over the folds
PREDICT_ROWS = 100_000  # at a time, so that a fold's rows are not copied as one
Watch = Callable[[int, float], None]  # rounds so far, and mean log-loss on the folds left out


class Bag(NamedTuple):
    """All the trees, how many each booster has, and each row's margin by who did not learn it."""

    booster: "lgb.Booster"
    rounds: int
    margin: Floats


def grow(
    data: "lgb.Dataset",
    matrix: Floats,
    fold: NDArray[np.intp],
    parameters: Mapping[str, Any],
    rounds: int,
    watch: Watch | None = None,
) -> Bag:
    """Grow a booster without each fold, up to `rounds` trees, and merge them.

    They stop together where the mean log-loss on the folds left out is lowest: the best round of
    one fold alone is half luck. `matrix` holds the rows of `data`, `fold` the fold of each;
    `watch` is told that mean after each round, and what it raises ends the growing.
    """
    seeds = iter(np.random.SeedSequence(parameters["seed"]).generate_state(fold.max() + 1) >> 1)
    sides = [(np.flatnonzero(fold != at), np.flatnonzero(fold == at)) for at in np.unique(fold)]
    history = lgb.cv(
        dict(parameters),
        data,
        rounds,
        folds=sides,
        # boosters that draw other columns differ more, and their mean is better
        fpreproc=lambda learn, test, same: (learn, test, same | {"seed": int(next(seeds))}),
        return_cvbooster=True,
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False), *_watched(watch)],
    )
    boosters, best = history["cvbooster"].boosters, len(history["valid binary_logloss-mean"])
    margin = np.empty(len(matrix))
    for (_, left_out), booster in zip(sides, boosters, strict=True):
        for some in np.array_split(left_out, len(left_out) // PREDICT_ROWS + 1):
            margin[some] = booster.predict(matrix[some], raw_score=True, num_iteration=best)
    return Bag(merged(boosters, best), best, margin)


def _watched(watch: Watch | None) -> list[Callable[[Any], None]]:
    if watch is None:
        return []
    return [lambda state: watch(state.iteration + 1, state.evaluation_result_list[0].metric_value)]
