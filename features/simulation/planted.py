"""What is planted: places that drift for a known reason, and a column that changes its meaning.

Each change begins in one of the last months and stays, so that a monthly report before it is
quiet and every report after it should speak.
"""

from typing import Literal, NamedTuple

import numpy as np

from features.simulation.settings import Bools, Ints, Plan
from features.simulation.territory import FIRST_VILLAGE, County

Reason = Literal["factory", "wallet", "renovation"]

SALARY_STOPPED = 0.75  # share of the salaried of a factory's place; the others get half
SALARY_HALVED = 0.5
WALLET_FACTOR = 4.0  # purchases of those who pay by mobile, count
OLD_CODE, NEW_CODE = "groceries", "food"  # the category that is delivered under another code

WHY: dict[Reason, str] = {
    "factory": "a factory closes: salaries of the place stop or halve",
    "wallet": "a new wallet: those who pay by phone in the place buy four times as often",
    "renovation": "the branch is renovated: counter and cash use of the place vanish",
}
# Features that move in the last month, in a place as a whole; longer windows follow later.
MOVES: dict[Reason, tuple[str, ...]] = {
    "factory": (
        *("credit_30d", "amount_mean_30d", "amount_std_30d", "amount_max_30d"),
        *("salary_days_since", "salary_months_180d"),
    ),
    "wallet": ("transactions_30d", "transactions_90d", "own_transactions_90d"),
    "renovation": ("transactions_30d", "debit_30d", "transactions_trend"),
}
SOURCE_MOVES = ("categories_365d",)


class Change(NamedTuple):
    """One planted change: its reason, its first month, the places it touches."""

    reason: Reason
    month: int
    places: tuple[int, ...]


class Planted(NamedTuple):
    """All planted changes of a bank; `code_month` is when the category code changes."""

    changes: tuple[Change, ...]
    code_month: int

    def touched(self, reason: Reason, place: Ints, months: int) -> Bools:
        """Whether a customer of that place is touched in that month, customers x months."""
        touched = np.zeros((len(place), months), dtype=np.bool_)
        for change in self.changes:
            if change.reason == reason:
                touched[np.isin(place, change.places), change.month :] = True
        return touched


def plant(plan: Plan, county: County) -> Planted:
    """A wallet and the new code two months before the end, factory and renovation in the last."""
    chance = plan.stream("planted")
    free = np.setdiff1d(np.arange(1, len(county.places)), county.competitor_places)
    towns = chance.permutation(free[free < FIRST_VILLAGE])
    villages = [int(place) for place in chance.permutation(free[free >= FIRST_VILLAGE])]
    mills = [*(int(place) for place in towns[:1]), villages[0]]
    before, last = max(plan.months - 2, 0), plan.months - 1
    changes = (
        Change("wallet", before, tuple(sorted(villages[1:3]))),
        Change("factory", last, tuple(sorted(mills))),
        Change("renovation", last, tuple(sorted(villages[3:5]))),
    )
    return Planted(changes, before)
