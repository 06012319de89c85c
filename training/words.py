"""Feature names in words, for reasons and segment names."""

from domain.cell_rates import FITTED
from features.registry import FEATURES
from features.wording import in_words

SEGMENT_WORDS = {
    # feature -> (what a customer with much of it is, what one with little of it is)
    "transactions_90d": ("frequent", "seldom active"),
    "active_months_365d": ("steady", "occasional"),
    "recency_days": ("gone quiet", "active lately"),
    "credit_90d": ("money in", "little money in"),
    "debit_90d": ("big spender", "small spender"),
    "amount_mean_90d": ("incoming money prevails", "outgoing money prevails"),
    "amount_std_90d": ("uneven amounts", "even amounts"),
    "channels_365d": ("many channels", "one channel"),
    "categories_365d": ("varied use", "narrow use"),
    "counterparties_365d": ("many payees", "few payees"),
    "gap_mean_365d": ("long pauses", "short pauses"),
    "gap_std_365d": ("irregular", "regular"),
    "salary_months_180d": ("salary in", "no salary"),
    "products_held": ("many products", "few products"),
    "contacts_90d": ("in contact", "out of contact"),
    "complaints_365d": ("complains", "content"),
    "tenure_days": ("long-standing", "new"),
    "age_years": ("older", "younger"),
}


def feature_text(name: str) -> str:
    """The registered words of a feature, or its name with blanks.

    >>> feature_text("no_such_feature")
    'no such feature'
    """
    known = FEATURES.get(name) or FITTED.get(name)
    return known.text if known else name.replace("_", " ")


def reason_text(name: str, value: float | str | None) -> str:
    """Words for one reason.

    >>> reason_text("no_such_feature", None)
    'no such feature: not known'
    """
    if known := FEATURES.get(name) or FITTED.get(name):
        return in_words(value, known)
    shown = "not known" if value is None else value if isinstance(value, str) else f"{value:,.4g}"
    return f"{feature_text(name)}: {shown}"


def segment_word(name: str, much: bool) -> str:
    """What a segment with much (or little) of a feature is called.

    >>> segment_word("salary_months_180d", much=True)
    'salary in'
    """
    high, low = SEGMENT_WORDS.get(name, (f"high {feature_text(name)}", f"low {feature_text(name)}"))
    return high if much else low
