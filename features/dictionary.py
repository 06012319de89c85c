"""The data dictionary, generated from the registry so that it cannot lag behind."""

from features.definitions import bank_words
from features.registry import DEFINITIONS, FEATURES, Feature

SOURCES = {
    "transactions": "transactions of the last 365 days",
    "latest": "latest transaction",
    "holdings": "holdings",
    "service_events": "service events",
    "places": "coordinates of customers and outlets",
    "customers": "customers, features above",
}

INTRODUCTION = """# Features

One row per customer and cut-off (`as_of`). This page is generated from `features/definitions/`
by `python -m features.dictionary`; edit the docstrings there.

**What is visible.** The cut-off is the first moment of the day `as_of` in the bank's time zone.
A transaction or service event counts when it was posted before that moment and had reached the
warehouse by then (`available_at`, where the source has it). A window of *W* days begins at the
first moment of the day `as_of - W days`. A product counts from the day after it was opened to
the day it was closed, and so does an outlet.

**Places** are known when latitude and longitude both are and not both 0. Where a customer lives,
which outlet is the home outlet and where an outlet stands is what the bank knows today; when they
came and went is kept. The squares of the map are 0.01 degrees of latitude and longitude (1.1 km
from north to south); a customer counts among the neighbours from the day after joining to the day
of leaving. Distances are great circles on a sphere of 6,371.0088 km.

**Who has a row.** Every customer onboarded before the cut-off and not closed before it, with or
without history; a number that needs history is then missing, a count or a sum is 0.

**Ratios** are missing where what they divide by is zero or as good as zero; no feature is ever
infinite.

**What is not here.** Statistics over other customers (they are fitted in training), but for the
number of neighbours, which everybody could count at the cut-off; `sex`, which
would be unfair to decide by; `marketing_opt_out`, which is a wish to respect, not a signal;
`holdings.balance`, which says nothing of a past cut-off. Occupation, income band and kind have
no history: they are what the bank knows today. The same season a year before: it lies before
the longest window, 365 days.

**Watched** columns are compared month by month in every cell; clocks like age are not, nor are
`balance_usual` and others that are made of two watched ones, nor is the density, which one
newcomer moves for a whole square.

**Missing parts.** A source without a column (channels, counterparties, balances, complaints) leaves
the features of that column missing or 0; without the table `outlets` there are no distances.

`gridkeep features --explain NAME` tells of one feature: its definition, the SQL that computes it,
and how its values are spread.
"""


def markdown() -> str:
    """The page `docs/features.md`: a section a family.

    >>> "| `recency_days` | days | 0 or more |" in markdown()
    True
    """
    families = [line for family in families_told() for line in _section(*family)]
    return "\n".join([INTRODUCTION, *families, *_words(), ""])


def families_told() -> list[tuple[str, str]]:
    """Name of each family, and what it is about.

    >>> families_told()[1]
    ('balance', 'The balance: where it stands, its lows and highs, which way it goes')
    """
    told = [(module.__name__, module.__doc__ or "") for module in DEFINITIONS]
    return [
        (name.rpartition(".")[2], doc.partition("\n")[0].removesuffix(".")) for name, doc in told
    ]


def _section(family: str, title: str) -> list[str]:
    head = "| feature | unit | range | meaning | from | without history | watched |"
    rows = [_row(known) for known in FEATURES.values() if known.family == family]
    return [f"## {title}", "", head, "|---|---|---|---|---|---|---|", *rows, ""]


def _words() -> list[str]:
    """The words that definitions look for, so that a bank can deliver them."""
    doc = (bank_words.__doc__ or "").partition("\n")[2].strip()
    found = {name: words for name, words in vars(bank_words).items() if name.isupper()}
    rows = [
        f"| {name.lower().replace('_', ' ')} | {', '.join(f'`{word}`' for word in words)} |"
        for name, words in found.items()
    ]
    return ["## Words", "", doc, "", "| of | words |", "|---|---|", *rows]


def _row(known: Feature) -> str:
    empty = "missing" if known.empty is None else f"{known.empty:g}"
    watched = "yes" if known.monitored else "no"
    cells = (known.unit, range_of(known), known.meaning, SOURCES[known.over], empty, watched)
    return f"| `{known.name}` | {' | '.join(cells)} |"


def range_of(known: Feature) -> str:
    """The values that a feature may take, in words."""
    if known.kind == "category":
        return "words"
    if known.low is None:
        return "any"
    return f"{known.low:g} or more" if known.high is None else f"{known.low:g} to {known.high:g}"


if __name__ == "__main__":
    print(markdown(), end="")
