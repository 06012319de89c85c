"""Products: what a customer has, opens and gives up."""

from typing import NamedTuple

import numpy as np

from features.simulation.leaving import History
from features.simulation.people import BUSINESS, FAMILY, RETIRED, SETTLED, STUDENT, People
from features.simulation.settings import Bools, Floats, Ints, Plan

PRODUCTS = ("current", "savings", "card", "loan", "wealth", "mobile")
LOAN, MOBILE = 3, 5
_OPENS = np.array([0.0, 0.006, 0.006, 0.003, 0.003, 0.0])  # a month
_GIVES_UP = np.array([0.0, 0.003, 0.002, 0.004, 0.004, 0.0])  # a month, steady
_GIVES_UP_FADING = np.array([0.0, 0.06, 0.04, 0.0, 0.08, 0.0])  # a month, fading for two or more


class Holdings(NamedTuple):
    """One entry per product held; days from 1970-01-01, `closed_day` -1 while open."""

    customer: Ints
    product: Ints
    opened_day: Ints
    closed_day: Ints


def owned_at_first(people: People, chance: np.random.Generator) -> Bools:
    """Products held from the start (of the data, or of being a customer), customers x products."""
    draw = chance.random((people.size, len(PRODUCTS)))
    share = np.tile([1.0, 0.55, 0.55, 0.12, 0.08, 0.0], (people.size, 1))
    share[np.isin(people.stage, (FAMILY, SETTLED)), LOAN] = 0.25
    share[np.isin(people.stage, (SETTLED, RETIRED)), 1] = 0.75
    share[:, 4] += 0.2 * (people.income > 7_000)
    share[people.stage == STUDENT, LOAN] = 0.0
    share[people.stage == BUSINESS, LOAN] = 0.35
    owned = draw < share
    owned[:, MOBILE] = people.mobile
    return owned


def draw_holdings(
    plan: Plan, people: People, history: History, owned: Bools, chance: np.random.Generator
) -> Holdings:
    """Every product held at any time; all that is open ends on the day of leaving."""
    opened = np.where(owned, _first_days(plan, people, chance)[:, None], _NEVER)
    later = _first_happening(plan, _chance_to_open(plan, people, owned), chance)
    opened = np.where(owned, opened, later)
    fading = history.fading[:, 1:, None] >= 2
    gives_up = np.where(fading, _GIVES_UP_FADING, _GIVES_UP)
    # a product may end only in a month after the one in which it was opened
    gives_up = gives_up * (opened[:, None, :] < plan.first_days[None, :-1, None])
    closed = _first_happening(plan, gives_up, chance)
    left = np.where(history.left_day < 0, _NEVER, history.left_day)[:, None]
    closed = np.minimum(closed, left)
    customer, product = np.nonzero((opened < left) & (opened < _NEVER))
    ends = closed[customer, product]
    return Holdings(
        customer, product, opened[customer, product], np.where(ends == _NEVER, -1, ends)
    )


_NEVER = np.int64(1 << 40)


def _first_days(plan: Plan, people: People, chance: np.random.Generator) -> Ints:
    """Joining day for new customers; some day since joining for the others."""
    since = np.maximum(plan.first_days[0] - people.joined_day, 0)
    first = people.joined_day + (since * chance.random(people.size) ** 3).astype(np.int64)
    return np.where(people.joined_month >= 0, people.joined_day, first)


def _chance_to_open(plan: Plan, people: People, owned: Bools) -> Floats:
    after = np.arange(plan.months) > people.joined_month[:, None]
    return np.where(after[:, :, None], np.where(owned, 0.0, _OPENS)[:, None, :], 0.0)


def _first_happening(plan: Plan, probability: Floats, chance: np.random.Generator) -> Ints:
    """First day on which it happens, customers x products, from monthly probabilities."""
    happens = chance.random(probability.shape) < probability
    month = happens.argmax(axis=1)
    first = plan.first_days
    length = first[month + 1] - first[month]
    day = first[month] + (chance.random(month.shape) * length).astype(np.int64)
    return np.where(happens.any(axis=1), day, _NEVER)
