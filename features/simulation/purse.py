"""Money month by month: people spend what they have, and keep about the cushion they like."""

import numpy as np

from features.simulation.behaviour import EASE, Means
from features.simulation.categories import CATEGORIES, CODE
from features.simulation.people import People
from features.simulation.rows import Rows
from features.simulation.settings import Bools, Floats, Ints

OF_BALANCE = (CODE["interest"], CODE["other_bank"])  # amounts that are shares of the balance
_SPENDING = tuple(
    code for code, category in enumerate(CATEGORIES) if category.rate > 0 and category.median < 0
)
_LEAST, _MOST = 0.1, 1.6  # thrift and ease, against usual spending
_NOTHING = 0.05  # below it nothing is bought at all
_KEPT = 0.9  # share of a month's means that may be spent


def opening_balances(people: People, means: Means) -> Ints:
    """Cents on the accounts before the first row; new customers begin with nothing."""
    opening = np.where(people.joined_month >= 0, 0.0, means.opening)
    return np.round(opening * 100).astype(np.int64)


def amounts_in_cents(rows: Rows, opening: Ints, means: Means) -> Ints:
    """Final amounts: spending follows the purse, interest and moved money the balance.

    Only what has happened until a month's end decides about that month.
    """
    shape = means.there.shape
    share = np.isin(rows.code, OF_BALANCE)
    spends = np.isin(rows.code, _SPENDING)
    spent = _monthly(rows, spends, shape)
    received = _monthly(rows, ~spends & ~share, shape)
    of_balance = _monthly(rows, share, shape)
    ease, start = np.ones(shape), np.zeros(shape)
    balance = opening / 100
    for month in range(shape[1]):
        start[:, month] = np.maximum(balance, 0.0)
        fixed = received[:, month] + of_balance[:, month] * start[:, month]
        ease[:, month] = _ease(-spent[:, month], balance, balance + fixed, means.cushion)
        balance = balance + fixed + ease[:, month] * spent[:, month]
    at = (rows.customer, rows.month)
    yuan = rows.yuan * np.where(share, start[at], np.where(spends, ease[at], 1.0))
    return np.round(yuan * 100).astype(np.int64)


def _ease(wanted: Floats, balance: Floats, purse: Floats, cushion: Floats) -> Floats:
    wanted = np.maximum(wanted, 1.0)
    liked = np.clip(1 + EASE * (balance - cushion) / wanted, _LEAST, _MOST)
    possible = np.maximum(_KEPT * purse / wanted, 0.0)
    ease = np.minimum(liked, possible)
    return np.where(ease < _NOTHING, 0.0, ease)


def _monthly(rows: Rows, which: Bools, shape: tuple[int, ...]) -> Floats:
    cell = rows.customer[which] * shape[1] + rows.month[which]
    total: Floats = np.zeros(shape)
    np.add.at(total.ravel(), cell, rows.yuan[which])
    return total
