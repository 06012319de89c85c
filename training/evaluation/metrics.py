"""How good probabilities are: point values, and intervals by a bootstrap over customers.

A customer who is judged at several cut-offs is drawn as a whole: rows of one customer are not
independent. Every metric takes row weights, so that a resample is a weight vector.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.intervals import wilson

Floats = NDArray[np.float64]
Metric = Callable[[Floats], float]  # of row weights
Metrics = Callable[[Floats, Floats], Mapping[str, Metric]]  # of y and probabilities
TOP_SHARE = 0.1
SMALLEST = 1e-12  # a probability of exactly 0 or 1 would make the log-loss infinite


class Estimate(NamedTuple):
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


class Ranked(NamedTuple):
    """Rows in order of falling score; `starts` are the first rows of equal scores."""

    order: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, score: Floats) -> "Ranked":
        """The order of scores.

        >>> Ranked.of(np.array([0.1, 0.3, 0.1])).starts.tolist()
        [0, 1]
        """
        order = np.argsort(-score, kind="stable")
        ordered = score[order]
        return cls(order, np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]))

    def sums(self, values: Floats) -> Floats:
        """Sum of row values over each group of equal scores, highest score first."""
        return np.add.reduceat(values[self.order], self.starts)


def auc(y: Floats, ranked: Ranked, weight: Floats) -> float:
    """Probability that a lost customer scores above a kept one, ties counting a half."""
    lost, kept = ranked.sums(weight * y), ranked.sums(weight * (1 - y))
    pairs = lost.sum() * kept.sum()
    below = kept.sum() - np.cumsum(kept)
    return float((lost * (below + kept / 2)).sum() / pairs) if pairs else float("nan")


def average_precision(y: Floats, ranked: Ranked, weight: Floats) -> float:
    """Mean of the precision at each threshold, weighted by the recall it adds."""
    lost, all_rows = ranked.sums(weight * y), ranked.sums(weight)
    seen = np.cumsum(all_rows)
    precision = np.divide(np.cumsum(lost), seen, out=np.zeros_like(seen), where=seen > 0)
    return float((lost * precision).sum() / lost.sum()) if lost.sum() else float("nan")


def lift_top(y: Floats, ranked: Ranked, weight: Floats, share: float = TOP_SHARE) -> float:
    """Rate of loss in the `share` of highest scores over the rate of all; ties are shared out."""
    lost, rows = ranked.sums(weight * y), ranked.sums(weight)
    room = share * rows.sum() - (np.cumsum(rows) - rows)
    taken = np.clip(np.divide(room, rows, out=np.zeros_like(rows), where=rows > 0), 0, 1)
    rate = lost.sum() / rows.sum()
    return float((lost * taken).sum() / (share * rows.sum()) / rate) if rate else float("nan")


def log_losses(y: Floats, probability: Floats) -> Floats:
    """Minus log-likelihood of each row, in nats.

    >>> log_losses(np.array([1.0]), np.array([0.5])).round(4).tolist()
    [0.6931]
    """
    sure = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return -(y * np.log(sure) + (1 - y) * np.log1p(-sure))


def metric_functions(y: Floats, probability: Floats) -> dict[str, Metric]:
    """Each metric of one set of probabilities as a function of row weights."""
    ranked = Ranked.of(probability)
    losses, squares = log_losses(y, probability), (probability - y) ** 2
    return {
        "auc": lambda weight: auc(y, ranked, weight),
        "average_precision": lambda weight: average_precision(y, ranked, weight),
        "log_loss": lambda weight: float(np.average(losses, weights=weight)),
        "brier": lambda weight: float(np.average(squares, weights=weight)),
        "lift_top_tenth": lambda weight: lift_top(y, ranked, weight),
    }


def customer_weights(customers: pd.Series, draws: int, seed: int) -> Iterator[Floats]:
    """Row weights of `draws` resamples of customers with replacement, one at a time.

    >>> weights = customer_weights(pd.Series(["a", "b", "a"]), 3, seed=1)
    >>> all(w[0] == w[2] for w in weights)
    True
    """
    codes, known = pd.factorize(customers)
    random = np.random.default_rng(seed)
    for _ in range(draws):
        count = np.bincount(random.integers(0, len(known), len(known)), minlength=len(known))
        yield count[codes].astype(np.float64)


def interval(value: float, resampled: Floats) -> Estimate:
    """Percentile interval; resamples without both classes do not count.

    >>> interval(1.0, np.arange(101.0))
    Estimate(value=1.0, low=2.5, high=97.5)
    """
    known = resampled[np.isfinite(resampled)]
    if not len(known):
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.percentile(known, [2.5, 97.5])
    return Estimate(float(value), float(low), float(high))


class Evaluation(NamedTuple):
    """Metrics of the model and each baseline, and the model minus each baseline, paired."""

    metrics: dict[str, Estimate]
    baselines: dict[str, dict[str, Estimate]]
    differences: dict[str, dict[str, Estimate]]


def evaluate(
    y: Floats,
    probability: Floats,
    customers: pd.Series,
    baselines: Mapping[str, Floats],
    draws: int,
    seed: int,
    metrics: Metrics = metric_functions,
) -> Evaluation:
    """Judge `probability` and every baseline on the same rows and the same resamples."""
    named = {name: metrics(y, p) for name, p in {"": probability, **baselines}.items()}
    found = _tables(named, customers, draws, seed)
    ours, theirs = found.pop(""), found
    return Evaluation(
        _estimates(ours),
        {name: _estimates(table) for name, table in theirs.items()},
        {
            name: _estimates({metric: ours[metric] - table[metric] for metric in ours})
            for name, table in theirs.items()
        },
    )


def _tables(
    metrics: Mapping[str, Mapping[str, Metric]], customers: pd.Series, draws: int, seed: int
) -> dict[str, dict[str, Floats]]:
    # resamples are drawn one after the other: all of them at once outweigh the rows
    found = {name: {metric: np.empty(draws + 1) for metric in of} for name, of in metrics.items()}
    every = np.ones(len(customers))
    for at, weight in enumerate(chain([every], customer_weights(customers, draws, seed))):
        for name, of in metrics.items():
            for metric, function in of.items():
                found[name][metric][at] = function(weight)
    return found


def _estimates(table: Mapping[str, Floats]) -> dict[str, Estimate]:
    return {name: interval(values[0], values[1:]) for name, values in table.items()}


def cell_auc(
    rows: pd.DataFrame, probability: Floats, at_least: int, draws: int, seed: int
) -> pd.DataFrame:
    """One row per cell with `at_least` customers and both classes: its AUC and interval.

    `rows` holds customer_id, cell_id and churned. `lost` counts customers, as `customers` does: one
    who is lost after two cut-offs is one.
    """
    found = []
    for cell, part in rows.assign(probability=probability).groupby("cell_id", sort=True):
        y = part["churned"].to_numpy(np.float64)
        customers = part["customer_id"].nunique()
        if customers < at_least or y.min() == y.max():
            continue
        ranked = Ranked.of(part["probability"].to_numpy(np.float64))
        draw = [auc(y, ranked, w) for w in customer_weights(part["customer_id"], draws, seed)]
        estimate = interval(auc(y, ranked, np.ones(len(y))), np.array(draw))
        lost = part.loc[y > 0, "customer_id"].nunique()
        found.append((cell, customers, lost, *estimate))
    return pd.DataFrame(found, columns=["cell_id", "customers", "lost", "auc", "low", "high"])


def calibration_table(y: Floats, probability: Floats, bins: int = 10) -> pd.DataFrame:
    """One row per bin of equally many rows: mean predicted, observed, its Wilson interval.

    >>> calibration_table(np.array([0.0, 1.0]), np.array([0.2, 0.9]), bins=2)["n"].tolist()
    [1, 1]
    """
    parts = np.array_split(np.argsort(probability, kind="stable"), bins)
    found = []
    for part in (part for part in parts if len(part)):
        low, high = wilson(float(y[part].sum()), len(part))
        found.append((len(part), probability[part].mean(), y[part].mean(), low, high))
    return pd.DataFrame(found, columns=["n", "predicted", "observed", "low", "high"])
