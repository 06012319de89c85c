"""What a retention campaign would have been worth on the evaluation cut-offs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.special import betaincinv

from domain.profit import ProfitSettings, contact_threshold, contacted_shares, expected_profit
from training.evaluation.metrics import Estimate, Metric, Ranked, metric_functions
from training.evaluation.profit import Frontier, expected_maximum_profit

Floats = NDArray[np.float64]
# of customers contacted: fine where lists end, coarse beyond
SHARES = np.r_[np.arange(0, 100) / 1000, np.arange(10, 101) / 100]


@dataclass(frozen=True)
class Campaign:
    """A campaign at each evaluation cut-off, and whom it can reach there.

    `customers` of the bank are at one cut-off on average; `rows` (customer, cut-off) of them, whose
    cut-offs are `as_of`, judge.
    """

    settings: ProfitSettings
    currency: str
    customers: float
    as_of: pd.Series

    @property
    def capacity_share(self) -> float | None:
        """Customers that can be contacted, of those at a cut-off; None: all can."""
        capacity = self.settings.contact_capacity
        return None if capacity is None else min(1.0, capacity / self.customers)

    @property
    def _room(self) -> float | None:
        """The capacity, in rows of a cut-off that judge."""
        capacity, months = self.settings.contact_capacity, self.as_of.nunique()
        judged = len(self.as_of) / (self.customers * months)
        return None if capacity is None else capacity * judged

    def contacted(self, probability: Floats) -> Floats:
        """How much of each row is on the list of its cut-off."""
        profit, found = expected_profit(probability, self.settings), np.zeros(len(probability))
        for rows in self.as_of.groupby(self.as_of).indices.values():
            found[rows] = contacted_shares(profit[rows], self._room)
        return found

    def metrics(self, y: Floats, probability: Floats) -> dict[str, Metric]:
        """`metric_functions`, with `empc` and `profit_per_customer` in money.

        `profit_per_customer` is what the list of each cut-off earned, over all customers.
        """
        ranked = Ranked.of(probability)
        earned = self.contacted(probability) * expected_profit(y, self.settings)

        def empc(weight: Floats) -> float:
            frontier = Frontier.of(y, ranked, weight)
            return expected_maximum_profit(frontier, self.settings).per_customer

        return {
            **metric_functions(y, probability),
            "empc": empc,
            "profit_per_customer": lambda weight: float(np.average(earned, weights=weight)),
        }


def campaign_at(
    settings: ProfitSettings, currency: str, later: pd.DataFrame, parts: Sequence[Path]
) -> Campaign:
    """The campaign judged on the rows `later`, which are all or a sample of those in `parts`."""
    rows = sum(pq.read_metadata(part).num_rows for part in parts)
    return Campaign(settings, currency, rows / later["as_of"].nunique(), later["as_of"])


@dataclass(frozen=True)
class Worth:
    """A campaign by the model: figures without an interval, the line for a banker, the tables.

    `curve` and `lift` have one row per share contacted and ranking; see `profit_curve` and
    `lift_table`.
    """

    figures: Mapping[str, float]
    words: str
    currency: str
    capacity_share: float | None
    curve: pd.DataFrame
    lift: pd.DataFrame


def worth(campaign: Campaign, y: Floats, scores: Mapping[str, Floats], earned: Estimate) -> Worth:
    """What a campaign by the first of `scores` is worth, `earned` per customer."""
    ours = next(iter(scores.values()))
    frontier = Frontier.of(y, Ranked.of(ours), np.ones(len(y)))
    figures = {
        "threshold": float(contact_threshold(campaign.settings)),
        "contact_share": expected_maximum_profit(frontier, campaign.settings).share,
        "listed_share": float(campaign.contacted(ours).mean()),
    }
    return Worth(
        figures,
        _words(campaign, ours, figures, earned),
        campaign.currency,
        campaign.capacity_share,
        _by_ranking(scores, lambda p: profit_curve(campaign, y, p)),
        _by_ranking(scores, lambda p: lift_table(y, p)),
    )


def profit_curve(campaign: Campaign, y: Floats, probability: Floats) -> pd.DataFrame:
    """One row per share of customers contacted, riskiest first: what that earned per customer.

    Columns: share; customers (of the bank, at one cut-off); probability (lowest one contacted);
    profit_per_customer at the mean acceptance; profit_low and profit_high at the ends of the
    interval that holds 95 % of the assumed acceptance. The cut-offs are ranked together, and
    customers of equal probability share out the room that is left.
    """
    lost, ordered = _found(y, probability), np.sort(probability)[::-1]
    lowest = ordered[np.maximum(np.ceil(SHARES * len(y)).astype(int) - 1, 0)]
    settings = campaign.settings
    low, high = assumed(settings)

    def earned(acceptance: float) -> Floats:
        stayed, left = expected_profit([0.0, 1.0], settings, acceptance=acceptance)
        return np.asarray((left * lost + stayed * (SHARES * len(y) - lost)) / len(y))

    return pd.DataFrame(
        {
            "share": SHARES,
            "customers": SHARES * campaign.customers,
            "probability": np.where(SHARES > 0, lowest, np.nan),
            "profit_per_customer": earned(settings.acceptance),
            "profit_low": earned(low),
            "profit_high": earned(high),
        }
    )


def lift_table(y: Floats, probability: Floats) -> pd.DataFrame:
    """One row per share of customers contacted, riskiest first.

    `lost_share`: of the lost customers found; `lift`: rate of loss on the list over that of all.

    >>> lift_table(np.array([1.0, 0, 0, 0]), np.array([0.9, 0.3, 0.2, 0.1])).iloc[-1].tolist()
    [1.0, 1.0, 1.0]
    """
    found = _found(y, probability) / y.sum()
    lift = np.divide(found, SHARES, out=np.full(len(SHARES), np.nan), where=SHARES > 0)
    return pd.DataFrame({"share": SHARES, "lost_share": found, "lift": lift})


def assumed(settings: ProfitSettings) -> tuple[float, float]:
    """The interval that holds 95 % of the assumed acceptance.

    >>> [round(end, 3) for end in assumed(ProfitSettings())]
    [0.126, 0.512]
    """
    low, high = betaincinv(settings.accept_alpha, settings.accept_beta, [0.025, 0.975])
    return float(low), float(high)


def _found(y: Floats, probability: Floats) -> Floats:
    """Lost customers among each of `SHARES`."""
    ranked = Ranked.of(probability)
    rows = np.r_[0.0, np.cumsum(ranked.sums(np.ones(len(y))))]
    return np.asarray(np.interp(SHARES * len(y), rows, np.r_[0.0, np.cumsum(ranked.sums(y))]))


def _by_ranking(
    scores: Mapping[str, Floats], table: Callable[[Floats], pd.DataFrame]
) -> pd.DataFrame:
    parts = {name: table(probability) for name, probability in scores.items()}
    return pd.concat(parts, names=["ranking"]).reset_index(level="ranking").reset_index(drop=True)


def _words(
    campaign: Campaign, probability: Floats, figures: Mapping[str, float], earned: Estimate
) -> str:
    settings, threshold, everybody = campaign.settings, figures["threshold"], campaign.customers
    if not figures["listed_share"]:
        return (
            f"a campaign pays for nobody: a contact pays above a probability of loss of "
            f"{threshold:.1%}, and the highest is {probability.max():.1%}"
        )
    pays = float((expected_profit(probability, settings) > 0).mean())
    listed, likely = figures["listed_share"], f"a probability of loss above {threshold:.1%}"
    who = (
        f"the {listed * everybody:,.0f} of {everybody:,.0f} customers at a cut-off with {likely}"
        if pays <= listed
        else f"{listed * everybody:,.0f} of {everybody:,.0f} customers at a cut-off (as many as "
        f"can be contacted; {pays * everybody:,.0f} have {likely})"
    )
    value, low, high = (f"{figure * everybody:,.0f}" for figure in earned)
    least, most = assumed(settings)
    return (
        f"a campaign to {who} would have earned {value} {campaign.currency} (95 % interval {low} "
        f"to {high}), if {settings.acceptance:.0%} of those about to leave accept (assumed, "
        f"{least:.0%} to {most:.0%}: no pilot has measured it)"
    )
