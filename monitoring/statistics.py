"""Two-sample tests over many groups at once, from counts by level.

The test asks whether the mean of a vector of scores is the same in both samples of a group.
With indicator scores it is Pearson's chi-square test of a contingency table, with the first
rank score Wilcoxon's test, with several Neyman's smooth test. Where it says p < REFINE_BELOW
the p-value is taken again from the likelihood ratio of the logistic regression of "belongs to
the second sample" on the same scores, whose tail is right far out (Robinson, 1982; Kolassa and
Robinson, 2011) where the quadratic form's is not.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from monitoring.ranks import Floats

EXPECTED_MIN = 5.0  # a direction that rests on fewer expected customers is not tested
REFINE_BELOW = 0.01
FLAT = 1e-9  # a variance of scores below this is none
NEWTON_STEPS = 25
Mask = NDArray[np.bool_]


class Block(NamedTuple):
    """Counts (groups x levels) of both samples on the same levels, and each level's scores.

    The counts of the first sample may be fractions: what is expected of the second.
    """

    reference: Floats
    current: Floats
    scores: Floats


class Outcome(NamedTuple):
    """Chi-square statistic and degrees of freedom of each group; none tested is 0 and 0.

    `looks` is how many statistics it is the most telling of.
    """

    statistic: Floats
    freedom: Floats
    looks: Floats

    @property
    def p_value(self) -> Floats:
        """Chance of a statistic as large without drift; 1 where nothing could be tested."""
        p = stats.chi2.sf(self.statistic, np.maximum(self.freedom, 1.0))
        either: Floats = -np.expm1(self.looks * np.log1p(-np.minimum(p, 1 - 1e-16)))
        return np.where(self.freedom > 0, either, 1.0)


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """One test of several independent ones: statistics and degrees of freedom add up."""
    statistic = np.sum([each.statistic for each in outcomes], axis=0)
    freedom = np.sum([each.freedom for each in outcomes], axis=0)
    return Outcome(statistic, freedom, np.ones(len(freedom)))


def most_telling(whole: Outcome, part: Outcome) -> Outcome:
    """The one with the smaller p-value, which then pays for having looked twice (Sidak, 1967).

    Where the whole has one degree of freedom there is nothing else to look at.

    >>> whole, part = (Outcome(*np.array([[9.0], [k], [1.0]])) for k in (5.0, 1.0))
    >>> (most_telling(whole, part).p_value / part.p_value).round(3).tolist()
    [1.997]
    """
    twice = (part.freedom > 0) & (whole.freedom > part.freedom)
    better = twice & (part.p_value < whole.p_value)
    return Outcome(
        np.where(better, part.statistic, whole.statistic),
        np.where(better, part.freedom, whole.freedom),
        np.where(twice, 2.0, 1.0),
    )


def score_test(block: Block, smallest: float) -> Outcome:
    """Equality of mean scores in each group; groups under `smallest` in a sample are not tested.

    The variance is that of both samples together, on the same levels.

    >>> block = Block(np.array([[30.0, 70]]), np.array([[60.0, 40]]), np.eye(2))
    >>> score_test(block, 30).freedom.tolist()
    [1.0]
    """
    sizes = block.reference.sum(axis=1), block.current.sum(axis=1)
    pooled = block.reference + block.current
    size = np.maximum(sizes[0] + sizes[1], 1.0)
    mean = pooled @ block.scores / size[:, None]
    variance, axes = np.linalg.eigh(_spread(pooled, block.scores, mean, size))
    fewest = np.minimum(sizes[0], sizes[1])
    usable = _usable(pooled, block.scores, variance, axes, mean, fewest)
    usable &= (fewest >= smallest)[:, None]
    apart = _share(block.current) - _share(block.reference)
    along = np.einsum("gk,gkd->gd", apart @ block.scores, axes)
    z2 = along**2 / np.where(usable, variance, 1.0) * (sizes[0] * sizes[1] / size)[:, None]
    statistic, freedom = np.where(usable, z2, 0.0).sum(axis=1), usable.sum(axis=1).astype(float)
    outcome = Outcome(statistic, freedom, np.ones(len(freedom)))
    return _refined(block, outcome, axes, usable)


def _share(counts: Floats) -> Floats:
    share: Floats = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    return share


def _spread(counts: Floats, scores: Floats, mean: Floats, size: Floats) -> Floats:
    degree = scores.shape[1]
    products = (scores[:, :, None] * scores[:, None, :]).reshape(len(scores), -1)
    second = (counts @ products / size[:, None]).reshape(-1, degree, degree)
    spread: Floats = second - mean[:, :, None] * mean[:, None, :]
    return spread


def _usable(
    counts: Floats, scores: Floats, variance: Floats, axes: Floats, mean: Floats, fewest: Floats
) -> Mask:
    # The largest squared standardised score bounds how far the sum is from normal; for a rare
    # category it is 1/share, and the bound becomes the rule of five expected customers.
    centre = np.einsum("gk,gkd->gd", mean, axes)
    along = np.einsum("lk,gkd->gld", scores, axes) - centre[:, None]
    largest = np.where(counts[:, :, None] > 0, along**2, 0.0).max(axis=1, initial=0.0)
    flat = variance <= FLAT
    bound = np.where(flat, 1.0, variance) * fewest[:, None] / EXPECTED_MIN
    usable: Mask = ~flat & (largest <= bound)
    return usable


def _refined(block: Block, outcome: Outcome, axes: Floats, usable: Mask) -> Outcome:
    statistic = outcome.statistic.copy()
    for group in np.flatnonzero(outcome.p_value < REFINE_BELOW):
        scores = block.scores @ axes[group][:, usable[group]]
        statistic[group] = likelihood_ratio(scores, block.reference[group], block.current[group])
    return outcome._replace(statistic=statistic)


def likelihood_ratio(scores: Floats, reference: Floats, current: Floats) -> float:
    """Twice the gain in log-likelihood of "belongs to the second sample" by the scores.

    `reference` and `current` count the customers of each level. For a table of two columns it
    is the G statistic.

    >>> table = np.array([30.0, 70]), np.array([60.0, 40])
    >>> round(likelihood_ratio(np.array([[0.0], [1]]), *table), 3)
    18.48
    """
    kept = reference + current > 0
    second, count, scores = current[kept], (reference + current)[kept], scores[kept]
    share = float(second.sum() / count.sum())
    design = np.column_stack([np.ones(len(scores)), scores - count @ scores / count.sum()])
    beta = np.append(special.logit(share), np.zeros(scores.shape[1]))
    start = best = _log_likelihood(design @ beta, second, count)
    for _ in range(NEWTON_STEPS):
        beta, value = _newton(design, second, count, beta, best)
        if value - best < 1e-9 * max(1.0, best - start):
            break
        best = value
    return 2.0 * max(best - start, 0.0)


def _newton(
    design: Floats, second: Floats, count: Floats, beta: Floats, best: float
) -> tuple[Floats, float]:
    chance = special.expit(design @ beta)
    weight = count * chance * (1 - chance)
    curvature = design.T @ (design * weight[:, None])
    step = np.linalg.lstsq(curvature, design.T @ (second - count * chance), rcond=1e-10)[0]
    for _ in range(10):  # a step too far is halved, until the likelihood no longer falls
        value = _log_likelihood(design @ (beta + step), second, count)
        if value >= best:
            return beta + step, value
        step = step / 2
    return beta, best


def _log_likelihood(margin: Floats, second: Floats, count: Floats) -> float:
    return float(second @ margin - count @ np.logaddexp(0.0, margin))


def q_values(p_values: Floats) -> Floats:
    """Benjamini and Hochberg's (1995) adjusted p-values of one family of tests.

    >>> q_values(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    if not len(p_values):
        return p_values
    adjusted: Floats = np.asarray(stats.false_discovery_control(p_values), dtype=np.float64)
    return adjusted
