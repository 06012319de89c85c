"""Why and when customers leave: a monthly chain of states, and the odds that follow from it.

A customer's state in a month is how long he has been fading (0 = steady), whether the salary
has gone elsewhere and whether a complaint is open. Behaviour follows the state, so the state
shows in the tables before the leaving; the odds of leaving follow it too.
"""

from typing import NamedTuple

import numpy as np

from features.simulation.people import BUSINESS, RETIRED, STUDENT, YOUNG, People
from features.simulation.settings import YEAR_DAYS, Bools, Floats, Ints, Plan
from features.simulation.territory import County

FADING_MOST = 6
ACTIVITY = 0.65 ** np.arange(FADING_MOST + 1)  # share of the usual activity that is left
EFFECT_MONTHS = 3  # a contact works in the months after its own

_PULL = np.array([0.0, 0.3, 1.2, 2.4, 3.4, 3.9, 4.1])  # of months of fading, log-odds of leaving
_LEAVE, _LEAVE_GONE, _LEAVE_COMPLAINT, _LEAVE_RIVAL, _LEAVE_KM = -6.2, 1.0, 1.2, 0.5, 0.08
_FADE, _FADE_GONE, _FADE_COMPLAINT, _FADE_RIVAL, _FADE_KM = -4.3, 1.0, 1.6, 0.7, 0.08
_RECOVERS = 0.08
_SALARY_GOES, _SALARY_GOES_FADING, _SALARY_STAYS_GONE = 0.003, 0.18, 0.95
_COMPLAINS, _COMPLAINT_STAYS = 0.010, 0.60
_NEAR_KM, _FAR_KM = 2.0, 12.0
_BURN_IN = 18  # months before the first, so that the bank does not begin with everyone steady


class Odds(NamedTuple):
    """What a customer's odds rest on besides the state; an entry each, or customers x months."""

    leave: Floats  # log-odds of leaving in a month, steady
    fade: Floats  # log-odds of beginning to fade in a month
    salaried: Bools
    complains: Floats
    contact_effect: Floats
    rival: Bools  # customers x months: a competitor has opened in the place


class History(NamedTuple):
    """States and leavings of a block; state columns are months, the first the one before all."""

    fading: Ints  # customers x (months + 1)
    salary_gone: Bools  # customers x (months + 1)
    complaint: Bools  # customers x (months + 1)
    contact: Bools  # customers x months
    leave_probability: Floats  # customers x months; 0 while not yet, or no longer, a customer
    left_month: Ints  # the number of months when the customer stays
    left_day: Ints  # days from 1970-01-01; -1 when the customer stays


class State(NamedTuple):
    """The state of customers in one month."""

    fading: Ints
    salary_gone: Bools
    complaint: Bools


def sigmoid(logit: Floats) -> Floats:
    """Probability of log-odds.

    >>> sigmoid(np.array([0.0]))
    array([0.5])
    """
    return 1 / (1 + np.exp(-logit))


def odds_of(people: People, county: County, plan: Plan) -> Odds:
    """The odds of a block of customers."""
    far = np.clip(people.distance_km, _NEAR_KM, _FAR_KM) - _NEAR_KM
    young = np.isin(people.stage, (STUDENT, YOUNG)) * 1.0
    settled = (people.stage == RETIRED) * 1.0
    tenure_years = (plan.first_days[0] - people.joined_day) / YEAR_DAYS
    loyal = np.clip(tenure_years, 0, 10) / 10
    rival = np.isin(people.place, county.competitor_places)
    return Odds(
        leave=_LEAVE + _LEAVE_KM * far + 0.4 * young - 0.3 * settled - 0.5 * loyal,
        fade=_FADE + _FADE_KM * far + 0.3 * young - 0.3 * settled - 0.5 * loyal,
        salaried=people.salaried,
        complains=_COMPLAINS * np.where(people.stage == BUSINESS, 2.0, 1.0),
        contact_effect=people.contact_effect,
        rival=rival[:, None] & (np.arange(plan.months) >= county.competitor_month),
    )


def leave_odds(leave: Floats, state: State, rival: Bools, contact: Floats) -> Floats:
    """Probability of leaving in the month of that state."""
    return sigmoid(
        leave
        + _PULL[state.fading]
        + _LEAVE_GONE * state.salary_gone
        + _LEAVE_COMPLAINT * state.complaint
        + _LEAVE_RIVAL * rival
        + contact
    )


def fades_on(fade: Floats, state: State, rival: Bools) -> Floats:
    """Probability that the next month is one of (more) fading."""
    begins = sigmoid(
        fade
        + _FADE_GONE * state.salary_gone
        + _FADE_COMPLAINT * state.complaint
        + _FADE_RIVAL * rival
    )
    return np.where(state.fading > 0, 1 - _RECOVERS, begins)


def salary_away(salaried: Bools, gone: Bools, fading_next: Ints) -> Floats:
    """Probability that the salary is elsewhere next month."""
    goes = np.where(fading_next >= 2, _SALARY_GOES_FADING, _SALARY_GOES)
    return np.where(salaried, np.where(gone, _SALARY_STAYS_GONE, goes), 0.0)


def complaint_open(complains: Floats, complaint: Bools) -> Floats:
    """Probability that a complaint is open next month."""
    return np.where(complaint, _COMPLAINT_STAYS, complains)


def draw_history(
    plan: Plan, people: People, odds: Odds, stopped: Bools, chance: np.random.Generator
) -> History:
    """States, contacts and leavings, month by month; `stopped` salaries do not come back.

    A customer who joins is steady in the first month and can leave from the second on.
    """
    count, months = people.size, plan.months
    state = _before_all(odds, people, chance)
    states, contacts = [state], np.zeros((count, months), dtype=np.bool_)
    probability = np.zeros((count, months))
    left = np.full(count, months, dtype=np.int64)
    for month in range(months):
        rival = odds.rival[:, month]
        state = _next_state(odds, state, rival, chance)
        state = _steady_until_joined(state, people.joined_month >= month)
        state = state._replace(salary_gone=state.salary_gone | stopped[:, month])
        states.append(state)
        active = contact_active(contacts, month) * odds.contact_effect
        present = (people.joined_month < month) & (left == months)
        probability[:, month] = present * leave_odds(odds.leave, state, rival, active)
        leaves = chance.random(count) < probability[:, month]
        left[leaves] = month
        called = chance.random(count) < 0.015 + 0.035 * (state.fading >= 2)
        contacts[:, month] = called & present & ~leaves & ~people.opted_out
    return History(
        np.stack([one.fading for one in states], axis=1),
        np.stack([one.salary_gone for one in states], axis=1),
        np.stack([one.complaint for one in states], axis=1),
        contacts,
        probability,
        left,
        _left_days(plan, left, chance),
    )


def contact_active(contacts: Bools, month: int, known: int | None = None) -> Bools:
    """Whether a contact in one of the months before works in `month`.

    Only contacts before month `known` count, when it is given.

    >>> contact_active(np.array([[True, False, False, False, False]]), 3).tolist()
    [True]
    """
    last = month if known is None else min(month, known)
    recent = contacts[:, max(month - EFFECT_MONTHS, 0) : last]
    return np.asarray(recent.any(axis=1), dtype=np.bool_)


def _before_all(odds: Odds, people: People, chance: np.random.Generator) -> State:
    count = people.size
    no = np.zeros(count, dtype=np.bool_)
    state = State(np.zeros(count, dtype=np.int64), no, no)
    for _ in range(_BURN_IN):
        state = _next_state(odds, state, no, chance)
        leaves = chance.random(count) < leave_odds(odds.leave, state, no, np.zeros(count))
        state = _steady_until_joined(state, leaves)  # one who left is another, steady, customer
    return _steady_until_joined(state, people.joined_month >= 0)


def _next_state(odds: Odds, state: State, rival: Bools, chance: np.random.Generator) -> State:
    draw = chance.random((3, len(rival)))
    on = draw[0] < fades_on(odds.fade, state, rival)
    fading = np.where(on, np.minimum(state.fading + 1, FADING_MOST), 0)
    gone = draw[1] < salary_away(odds.salaried, state.salary_gone, fading)
    return State(fading, gone, draw[2] < complaint_open(odds.complains, state.complaint))


def _steady_until_joined(state: State, absent: Bools) -> State:
    return State(
        np.where(absent, 0, state.fading),
        state.salary_gone & ~absent,
        state.complaint & ~absent,
    )


def _left_days(plan: Plan, left: Ints, chance: np.random.Generator) -> Ints:
    """Any day of the month but the first, whose eve is another month's."""
    first = plan.first_days
    at = np.minimum(left, plan.months - 1)
    later_days = first[at + 1] - first[at] - 1
    day = first[at] + 1 + (chance.random(len(left)) * later_days).astype(np.int64)
    return np.where(left < plan.months, day, -1)
