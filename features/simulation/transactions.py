"""The ledger of a block: every row, in order, with its running balance."""

from typing import NamedTuple

import numpy as np

from features.simulation.behaviour import Means
from features.simulation.categories import CASH, CATEGORIES, CODE, COUNTER, channel_table
from features.simulation.leaving import History
from features.simulation.people import People
from features.simulation.planted import Planted
from features.simulation.purse import amounts_in_cents, opening_balances
from features.simulation.rows import Rows, draw_rows
from features.simulation.settings import DAY_SECONDS, Bools, Floats, Ints, Plan

SHOPS, CONTACTS, EMPLOYERS, UTILITIES, BANKS = 40, 12, 30, 5, 6


class Ledger(NamedTuple):
    """Rows of a block ordered by customer and time; an entry each."""

    customer: Ints  # position in the block
    month: Ints
    second: Ints  # local time, from 1970-01-01
    code: Ints
    cents: Ints
    balance: Ints  # cents, after the row
    channel: Ints
    partner: Ints  # -1: none


def draw_ledger(
    plan: Plan,
    planted: Planted,
    people: People,
    history: History,
    means: Means,
    counts: dict[int, Floats],
    chance: np.random.Generator,
) -> Ledger:
    """All transactions of a block."""
    rows = draw_rows(plan, people, history, means, counts, chance)
    channel = _channels(people.mobile[rows.customer], rows.code, chance)
    partner = _partners(people, rows, chance)
    keep = _while_customer(rows, people, history) & ~_shut(plan, planted, people, rows, channel)
    rows, channel, partner = _kept(rows, keep), channel[keep], partner[keep]
    opening = opening_balances(people, means)
    cents = amounts_in_cents(rows, opening, means)
    kept = np.flatnonzero((cents != 0) | (rows.code == CODE["closing"]))
    order = kept[np.argsort(rows.customer[kept] << 32 | rows.second[kept], kind="stable")]
    columns = (*rows[:4], cents, cents, channel, partner)
    return _balanced(Ledger(*(column[order] for column in columns)), opening)


def _kept(rows: Rows, keep: Bools) -> Rows:
    customer, month, second, code, yuan = rows
    return Rows(customer[keep], month[keep], second[keep], code[keep], yuan[keep])


def _while_customer(rows: Rows, people: People, history: History) -> Bools:
    day, left_day = rows.second // DAY_SECONDS, history.left_day[rows.customer]
    joined: Bools = day >= people.joined_day[rows.customer]
    return joined & ((left_day < 0) | (day < left_day))


def _shut(plan: Plan, planted: Planted, people: People, rows: Rows, channel: Ints) -> Bools:
    """Rows that a renovated branch cannot serve."""
    touched = planted.touched("renovation", people.place, plan.months)[rows.customer, rows.month]
    served = (channel == COUNTER) | np.isin(rows.code, CASH)
    shut: Bools = touched & served & (rows.code != CODE["closing"])
    return shut


def _channels(by_phone: Bools, code: Ints, chance: np.random.Generator) -> Ints:
    shares = channel_table()[code, by_phone * 1]
    channel: Ints = (chance.random(len(code))[:, None] >= shares).sum(axis=1)
    return channel


def _partners(people: People, rows: Rows, chance: np.random.Generator) -> Ints:
    """Number of the other side: near shops, a few people again and again, one employer."""
    near = chance.geometric(0.2, len(rows.code))
    place, number = people.place[rows.customer], people.number[rows.customer]
    by_prefix = {
        "M": place * SHOPS + np.minimum(near, SHOPS),
        "U": near % UTILITIES,
        "P": (number * 7_919 + np.minimum(near, CONTACTS) * 104_729) % 5_000_000,
        "S": place * EMPLOYERS + number % EMPLOYERS,
        "X": near % BANKS,
    }
    partner = np.full(len(rows.code), -1, dtype=np.int64)
    for code, category in enumerate(CATEGORIES):
        if category.partner:
            mine = rows.code == code
            partner[mine] = by_prefix[category.partner][mine]
    return partner


def _balanced(ledger: Ledger, opening: Ints) -> Ledger:
    """The ledger with balances; a closing row takes out all that is left."""
    total = np.cumsum(ledger.cents)
    first = np.searchsorted(ledger.customer, np.arange(len(opening)))
    before = np.concatenate([[0], total])[first]
    balance = total - before[ledger.customer] + opening[ledger.customer]
    closing = ledger.code == CODE["closing"]
    return ledger._replace(
        cents=np.where(closing, -balance, ledger.cents), balance=np.where(closing, 0, balance)
    )
