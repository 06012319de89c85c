"""What contacting a customer is worth, by probability of loss: thresholds and contact lists.

The cost model is that of Neslin et al. (2006) as Verbraken, Verbeke and Baesens (2013) use it: a
contact costs `contact_cost`; a customer who would have left takes the offer and stays with the
probability of acceptance; a customer who would have stayed takes the offer all the same.
"""

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.errors import BadInput

Floats = NDArray[np.float64]


class ProfitSettings(BaseModel):
    """[profit]: what a contact, an offer and a customer are worth, in the bank's currency.

    The defaults are those of Verbraken, Verbeke and Baesens (2013): replace them by the bank's
    own. Acceptance is a Beta distribution, its mean alpha / (alpha + beta); after a pilot, alpha
    is 1 + the customers that it kept, beta 1 + those that it lost all the same (docs/profit.md).

    >>> ProfitSettings().acceptance
    0.3
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    contact_cost: float = Field(default=1.0, ge=0)  # of one contact, offer or not
    offer_cost: float = Field(default=10.0, ge=0)  # of an offer that is accepted
    accept_alpha: float = Field(default=6.0, gt=0)  # of the Beta distribution of acceptance
    accept_beta: float = Field(default=14.0, gt=0)  # of the Beta distribution of acceptance
    customer_value: float = Field(default=200.0, gt=0)  # of a customer who stays, to the bank
    contact_capacity: int | None = Field(default=None, ge=1)  # customers a month; absent: no limit

    @property
    def acceptance(self) -> float:
        """Mean probability that a customer about to leave accepts and stays."""
        return self.accept_alpha / (self.accept_alpha + self.accept_beta)

    @model_validator(mode="after")
    def _an_offer_can_pay(self) -> Self:
        if self.customer_value <= self.offer_cost:
            raise ValueError(
                f"profit.customer_value ({self.customer_value:g}) is not above profit.offer_cost "
                f"({self.offer_cost:g}): no contact could ever pay; set what a customer who stays "
                "is worth to the bank"
            )
        return self


def expected_profit(
    probability: ArrayLike,
    settings: ProfitSettings,
    value: ArrayLike | None = None,
    acceptance: float | None = None,
) -> Floats:
    """Money that contacting a customer earns on average, by probability of loss.

    `value` is what each customer is worth; `settings.customer_value` where it is absent or NaN.
    `acceptance` replaces the mean of the settings. With a probability of 0 or 1 it is what
    contacting a customer earned who stayed or left. Raises BadInput for a probability or an
    acceptance outside 0 to 1.

    >>> expected_profit([0.0, 0.5, 1.0], ProfitSettings()).round(6).tolist()
    [-11.0, 22.5, 56.0]
    """
    p, worth = _shares("probability", probability), _values(value, settings)
    gamma = float(_shares("acceptance", settings.acceptance if acceptance is None else acceptance))
    offer, contact = settings.offer_cost, settings.contact_cost
    return np.asarray(p * (gamma * (worth - offer) + offer) - (offer + contact))


def contact_threshold(settings: ProfitSettings, value: ArrayLike | None = None) -> Floats:
    """The probability of loss above which a contact pays, for each value; infinite: never.

    With value v, acceptance g, offer d and contact f it is (d + f) / (g (v - d) + d).

    >>> contact_threshold(ProfitSettings()).round(4).tolist(), contact_threshold(
    ...     ProfitSettings(), [30, 2000]).round(4).tolist()
    (0.1642, [0.6875, 0.0181])
    """
    offer, contact = settings.offer_cost, settings.contact_cost
    gain = settings.acceptance * (_values(value, settings) - offer) + offer
    never = np.full(gain.shape, np.inf)
    with np.errstate(over="ignore"):  # next to no gain: infinite is right
        return np.asarray(np.divide(offer + contact, gain, out=never, where=gain > 0))


def contacted_shares(profit: Floats, capacity: float | None = None) -> Floats:
    """How much of each customer is contacted: who pays, cut at `capacity` customers.

    0 or 1, but customers of equal profit at the cut share out the room that is left.

    >>> contacted_shares(np.array([5.0, 2, 2, -1]), capacity=2).tolist()
    [1.0, 0.5, 0.5, 0.0]
    """
    pays = profit > 0
    if capacity is None or pays.sum() <= capacity:
        return pays.astype(np.float64)
    edge = np.sort(profit)[-int(np.ceil(capacity))]
    above, at = profit > edge, profit == edge
    return np.asarray(above + at * (capacity - above.sum()) / at.sum())


def contact_list(
    scores: pd.DataFrame, settings: ProfitSettings, value_column: str | None = None
) -> pd.DataFrame:
    """One row per customer whom contacting pays, the most profitable first, cut at the capacity.

    `scores` holds `customer_id` and `churn_probability` of one cut-off, and the value of each
    customer in `value_column` if that is named. Ties go by customer_id. Columns: customer_id,
    churn_probability, value, expected_profit.

    >>> scores = pd.DataFrame({"customer_id": ["a", "b"], "churn_probability": [0.1, 0.5]})
    >>> contact_list(scores, ProfitSettings()).round(2).to_dict("records")
    [{'customer_id': 'b', 'churn_probability': 0.5, 'value': 200.0, 'expected_profit': 22.5}]
    """
    given = scores[value_column].to_numpy(np.float64) if value_column else None
    probability = scores["churn_probability"].to_numpy(np.float64)
    found = pd.DataFrame(
        {
            "customer_id": scores["customer_id"].to_numpy(),
            "churn_probability": probability,
            "value": np.broadcast_to(_values(given, settings), len(scores)),
            "expected_profit": expected_profit(probability, settings, given),
        }
    )
    pays = found[found["expected_profit"] > 0]
    ranked = pays.sort_values(["expected_profit", "customer_id"], ascending=[False, True])
    return ranked.head(settings.contact_capacity or len(ranked)).reset_index(drop=True)


def _shares(name: str, given: ArrayLike) -> Floats:
    found = np.asarray(given, dtype=np.float64)
    if (wrong := found[~((found >= 0) & (found <= 1))]).size:
        raise BadInput(f"{name} holds {wrong.flat[0]:g}; write shares between 0 and 1")
    return found


def _values(value: ArrayLike | None, settings: ProfitSettings) -> Floats:
    constant = settings.customer_value
    if value is None:
        return np.asarray(constant)
    given = np.asarray(value, dtype=np.float64)
    return np.asarray(np.where(np.isnan(given), constant, given))
