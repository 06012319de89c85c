"""What a feature's value says about a customer, in words that a banker would use."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from features import phrases, phrases_zh
from features.phrases import Words

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


class Language(NamedTuple):
    """How one language tells values: phrases of features, and what stands in their braces."""

    words: Mapping[str, Words]
    quantity: Callable[[float, str], str]  # of a number and its unit
    moved: Callable[[float], str]  # of a ratio to the past
    apart: Callable[[float], str]  # of a difference
    other: str  # a feature without words of its own, which brings its meaning along
    unknown: str  # what it says without a value


def in_words(value: Value, feature: Measured, language: str = "en") -> str:
    """A feature's value as a short phrase in a language of LANGUAGES.

    >>> from features.registry import FEATURES
    >>> in_words(62.0, FEATURES["own_recency_days"]), in_words(0.0, FEATURES["has_card"])
    ('62 days since the last own transaction', 'no card held')
    >>> in_words(0.4, FEATURES["debit_trend"])
    "spending in the last 90 days fell to 40 % of the year's average"
    >>> in_words(0.4, FEATURES["debit_trend"], "zh")
    '近90天支出较全年平均下降 60 %'
    """
    told = LANGUAGES[language]
    words = told.words.get(feature.name) or Words(told.other.format(feature.text, "{}"))
    if value is None:
        return words.unknown or told.other.format(feature.text, told.unknown)
    if isinstance(value, str):
        return words.says.format(value)
    if value == 0 and words.zero:
        return words.zero
    parts = {"percent": percent(value), "moved": told.moved(value), "apart": told.apart(value)}
    return words.says.format(told.quantity(value, feature.unit), **parts)


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
        return _counted(*_duration(value))
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


def _duration(days: float) -> tuple[str, str]:
    """A number and the unit that people count so long a time in."""
    if days >= LONG_DAYS:
        return f"{days / 365.25:.1f}".removesuffix(".0"), "years"
    return f"{days:.0f}" if days >= 10 else f"{days:.1f}".removesuffix(".0"), "days"


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


def quantity_zh(value: float, unit: str) -> str:
    """A number with its Chinese measure word.

    >>> quantity_zh(1.0, "counterparties"), quantity_zh(3.25, "days"), quantity_zh(1461.0, "days")
    ('1 个', '3.2 天', '4 年')
    >>> quantity_zh(41.9, "years"), quantity_zh(1234.5, "money")
    ('41 岁', '1,234')
    """
    if unit == "days":
        shown, counted = _duration(value)
        return f"{shown} {'年' if counted == 'years' else '天'}"
    shown = str(int(value)) if unit == "years" else number(value)
    return f"{shown} {phrases_zh.UNITS[unit]}" if unit in phrases_zh.UNITS else shown


def _moved_zh(ratio: float) -> str:
    shown = percent(abs(ratio - 1))
    return "持平" if shown == "0 %" else f"{'下降' if ratio < 1 else '上升'} {shown}"


def _apart_zh(difference: float) -> str:
    return f"{'低' if difference < 0 else '高'} {number(abs(difference))}"


LANGUAGES = {
    "en": Language(phrases.WORDS, quantity, _moved, _apart, "{}: {}", "not known"),
    "zh": Language(phrases_zh.WORDS, quantity_zh, _moved_zh, _apart_zh, "{}：{}", "未知"),
}
