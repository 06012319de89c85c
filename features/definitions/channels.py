"""Channels: digital, at the counter, in cash."""

from typing import TYPE_CHECKING

from features.definitions.bank_words import CASH_CATEGORIES, CASH_CHANNELS, COUNTER, DIGITAL
from features.dialect import ratio
from features.feature import feature, windowed

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, NumericValue

    from features.measures import History


@feature(unit="channels", low=0, empty=0)
def channels_365d(history: "History") -> "NumericValue":
    """Number of different channels used in the last 365 days."""
    return history.distinct(history.channel, 365)


def _share(history: "History", days: int, words: tuple[str, ...]) -> "NumericValue":
    known = history.own & history.channel.notnull()
    used = history.own & history.channel.isin(words)
    return ratio(history.count(days, where=used), history.count(days, where=known))


@windowed((90, 365), unit="ratio", low=0, high=1)
def digital_share(history: "History", days: int) -> "NumericValue":
    """Online or mobile share of own transactions of known channel in the last {days} days."""
    return _share(history, days, DIGITAL)


@feature(unit="ratio", low=0, high=1)
def counter_share_365d(history: "History") -> "NumericValue":
    """Counter share of own transactions of known channel in the last 365 days."""
    return _share(history, 365, COUNTER)


@feature(unit="days", low=0, high=366)
def digital_days_since(history: "History") -> "NumericValue":
    """Days since the last own transaction online or by mobile, at most a year back."""
    return history.days_since(365, where=history.own & history.channel.isin(DIGITAL))


def _cash(history: "History") -> "BooleanValue":
    by_category = history.category.isin(CASH_CATEGORIES).fill_null(False)
    return by_category | history.channel.isin(CASH_CHANNELS).fill_null(False)


@feature(unit="ratio", low=0, high=1)
def cash_withdrawal_share_90d(history: "History") -> "NumericValue":
    """Cash taken out against all money spent in the last 90 days."""
    spent, money = history.amount < 0, -history.amount
    cash = history.total(money, 90, where=spent & _cash(history)).fill_null(0)
    return ratio(cash, history.total(money, 90, where=spent))
