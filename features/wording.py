"""What a feature's value says about a customer, in words that a banker would use.

A table apart from the definitions: rewording one, or adding a language, changes no model.
"""

from typing import NamedTuple, Protocol

from features.feature import WINDOWS

Value = float | str | None


class Words(NamedTuple):
    """How a value reads: `says` in general, `zero` for 0, `unknown` where there is no value.

    `{}` stands for the value with its unit, `{percent}` for a ratio as a share, `{moved}` for a
    ratio to the past ("fell to 40 %"), `{apart}` for a difference ("120 lower").
    """

    says: str
    zero: str | None = None
    unknown: str | None = None


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


IN_WINDOW = {
    "transactions": Words("{} in the last {days} days"),
    "credit": Words(
        "{} received in the last {days} days", zero="no money received in the last {days} days"
    ),
    "debit": Words(
        "{} spent in the last {days} days", zero="no money spent in the last {days} days"
    ),
    "amount_mean": Words(
        "transactions of the last {days} days average {} (received minus spent)",
        unknown="no transactions in the last {days} days",
    ),
    "amount_std": Words(
        "amounts of the last {days} days vary by {} around their average",
        zero="all amounts of the last {days} days are the same",
        unknown="fewer than 2 transactions in the last {days} days",
    ),
    "amount_max": Words(
        "largest amount of the last {days} days is {}",
        unknown="no transactions in the last {days} days",
    ),
    "balance_mean": Words(
        "average balance of {} in the last {days} days",
        unknown="no balance known in the last {days} days",
    ),
    "contacts": Words("{} in the last {days} days"),
    "complaints": Words("{} in the last {days} days"),
}

ALONE = {
    "recency_days": Words("{} since the last transaction", unknown="no transaction yet"),
    "own_recency_days": Words(
        "{} since the last own transaction", unknown="no transaction made by the customer yet"
    ),
    "own_transactions_90d": Words("{} made by the customer in the last 90 days"),
    "transactions_trend": Words(
        "transactions in the last 30 days {moved} of the 90-day average",
        zero="no transactions in the last 30 days, after some in the 60 days before",
        unknown="no transactions in the last 90 days",
    ),
    "active_months_365d": Words(
        "{} with transactions in the last 365 days", zero="no transactions in the last 365 days"
    ),
    "channels_365d": Words(
        "{} used in the last 365 days", zero="no channel known in the last 365 days"
    ),
    "categories_365d": Words(
        "{} of transaction in the last 365 days",
        zero="no category of transaction known in the last 365 days",
    ),
    "counterparties_365d": Words(
        "{} in the last 365 days", zero="no counterparty known in the last 365 days"
    ),
    "gap_mean_365d": Words(
        "{} between transactions on average in the last 365 days",
        unknown="fewer than 2 transactions in the last 365 days",
    ),
    "gap_std_365d": Words(
        "time between transactions varies by {} in the last 365 days",
        zero="transactions at equal intervals in the last 365 days",
        unknown="fewer than 3 transactions in the last 365 days",
    ),
    "balance_last": Words(
        "balance of {} after the last transaction",
        unknown="balance after the last transaction not known",
    ),
    "balance_usual": Words("usual balance of {}", unknown="no usual balance known"),
    "balance_change": Words(
        "average balance of the last 30 days is {apart} than that of the last 180 days",
        zero="average balance of the last 30 days is that of the last 180 days",
        unknown="no balance known in the last 30 days",
    ),
    "debit_trend": Words(
        "spending in the last 90 days {moved} of the year's average",
        zero="no spending in the last 90 days, after some earlier in the year",
        unknown="no spending in the last 365 days",
    ),
    "credit_trend": Words(
        "money received in the last 90 days {moved} of the year's average",
        zero="no money received in the last 90 days, after some earlier in the year",
        unknown="no money received in the last 365 days",
    ),
    "salary_months_180d": Words(
        "salary or pension in {} within the last 180 days",
        zero="no salary or pension in the last 180 days",
    ),
    "salary_days_since": Words(
        "{} since the last salary or pension", unknown="no salary or pension in the last 365 days"
    ),
    "salary_variation_365d": Words(
        "salary or pension varies by {percent} in the last 365 days",
        zero="always the same salary or pension in the last 365 days",
        unknown="fewer than 2 salaries or pensions in the last 365 days",
    ),
    "products_held": Words("{} held"),
    "products_opened_365d": Words("{} opened in the last 365 days"),
    "products_closed_365d": Words("{} closed in the last 365 days"),
    "has_card": Words("card held", zero="no card held"),
    "has_loan": Words("loan held", zero="no loan held"),
    "open_complaints": Words("{} not settled yet", zero="no open complaints"),
    "satisfaction_mean_365d": Words(
        "stated satisfaction averages {} in the last 365 days",
        unknown="no satisfaction stated in the last 365 days",
    ),
    "tenure_days": Words("customer for {}", unknown="time as a customer not known"),
    "age_years": Words("{} old", unknown="age not known"),
    "customer_occupation": Words("occupation: {}", unknown="occupation not known"),
    "customer_income_band": Words("income band: {}", unknown="income band not known"),
    "customer_kind": Words("kind of customer: {}", unknown="kind of customer not known"),
}


def _of_window(words: Words, days: int) -> Words:
    def of(text: str) -> str:
        return text.replace("{days}", str(days))

    return Words(of(words.says), words.zero and of(words.zero), words.unknown and of(words.unknown))


WORDS = ALONE | {
    f"{family}_{days}d": _of_window(words, days)
    for family, words in IN_WINDOW.items()
    for days in WINDOWS
}

LONG_DAYS = 730  # from here on people count in years
# the bank knows which money it counts in
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
    >>> quantity(1461.0, "days"), quantity(41.9, "years"), quantity(1234.5, "money")
    ('4 years', '41 years', '1,234')
    """
    if unit in WITHOUT_UNIT:
        return number(value)
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
