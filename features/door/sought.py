"""Whether the bank's words are ones that features look for; if not, they should be mapped."""

from collections.abc import Iterable, Mapping

import pandas as pd
from pydantic import BaseModel, ConfigDict

from features.definitions import bank_words as words

SOUGHT: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("transactions", "category"): (
        *words.SALARY,
        *words.FEES,
        *words.OTHER_BANKS,
        *words.CASH_CATEGORIES,
    ),
    ("transactions", "channel"): (*words.DIGITAL, *words.COUNTER, *words.CASH_CHANNELS),
    ("service_events", "kind"): (*words.CONTACTS, *words.COMPLAINTS, *words.VISITS),
    ("holdings", "product"): words.PRODUCTS,  # as a part of the name, in any case
}
HARDLY_ANY = 0.001  # of the rows with a word: fewer, and no feature will say much


class WordCount(BaseModel):
    """Rows with a word in one column: how many, how many with a sought one, the first other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int = 0
    sought: int = 0
    other: str = ""

    def joined(self, more: "WordCount") -> "WordCount":
        """The count of both, these rows first.

        >>> WordCount(rows=1, other="a").joined(WordCount(rows=2, sought=1, other="b"))
        WordCount(rows=3, sought=1, other='a')
        """
        return WordCount(
            rows=self.rows + more.rows,
            sought=self.sought + more.sought,
            other=self.other or more.other,
        )


def word_counts(rows: pd.DataFrame, table: str) -> dict[str, WordCount]:
    """The counts of good rows, by column.

    >>> rows = pd.DataFrame({"kind": pd.Series(["visit", "投诉", None], dtype="string")})
    >>> word_counts(rows, "service_events")
    {'kind': WordCount(rows=2, sought=1, other='投诉')}
    """
    return {
        column: _count(rows[column].dropna(), column, known)
        for (name, column), known in SOUGHT.items()
        if name == table and column in rows
    }


def joined(one: Mapping[str, WordCount], more: Mapping[str, WordCount]) -> dict[str, WordCount]:
    """The counts of two lots of rows of one table."""
    return {name: one.get(name, WordCount()).joined(count) for name, count in more.items()}


def notes(counts: Mapping[str, Mapping[str, WordCount]]) -> Iterable[str]:
    """A sentence per table and column of whose words hardly any is sought.

    >>> [*notes({"service_events": {"kind": WordCount(rows=9, sought=9)}})]
    []
    """
    for (table, column), known in SOUGHT.items():
        count = counts.get(table, {}).get(column, WordCount())
        if count.rows and count.sought < count.rows * HARDLY_ANY:
            yield _note(table, column, known, count)


def _count(given: "pd.Series[str]", column: str, known: tuple[str, ...]) -> WordCount:
    if column == "product":
        fits = given.str.lower().str.contains("|".join(known)).to_numpy(bool)
    else:
        fits = given.isin(known).to_numpy(bool)
    others = given[~fits]
    first = str(others.iloc[0]) if len(others) else ""
    return WordCount(rows=len(given), sought=int(fits.sum()), other=first)


def _note(table: str, column: str, known: tuple[str, ...], count: WordCount) -> str:
    hardly = f"hardly any word ({count.sought:,} of {count.rows:,} rows)"
    return (
        f"{table}.{column}: {hardly if count.sought else 'no delivered word'} is one that features "
        f"look for: {', '.join(known)} (first: {count.other!r}); map yours "
        f'that mean the same: sources.{table}.values = {{ {column} = {{ "..." = "{known[0]}" }} }}'
    )
