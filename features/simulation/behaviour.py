"""What customers do in each month: how often, and with which means."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from features.simulation.categories import CASH, CATEGORIES, CODE, PURCHASES, RHYTHMIC
from features.simulation.leaving import ACTIVITY, History
from features.simulation.people import BUSINESS, FAMILY, STUDENT, YOUNG, People
from features.simulation.planted import SALARY_HALVED, SALARY_STOPPED, WALLET_FACTOR, Planted
from features.simulation.settings import Bools, Floats, Ints, Plan

# Activity of January to December against the year's mean: Spring Festival, autumn week.
_SEASON = np.array([1.06, 1.05, 0.97, 0.98, 0.99, 0.99, 1.0, 1.0, 0.99, 1.02, 0.98, 1.0])
_LULL_SHARE, _LULL = 0.03, 0.5  # months away from home: quiet, and nothing to do with leaving
_MOVES_SHARE = 0.5  # of those fading for two months take money to another bank in a month
EASE = 0.15  # of what lies above or below the cushion is spent or saved in a month
_RECEIVED = (CODE["transfer_in"], CODE["cash_in"])


class Means(NamedTuple):
    """What a block of customers lives on, yuan a month; an entry each, or customers x months."""

    there: Bools  # customers x months
    salary: Floats  # customers x months, 0 without one
    salary_day: Ints  # 1 to 28
    rent: Floats  # 0 for owners
    loan: Floats  # instalment
    card_fee: Bools
    scale: Floats  # purchases and transfers against the category's median
    sales: Floats  # trade against the category's median
    cushion: Floats  # balance that a customer likes to keep
    opening: Floats  # balance at first: what saving and ease hold in balance
    moves: Bools  # customers x months: takes money to another bank


def stopped_salaries(plan: Plan, planted: Planted, people: People, block: int) -> Bools:
    """Salaries that a closed factory no longer pays, customers x months."""
    chosen = plan.stream("factory", block).random(people.size) < SALARY_STOPPED
    hit = planted.touched("factory", people.place, plan.months)
    return hit & (chosen & people.salaried)[:, None]


def months_there(plan: Plan, people: People, history: History) -> Bools:
    """Months in which one is a customer, those of joining and leaving included.

    Shape: customers x months.
    """
    month = np.arange(plan.months)
    there: Bools = people.joined_month[:, None] <= month
    return there & (month <= history.left_month[:, None])


def activity(plan: Plan, people: People, history: History, chance: np.random.Generator) -> Floats:
    """Share of the usual transactions that a customer makes, customers x months."""
    size = (people.size, plan.months)
    season = _SEASON[[first.month - 1 for first in plan.firsts[:-1]]]
    lull = np.where(chance.random(size) < _LULL_SHARE, _LULL, 1.0)
    noise = chance.gamma(20.0, 1 / 20.0, size)
    there = months_there(plan, people, history)
    active: Floats = there * ACTIVITY[history.fading[:, 1:]] * season * lull * noise
    return active


def rates(people: People, active: Floats, planted: Planted) -> dict[int, Floats]:
    """Expected counts of the rhythmic categories, customers x months each."""
    wallet = planted.touched("wallet", people.place, active.shape[1]) & people.mobile[:, None]
    result = {}
    for code in RHYTHMIC:
        result[code] = CATEGORIES[code].rate * _taste(people, code)[:, None] * active
        if code in PURCHASES:
            result[code] = result[code] * np.where(wallet, WALLET_FACTOR, 1.0)
    return result


def draw_means(
    plan: Plan,
    planted: Planted,
    people: People,
    history: History,
    has_loan: Bools,
    chance: np.random.Generator,
) -> Means:
    """Income and fixed payments; spending is scaled so that it fits the income."""
    count = people.size
    there = months_there(plan, people, history)
    paid = there & people.salaried[:, None] & ~history.salary_gone[:, 1:]
    halved = np.where(planted.touched("factory", people.place, plan.months), SALARY_HALVED, 1.0)
    rents = (chance.random(count) < 0.3) & np.isin(people.stage, (STUDENT, YOUNG, FAMILY))
    rent = np.where(rents, 0.25 * people.income, 0.0)
    loan = np.where(has_loan, 0.2 * people.income, 0.0)
    propensity = chance.uniform(0.85, 1.0, count)
    scale = _scale(people, np.maximum(propensity * people.income - rent - loan, 0.0))
    moving = chance.random(there.shape) < _MOVES_SHARE
    cushion = people.income * np.exp(0.9 + 0.7 * chance.standard_normal(count))
    return Means(
        there=there,
        salary=people.income[:, None] * paid * halved,
        salary_day=chance.integers(5, 27, count),
        rent=rent,
        loan=loan,
        card_fee=chance.random(count) < 0.3,
        scale=scale,
        sales=_sales(people, scale),
        cushion=cushion,
        opening=cushion + (1.02 - propensity) * people.income / EASE,
        moves=there & (history.fading[:, 1:] >= 2) & moving,
    )


def _scale(people: People, budget: Floats) -> Floats:
    """Size of a customer's amounts: what is spent at the usual activity is the budget."""
    spends = [code for code in RHYTHMIC if _mean(code) < 0]
    return budget / -_usual(people, spends)


def _sales(people: People, scale: Floats) -> Floats:
    """Size of a sale, so that those without a salary reach their income."""
    lacking = np.maximum(people.income - scale * _usual(people, _RECEIVED), 0.0)
    trade = _usual(people, [CODE["sales"]])
    return np.divide(lacking, trade, out=np.zeros_like(trade), where=trade > 0)


def _usual(people: People, codes: Sequence[int]) -> Floats:
    """Money of these categories in a month of usual activity, before scaling."""
    flows = [_mean(code) * _taste(people, code) for code in codes]
    total: Floats = np.sum(flows, axis=0)
    return total


def _mean(code: int) -> float:
    return CATEGORIES[code].rate * CATEGORIES[code].mean


def _taste(people: People, code: int) -> Floats:
    """How much more often than usual a customer does something of a category."""
    business = people.stage == BUSINESS
    taste: Floats = np.where(business, 1.6, 1.0) * people.rhythm
    if code in CASH:
        taste = taste * np.where(people.village, 2.8, 1.0)
    if code in PURCHASES:
        taste = taste * np.where(people.mobile, 1.15, 0.8)
    if code == CODE["sales"]:
        taste = taste * np.where(people.salaried, 0.0, np.where(business, 3.0, 1.0))
    return taste
