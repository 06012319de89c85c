"""Kinds of transaction: how often, how much, by which channel, with whom."""

from typing import NamedTuple

import numpy as np

from features.simulation.settings import Floats

CHANNELS = ("counter", "atm", "card", "web", "mobile")
COUNTER, ATM, CARD, WEB, MOBILE = range(5)


class Category(NamedTuple):
    """One kind of transaction.

    `rate` is a count a month at the usual activity (0: paid on a fixed day, see `payments`);
    `median` is yuan before scaling, debits below zero; `spread` is the sigma of log amounts.
    Channels: cumulative shares of counter, atm, card and web (mobile has the rest) for people
    who use the phone and for those who do not.
    """

    name: str
    partner: str | None  # prefix of the counterparty's id
    rate: float
    median: float
    spread: float
    by_phone: tuple[float, float, float, float]
    by_hand: tuple[float, float, float, float]
    own: bool = True  # initiated by the customer

    @property
    def mean(self) -> float:
        """Mean amount of the log-normal."""
        return self.median * float(np.exp(self.spread**2 / 2))


_PURCHASE = (0.0, 0.0, 0.3, 0.35), (0.15, 0.15, 1.0, 1.0)
_TRANSFER = (0.08, 0.12, 0.12, 0.3), (0.7, 1.0, 1.0, 1.0)
_CASH = (0.3, 1.0, 1.0, 1.0), (0.6, 1.0, 1.0, 1.0)
_ORDER = (0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0)

CATEGORIES = (
    Category("groceries", "M", 2.0, -180, 0.8, *_PURCHASE),
    Category("leisure", "M", 0.8, -260, 0.9, *_PURCHASE),
    Category("utilities", "U", 0.6, -220, 0.5, *_TRANSFER),
    Category("transfer_out", "P", 0.8, -1_300, 0.9, *_TRANSFER),
    Category("cash_out", None, 0.6, -900, 0.6, *_CASH),
    Category("transfer_in", "P", 0.6, 700, 0.9, *_TRANSFER),
    Category("cash_in", None, 0.2, 1_100, 0.7, *_CASH),
    Category("sales", "P", 1.4, 1_000, 0.7, *_TRANSFER),
    Category("salary", "S", 0, 1, 0.03, *_ORDER, own=False),
    Category("rent", "P", 0, -1, 0.0, *_ORDER),
    Category("loan", None, 0, -1, 0.0, *_ORDER, own=False),
    Category("fee", None, 0, -10, 0.0, *_ORDER, own=False),
    Category("interest", None, 0, 1, 0.0, *_ORDER, own=False),
    Category("other_bank", "X", 0, -1, 0.2, *_TRANSFER),  # money moved away before leaving
    Category("closing", None, 0, -1, 0.0, (1, 1, 1, 1), (1, 1, 1, 1)),
)
NAMES = tuple(category.name for category in CATEGORIES)
CODE = {name: code for code, name in enumerate(NAMES)}
RHYTHMIC = tuple(code for code, category in enumerate(CATEGORIES) if category.rate > 0)
PURCHASES = (CODE["groceries"], CODE["leisure"])
CASH = (CODE["cash_out"], CODE["cash_in"])


def channel_table() -> Floats:
    """Cumulative channel shares: category x (by hand, by phone) x 4.

    >>> channel_table().shape
    (15, 2, 4)
    """
    return np.array([(category.by_hand, category.by_phone) for category in CATEGORIES])
