"""What a feature's value says about a customer, in words that a banker would use."""

from typing import Protocol

from features.phrases import WORDS, Words

Value = float | str | None


class Measured(Protocol):
    """The parts of a registered feature that wording needs."""

    @property
    def name(self) -> str:
        """Column name."""

    @property
    def unit(self) -> str:
        """Unit of the values, in the plural."""

    @property
    def text(self) -> str:
        """The meaning inside a sentence, for a feature without words of its own."""


LONG_DAYS = 730  # from here on people count in years
# the bank knows which money it counts in
AS_WRITTEN = ("km", "customers per km2")  # the same for one as for several
WITHOUT_UNIT = ("ratio", "money", "words", "yes or no")


def in_words(value: Value, feature: Measured) -> str:
    """A feature's value as a short phrase.

    >>> from features.registry import FEATURES
    >>> in_words(62.0, FEATURES["own_recency_days"]), in_words(0.0, FEATURES["has_card"])
    ('62 days since the last own transaction', 'no card held')
    >>> in_words(0.4, FEATURES["debit_trend"])
    "spending in the last 90 days fell to 40 % of the year's average"
    """
    words = WORDS.get(feature.name) or Words(f"{feature.text}: {{}}")
    if value is None:
        return words.unknown or f"{feature.text}: not known"
    if isinstance(value, str):
        return words.says.format(value)
    if value == 0 and words.zero:
        return words.zero
    told = {"percent": percent(value), "moved": _moved(value), "apart": _apart(value)}
    return words.says.format(quantity(value, feature.unit), **told)


def quantity(value: float, unit: str) -> str:
    """A number with its unit.

    >>> quantity(1.0, "counterparties"), quantity(0.0, "products"), quantity(3.25, "days")
    ('1 counterparty', 'no products', '3.2 days')
    >>> quantity(1.0, "km"), quantity(0.0, "customers per km2")
    ('1 km', '0 customers per km2')
    >>> quantity(1461.0, "days"), quantity(41.9, "years"), quantity(1234.5, "money")
    ('4 years', '41 years', '1,234')
    """
    if unit in WITHOUT_UNIT:
        return number(value)
    if unit in AS_WRITTEN:
        return f"{number(value)} {unit}"
    if unit == "years":
        return _counted(str(int(value)), unit)  # nobody is 41.9 years old
    if unit == "days":
        return _duration(value)
    return f"no {unit}" if value == 0 else _counted(number(value), unit)


def number(value: float) -> str:
    """A number as people write it: three significant digits below 100, whole above.

    >>> number(62.0), number(0.12345), number(1234567.8), number(-0.00001)
    ('62', '0.123', '1,234,568', '0')
    """
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    return "0" if abs(value) < 0.005 else f"{value:.3g}"


def percent(value: float) -> str:
    """A ratio as a share of 100.

    >>> percent(0.4), percent(12.0)
    ('40 %', '1,200 %')
    """
    return f"{100 * value:,.0f} %"


def _duration(days: float) -> str:
    if days >= LONG_DAYS:
        return _counted(f"{days / 365.25:.1f}".removesuffix(".0"), "years")
    return _counted(f"{days:.0f}" if days >= 10 else f"{days:.1f}".removesuffix(".0"), "days")


def _counted(shown: str, unit: str) -> str:
    if shown != "1":
        return f"{shown} {unit}"
    return f"1 {unit.removesuffix('ies')}y" if unit.endswith("ies") else f"1 {unit[:-1]}"


def _moved(ratio: float) -> str:
    shown = percent(ratio)
    word = "stayed at" if shown == "100 %" else "fell to" if ratio < 1 else "rose to"
    return f"{word} {shown}"


def _apart(difference: float) -> str:
    return f"{number(abs(difference))} {'lower' if difference < 0 else 'higher'}"
