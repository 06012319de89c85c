"""The money in a ranking: maximum profit at an acceptance, and expected over acceptances (EMPC).

Verbraken, Verbeke and Baesens (2013), "A Novel Profit Maximizing Metric for Measuring
Classification Performance of Customer Churn Prediction Models", IEEE TKDE 25(5). For every
acceptance the best list ends at a vertex of the convex hull of the ROC curve, so the integral over
the Beta distribution is a sum over vertices of incomplete beta functions: exact, no simulation.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import betainc

from domain.profit import ProfitSettings, expected_profit
from training.evaluation.metrics import Ranked

Floats = NDArray[np.float64]


class Frontier(NamedTuple):
    """Lists that may be best at some acceptance, from nobody to everybody.

    `lost` and `rows` are weights in each list; the last list is everybody.
    """

    lost: Floats
    rows: Floats

    @classmethod
    def of(cls, y: Floats, ranked: Ranked, weight: Floats) -> "Frontier":
        """The vertices of the convex hull of the ROC curve, found by isotonic regression.

        >>> scores, y = np.array([0.9, 0.8, 0.3, 0.1]), np.array([1.0, 0, 1, 0])
        >>> Frontier.of(y, Ranked.of(scores), np.ones(4)).rows.tolist()
        [0.0, 1.0, 3.0, 4.0]
        """
        lost, rows = ranked.sums(weight * y), ranked.sums(weight)
        drawn = rows > 0
        lost, rows = lost[drawn], rows[drawn]
        blocks = isotonic_regression(lost / rows, weights=rows, increasing=False).blocks
        ends = blocks[1:] - 1
        return cls(np.r_[0.0, np.cumsum(lost)[ends]], np.r_[0.0, np.cumsum(rows)[ends]])


class Profit(NamedTuple):
    """The best lists of a ranking: money per customer, and the share of customers contacted."""

    per_customer: float
    share: float


def maximum_profit(frontier: Frontier, settings: ProfitSettings, acceptance: float) -> Profit:
    """The best list at a known acceptance; the shortest of equally good ones.

    >>> scores, y = np.array([0.9, 0.8, 0.3, 0.1]), np.array([1.0, 0, 1, 0])
    >>> maximum_profit(Frontier.of(y, Ranked.of(scores), np.ones(4)), ProfitSettings(), 0.3)
    Profit(per_customer=25.25, share=0.75)
    """
    stayed, left = expected_profit([0.0, 1.0], settings, acceptance=acceptance)
    earned = left * frontier.lost + stayed * (frontier.rows - frontier.lost)
    best = int(earned.argmax())
    everybody = frontier.rows[-1]
    return Profit(float(earned[best] / everybody), float(frontier.rows[best] / everybody))


def expected_maximum_profit(frontier: Frontier, settings: ProfitSettings) -> Profit:
    """EMPC: the best list's profit and share, each expected over the acceptance.

    >>> scores, y = np.linspace(1, 0, 8), np.array([1.0, 0, 0, 0, 0, 0, 1, 0])
    >>> frontier = Frontier.of(y, Ranked.of(scores), np.ones(8))
    >>> [round(figure, 3) for figure in expected_maximum_profit(frontier, ProfitSettings())]
    [8.016, 0.496]
    >>> [round(figure, 3) for figure in maximum_profit(frontier, ProfitSettings(), 0.3)]
    [7.125, 0.875]
    """
    alpha, beta = settings.accept_alpha, settings.accept_beta
    edges = np.r_[0.0, _switches(frontier, settings), 1.0]
    mass = np.diff(betainc(alpha, beta, edges))
    accepted = settings.acceptance * np.diff(betainc(alpha + 1, beta, edges))
    offer, contact = settings.offer_cost, settings.contact_cost
    stayed = frontier.rows - frontier.lost
    earned = frontier.lost * (settings.customer_value - offer) * accepted
    spent = (frontier.lost * contact + stayed * (offer + contact)) * mass
    everybody = frontier.rows[-1]
    return Profit(
        float((earned - spent).sum() / everybody), float((frontier.rows * mass).sum() / everybody)
    )


def _switches(frontier: Frontier, settings: ProfitSettings) -> Floats:
    """The acceptance at which each list earns as much as the next longer one, within 0 to 1."""
    lost, rows = np.diff(frontier.lost), np.diff(frontier.rows)
    offer, contact = settings.offer_cost, settings.contact_cost
    cost = (rows - lost) * (offer + contact) + lost * contact
    gain = lost * (settings.customer_value - offer)
    with np.errstate(over="ignore"):  # next to no gain: never is right
        equal = np.divide(cost, gain, out=np.full(len(gain), np.inf), where=gain > 0)
    # the hull makes them rise; rounding may not
    return np.asarray(np.maximum.accumulate(np.minimum(equal, 1.0)))
