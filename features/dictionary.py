"""The data dictionary, generated from the registry so that it cannot lag behind."""

from features.registry import FEATURES, Feature

SOURCES = {
    "transactions": "transactions of the last 365 days",
    "latest": "latest transaction",
    "holdings": "holdings",
    "service_events": "service events",
    "customers": "customers, features above",
}

INTRODUCTION = """# Features

One row per customer and cut-off (`as_of`). This page is generated from `features/definitions/`
by `python -m features.dictionary`; edit the docstrings there.

**What is visible.** The cut-off is the first moment of the day `as_of` in the bank's time zone.
A transaction or service event counts when it was posted before that moment and had reached the
warehouse by then (`available_at`, where the source has it). A window of *W* days begins at the
first moment of the day `as_of - W days`. A product counts from the day after it was opened to
the day it was closed.

**Who has a row.** Every customer onboarded before the cut-off and not closed before it, with or
without history; a number that needs history is then missing, a count or a sum is 0.

**What is not here.** Statistics over other customers (they are fitted in training); `sex`, which
would be unfair to decide by; `marketing_opt_out`, which is a wish to respect, not a signal;
`holdings.balance`, which says nothing of a past cut-off. Occupation, income band and kind have
no history: they are what the bank knows today.

**Watched** columns are compared month by month in every cell; clocks like age are not, nor is
`balance_usual`, whose two parts are.
"""


def markdown() -> str:
    """The page `docs/features.md`.

    >>> "| `recency_days` | days | 0 or more |" in markdown()
    True
    """
    head = "| feature | unit | range | meaning | from | without history | watched |"
    rows = [head, "|---|---|---|---|---|---|---|", *(_row(known) for known in FEATURES.values())]
    return "\n".join([INTRODUCTION, *rows, ""])


def _row(known: Feature) -> str:
    empty = "missing" if known.empty is None else f"{known.empty:g}"
    watched = "yes" if known.monitored else "no"
    cells = (known.unit, _range(known), known.meaning, SOURCES[known.over], empty, watched)
    return f"| `{known.name}` | {' | '.join(cells)} |"


def _range(known: Feature) -> str:
    if known.kind == "category":
        return "words"
    if known.low is None:
        return "any"
    return f"{known.low:g} or more" if known.high is None else f"{known.low:g} to {known.high:g}"


if __name__ == "__main__":
    print(markdown(), end="")
