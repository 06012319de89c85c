"""Rows of the ledger before they are put in order: when, of which kind, how much."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from features.simulation.behaviour import Means
from features.simulation.categories import CATEGORIES, CODE
from features.simulation.leaving import History
from features.simulation.people import People
from features.simulation.settings import DAY_SECONDS, Floats, Ints, Plan

_OPENS, _OPEN_SECONDS = 7.5 * 3600, 14 * 3600  # rows fall between 7:30 and 21:30 local time
_DEPOSIT_SECOND = 7 * 3600  # a new customer's first deposit comes before all else that day
_RENT_DAY, _LOAN_DAY, _FEE_DAY, _INTEREST_DAY = 3, 20, 1, 21
_INTEREST, _MOVED = 0.0002, 0.25  # of the balance at the beginning of the month


class Rows(NamedTuple):
    """Rows of one or more categories; an entry each.

    The amount of a row that depends on the balance is a share of it; see `purse`.
    """

    customer: Ints  # position in the block
    month: Ints
    second: Ints  # local time, from 1970-01-01
    code: Ints
    yuan: Floats


def draw_rows(
    plan: Plan,
    people: People,
    history: History,
    means: Means,
    counts: dict[int, Floats],
    chance: np.random.Generator,
) -> Rows:
    """Every row of a block, those before joining and after leaving included."""
    parts = [
        *_rhythmic(plan, means, counts, chance),
        *_monthly(plan, means, chance),
        _moved(plan, means, chance),
        _deposits(people, means),
        _closings(plan, history),
    ]
    return Rows(*map(np.concatenate, zip(*parts, strict=True)))


def _rhythmic(
    plan: Plan, means: Means, counts: dict[int, Floats], chance: np.random.Generator
) -> Iterator[Rows]:
    for code, expected in counts.items():
        happens = chance.poisson(expected)
        cell = np.repeat(np.arange(happens.size), happens.ravel())
        customer, month = cell // plan.months, cell % plan.months
        size = (means.sales if code == CODE["sales"] else means.scale)[customer]
        at = _some_second(plan, month, chance)
        yield _rows(code, customer, month, at, _amounts(code, size, chance))


def _monthly(plan: Plan, means: Means, chance: np.random.Generator) -> Iterator[Rows]:
    there = np.where(means.there, 1.0, 0.0)
    monthly: dict[str, tuple[Floats, Ints | int]] = {
        "salary": (means.salary, means.salary_day[:, None]),
        "rent": (there * means.rent[:, None], _RENT_DAY),
        "loan": (there * means.loan[:, None], _LOAN_DAY),
        "fee": (there * means.card_fee[:, None], _FEE_DAY),
        "interest": (there * _INTEREST, _INTEREST_DAY),
    }
    for name, (size, day) in monthly.items():
        customer, month = np.nonzero(size > 0)
        of_month = np.broadcast_to(day, size.shape)[customer, month]
        at = (plan.first_days[month] + of_month - 1) * DAY_SECONDS + _clock(len(month), chance)
        amounts = _amounts(CODE[name], size[customer, month], chance)
        yield _rows(CODE[name], customer, month, at, amounts)


def _moved(plan: Plan, means: Means, chance: np.random.Generator) -> Rows:
    customer, month = np.nonzero(means.moves)
    at = _some_second(plan, month, chance)
    share = np.full(len(month), _MOVED)
    code = CODE["other_bank"]
    return _rows(code, customer, month, at, _amounts(code, share, chance))


def _deposits(people: People, means: Means) -> Rows:
    """What new customers bring on their first day."""
    customer = np.flatnonzero(people.joined_month >= 0)
    at = people.joined_day[customer] * DAY_SECONDS + _DEPOSIT_SECOND
    month = people.joined_month[customer]
    return _rows(CODE["transfer_in"], customer, month, at, means.opening[customer])


def _closings(plan: Plan, history: History) -> Rows:
    """The last second before the day of leaving; what is left is known only at the end."""
    customer = np.flatnonzero(history.left_month < plan.months)
    at = history.left_day[customer] * DAY_SECONDS - 1
    month = history.left_month[customer]
    return _rows(CODE["closing"], customer, month, at, np.zeros(len(customer)))


def _rows(code: int, customer: Ints, month: Ints, second: Ints, yuan: Floats) -> Rows:
    return Rows(customer, month, second, np.full(len(customer), code), yuan)


def _some_second(plan: Plan, month: Ints, chance: np.random.Generator) -> Ints:
    first = plan.first_days
    length = (first[1:] - first[:-1])[month]
    day = first[month] + (chance.random(len(month)) * length).astype(np.int64)
    return day * DAY_SECONDS + _clock(len(month), chance)


def _clock(count: int, chance: np.random.Generator) -> Ints:
    middle = chance.random((2, count)).mean(axis=0)  # most rows fall around the middle of the day
    second: Ints = (_OPENS + _OPEN_SECONDS * middle).astype(np.int64)
    return second


def _amounts(code: int, size: Floats, chance: np.random.Generator) -> Floats:
    kind = CATEGORIES[code]
    return size * kind.median * np.exp(kind.spread * chance.standard_normal(len(size)))
