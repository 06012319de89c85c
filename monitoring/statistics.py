"""Two-sample tests over many groups at once, from counts by level.

The test asks whether the mean of a vector of scores is the same in both samples of a group.
With indicator scores it is Pearson's chi-square test of a contingency table, with the first
rank score Wilcoxon's test, with several Neyman's smooth test. Where it says p < REFINE_BELOW
the p-value is taken again from the likelihood ratio of the logistic regression of "belongs to
the second sample" on the same scores, whose tail is right far out (Robinson, 1982; Kolassa and
Robinson, 2011) where the quadratic form's is not.
"""

from typing import NamedTuple

import numpy as np
from scipy import special, stats

from monitoring.ranks import Floats

EXPECTED_MIN = 5.0  # a direction that rests on fewer expected customers is not tested
REFINE_BELOW = 0.01
FLAT = 1e-9  # a variance of scores below this is none
NEWTON_STEPS = 25


class Block(NamedTuple):
    """Counts (groups x levels) of both samples and the scores (levels x scores) of each level."""

    reference: Floats
    current: Floats
    reference_scores: Floats
    current_scores: Floats


class Outcome(NamedTuple):
    """Chi-square statistic and degrees of freedom of each group; none tested is 0 and 0."""

    statistic: Floats
    freedom: Floats

    @property
    def p_value(self) -> Floats:
        """Chance of a statistic as large without drift; 1 where nothing could be tested."""
        p: Floats = stats.chi2.sf(self.statistic, np.maximum(self.freedom, 1.0))
        return np.where(self.freedom > 0, p, 1.0)


class _Moments(NamedTuple):
    size: Floats
    mean: Floats
    second: Floats


def score_test(block: Block, smallest: float) -> Outcome:
    """Equality of mean scores in each group; groups under `smallest` in a sample are not tested.

    >>> block = Block(np.array([[30.0, 70]]), np.array([[60.0, 40]]), np.eye(2), np.eye(2))
    >>> score_test(block, 30).freedom.tolist()
    [1.0]
    """
    one = _moments(block.reference, block.reference_scores)
    two = _moments(block.current, block.current_scores)
    size = np.maximum(one.size + two.size, 1.0)
    share = (one.size / size)[:, None]
    mean = share * one.mean + (1 - share) * two.mean
    second = share[..., None] * one.second + (1 - share[..., None]) * two.second
    spread = second - mean[:, :, None] * mean[:, None, :]
    variance, axes = np.linalg.eigh(spread)
    fewest = np.minimum(one.size, two.size)
    usable = _usable(block, mean, variance, axes, fewest) & (fewest >= smallest)[:, None]
    along = np.einsum("gk,gkd->gd", two.mean - one.mean, axes)
    z2 = along**2 / np.where(usable, variance, 1.0) * (one.size * two.size / size)[:, None]
    outcome = Outcome(np.where(usable, z2, 0.0).sum(axis=1), usable.sum(axis=1).astype(float))
    return _refined(block, outcome, axes, usable)


def _moments(counts: Floats, scores: Floats) -> _Moments:
    size = counts.sum(axis=1)
    share = counts / np.maximum(size, 1e-300)[:, None]
    degree = scores.shape[1]
    products = (scores[:, :, None] * scores[:, None, :]).reshape(len(scores), -1)
    return _Moments(size, share @ scores, (share @ products).reshape(-1, degree, degree))


def _usable(
    block: Block, mean: Floats, variance: Floats, axes: Floats, fewest: Floats
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    # The largest squared standardised score bounds how far the sum is from normal; for a rare
    # category it is 1/share, and the bound becomes the rule of five expected customers.
    largest = np.zeros_like(variance)
    for counts, scores in (
        (block.reference, block.reference_scores),
        (block.current, block.current_scores),
    ):
        along = (
            np.einsum("lk,gkd->gld", scores, axes) - np.einsum("gk,gkd->gd", mean, axes)[:, None]
        )
        seen = np.where(counts[:, :, None] > 0, along**2, 0.0)
        largest = np.maximum(largest, seen.max(axis=1, initial=0.0))
    flat = variance <= FLAT
    bound = np.where(flat, 1.0, variance) * fewest[:, None] / EXPECTED_MIN
    usable: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = ~flat & (largest <= bound)
    return usable


def _refined(
    block: Block,
    outcome: Outcome,
    axes: Floats,
    usable: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
) -> Outcome:
    statistic = outcome.statistic.copy()
    for group in np.flatnonzero(outcome.p_value < REFINE_BELOW):
        keep = axes[group][:, usable[group]]
        statistic[group] = likelihood_ratio(
            np.concatenate([block.reference_scores, block.current_scores]) @ keep,
            block.reference[group],
            block.current[group],
        )
    return Outcome(statistic, outcome.freedom)


def likelihood_ratio(scores: Floats, reference: Floats, current: Floats) -> float:
    """Twice the gain in log-likelihood of "belongs to the second sample" by the scores.

    `scores` has the levels of the first sample, then those of the second, whose customers
    `reference` and `current` count. For a table of two columns it is the G statistic.

    >>> table = np.array([30.0, 70]), np.array([60.0, 40])
    >>> round(likelihood_ratio(np.array([[0.0], [1], [0], [1]]), *table), 3)
    18.48
    """
    count = np.concatenate([reference, current])
    label = np.repeat([0.0, 1.0], [len(reference), len(current)])
    kept = count > 0
    count, label, scores = count[kept], label[kept], scores[kept]
    share = float(count @ label / count.sum())
    design = np.column_stack([np.ones(len(scores)), scores - count @ scores / count.sum()])
    beta = np.append(special.logit(share), np.zeros(scores.shape[1]))
    start = best = _log_likelihood(design @ beta, label, count)
    for _ in range(NEWTON_STEPS):
        beta, value = _newton(design, label, count, beta, best)
        if value - best < 1e-9 * max(1.0, best - start):
            break
        best = value
    return 2.0 * max(best - start, 0.0)


def _newton(
    design: Floats, label: Floats, count: Floats, beta: Floats, best: float
) -> tuple[Floats, float]:
    chance = special.expit(design @ beta)
    weight = count * chance * (1 - chance)
    curvature = design.T @ (design * weight[:, None])
    step = np.linalg.lstsq(curvature, design.T @ (count * (label - chance)), rcond=1e-10)[0]
    for _ in range(10):  # a step too far is halved, until the likelihood no longer falls
        value = _log_likelihood(design @ (beta + step), label, count)
        if value >= best:
            return beta + step, value
        step = step / 2
    return beta, best


def _log_likelihood(margin: Floats, label: Floats, count: Floats) -> float:
    return float(count @ (label * margin - np.logaddexp(0.0, margin)))


def q_values(p_values: Floats) -> Floats:
    """Benjamini and Hochberg's (1995) adjusted p-values of one family of tests.

    >>> q_values(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    if not len(p_values):
        return p_values
    adjusted: Floats = np.asarray(stats.false_discovery_control(p_values), dtype=np.float64)
    return adjusted
