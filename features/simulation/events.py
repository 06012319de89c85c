"""Service events: contacts, complaints, visits and surveys."""

from typing import NamedTuple

import numpy as np

from features.simulation.behaviour import months_there
from features.simulation.leaving import History
from features.simulation.people import RETIRED, People
from features.simulation.settings import DAY_SECONDS, Bools, Floats, Ints, Plan

KINDS = ("contact", "complaint", "visit", "survey")
CONTACT, COMPLAINT, VISIT, SURVEY = range(4)
EVENT_CHANNELS = ("phone", "message", "counter", "mobile")
_CHANNEL_SHARES = np.cumsum(
    [[0.6, 0.3, 0.1, 0.0], [0.4, 0.0, 0.3, 0.3], [0.0, 0.0, 1.0, 0.0], [0.0, 0.6, 0.0, 0.4]], axis=1
)
_QUICK_COMPLAINTS, _VISITS, _SURVEYS = 0.012, 0.12, 0.035  # a month
_QUICK_DAYS = 6


class Events(NamedTuple):
    """One entry per event, ordered by customer and time; seconds are local, from 1970-01-01."""

    customer: Ints
    kind: Ints
    second: Ints
    resolved: Ints  # -1: not settled, or nothing to settle
    satisfaction: Ints  # 0: no answer
    channel: Ints


def draw_events(
    plan: Plan, people: People, history: History, active: Floats, chance: np.random.Generator
) -> Events:
    """Every service event of a block between joining and leaving."""
    there = months_there(plan, people, history)
    visits = _VISITS * np.where(people.stage == RETIRED, 2.0, 1.0)[:, None] * np.minimum(active, 2)
    parts = [
        (CONTACT, *_at(plan, history.contact, chance)),
        (VISIT, *_at(plan, _happens(there * visits, chance), chance)),
        (SURVEY, *_at(plan, _happens(np.where(there, _SURVEYS, 0.0), chance), chance)),
        (COMPLAINT, *_at(plan, _happens(np.where(there, _QUICK_COMPLAINTS, 0.0), chance), chance)),
    ]
    kind = np.repeat([part[0] for part in parts], [len(part[1]) for part in parts])
    customer, months, second = (np.concatenate([part[at] for part in parts]) for at in (1, 2, 3))
    resolved = _quickly(kind, second, chance)
    satisfaction = _answers(history, kind, customer, months, chance)
    open_customer, open_second, open_resolved = _open_complaints(plan, history, there, chance)
    count = len(open_customer)
    events = Events(
        np.concatenate([customer, open_customer]),
        np.concatenate([kind, np.full(count, COMPLAINT)]),
        np.concatenate([second, open_second]),
        np.concatenate([resolved, open_resolved]),
        np.concatenate([satisfaction, np.zeros(count, dtype=np.int64)]),
        np.zeros(len(customer) + count, dtype=np.int64),
    )
    kept = _while_customer(events, people, history, plan.first_days[-1])
    return _in_order(_with_channels(kept, chance))


def _happens(probability: Floats, chance: np.random.Generator) -> Bools:
    return chance.random(probability.shape) < probability


def _at(plan: Plan, happens: Bools, chance: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Customer, month and second of what happens once in a month."""
    customer, month = np.nonzero(happens)
    return customer, month, _some_second(plan, month, chance)


def _some_second(plan: Plan, month: Ints, chance: np.random.Generator) -> Ints:
    first = plan.first_days
    day = first[month] + (chance.random(len(month)) * (first[month + 1] - first[month])).astype(
        np.int64
    )
    return day * DAY_SECONDS + (8.5 * 3600 + 9 * 3600 * chance.random(len(month))).astype(np.int64)


def _quickly(kind: Ints, second: Ints, chance: np.random.Generator) -> Ints:
    days = chance.exponential(_QUICK_DAYS / 3, len(second)).clip(0.05, _QUICK_DAYS)
    return np.where(kind == COMPLAINT, second + (days * DAY_SECONDS).astype(np.int64), -1)


def _open_complaints(
    plan: Plan, history: History, there: Bools, chance: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Complaints of the chain: they begin in one month and stay open into later ones."""
    is_open = history.complaint[:, 1:] & there
    was_open = np.column_stack([np.zeros(len(there), dtype=np.bool_), is_open[:, :-1]])
    customer, month = np.nonzero(is_open & ~was_open)
    second = _some_second(plan, month, chance)
    ends = np.where(is_open, plan.months, np.arange(plan.months))  # months in which it is settled
    settled = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1][customer, month]
    known = np.minimum(settled, plan.months - 1)
    resolved = _some_second(plan, known, chance)
    return customer, second, np.where(settled < plan.months, resolved, -1)


def _answers(
    history: History, kind: Ints, customer: Ints, month: Ints, chance: np.random.Generator
) -> Ints:
    """Answers of surveys from 1 to 5, lower while fading or with a complaint open."""
    mood = (
        4.2
        - 0.6 * (history.fading[customer, month + 1] >= 1)
        - 1.2 * history.complaint[customer, month + 1]
        + 0.9 * chance.standard_normal(len(kind))
    )
    answered = (kind == SURVEY) & (chance.random(len(kind)) < 0.8)
    return np.where(answered, np.clip(np.round(mood), 1, 5), 0).astype(np.int64)


def _while_customer(events: Events, people: People, history: History, end_day: int) -> Events:
    """Events between joining and leaving; what is settled later, or after the data, is open."""
    day = events.second // DAY_SECONDS
    left = history.left_day[events.customer]
    keep = (day >= people.joined_day[events.customer]) & ((left < 0) | (day < left))
    kept = Events(*(column[keep] for column in events))
    left = history.left_day[kept.customer]
    known_until = np.where(left < 0, end_day, left) * DAY_SECONDS
    return kept._replace(resolved=np.where(kept.resolved < known_until, kept.resolved, -1))


def _with_channels(events: Events, chance: np.random.Generator) -> Events:
    shares = _CHANNEL_SHARES[events.kind]
    channel = (chance.random(len(events.kind))[:, None] >= shares[:, :-1]).sum(axis=1)
    return events._replace(channel=channel)


def _in_order(events: Events) -> Events:
    order = np.argsort(events.customer << 32 | events.second, kind="stable")
    return Events(*(column[order] for column in events))
