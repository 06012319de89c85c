"""Sections of the segmentation's card: the segments, and how well customers are placed.

No figure is about fewer than `customers_min` customers, and none gives one back by difference.
"""

import pandas as pd

from domain.told import in_steps, told_parts
from training.cards.about import Setting
from training.cards.reading import VersionFacts, each_row
from training.cards.retention import NO_TABLES
from training.cards.structure import Section, Table, Words, number, section, share, with_interval

WAYS = {"up": "will go up a tier", "down": "will go down a tier"}


def segments(known: VersionFacts, setting: Setting) -> Section:
    """Every segment: how large, what sets it apart, what became of it, how it is served."""
    table = known.tables.get("segments")
    if table is None:
        return section("Segments", NO_TABLES)
    told = told_parts([int(size) for size in table["customers"]], setting.customers_min)
    header = ("segment", "customers", "share", "set apart by", "lost, 95 % interval", "mean value")
    rows = tuple(
        (
            str(row.segment),
            in_steps(int(row.customers), setting.customers_min),
            share(row.share),
            _word(row.set_apart_by),
            _rate(row.churn, row.churn_low, row.churn_high),
            number(row.value),
        )
        for row in each_row(table[told])
    )
    hidden = len(table) - len(rows)
    words = f"{len(table)} segments, of the customers at {known.card.trained_as_of[0]}."
    more = f" {hidden} are not told: they, or others with them, are too small." if hidden else ""
    numbers = (*header[1:3], *header[4:])
    return section(
        "Segments",
        Words(words + more),
        Table("By value tier, life stage and behaviour", header, rows, numbers),
    )


def placing(known: VersionFacts, setting: Setting) -> Section:
    """Customers of whom less is known, and the lists of those who move."""
    return section("Placing", _masked(known, setting), _lists(known, setting))


def large(table: pd.DataFrame | None, least: int) -> pd.DataFrame:
    """Rows about `least` customers or more."""
    if table is None or table.empty:
        return pd.DataFrame()
    return table[table["customers"] >= least]


def _masked(known: VersionFacts, setting: Setting) -> Table | None:
    found = large(known.tables.get("masked"), setting.customers_min)
    header = ("hidden", "given their segment", "in the commonest", "borderline")
    rows = tuple(
        (
            str(row.hidden),
            with_interval((row.accuracy, row.accuracy_low, row.accuracy_high)),
            share(row.commonest),
            share(row.borderline),
        )
        for row in each_row(found)
    )
    caption = "Customers held out, of whom something is hidden"
    return Table(caption, header, rows, header[1:]) if rows else None


def _lists(known: VersionFacts, setting: Setting) -> Table | None:
    found = large(known.tables.get("moves"), setting.customers_min)
    header = ("list", "length", "moved", "by the simple rule", "at random")
    rows = tuple(
        (
            WAYS.get(str(row.direction), str(row.direction)),
            f"the likeliest {100 * row.share:g} %",
            with_interval((row.precision, row.precision_low, row.precision_high)),
            share(row.nearest_the_edge),
            share(row.everyone),
        )
        for row in each_row(found)
    )
    return Table("Who was on the lists and moved", header, rows, header[2:]) if rows else None


def _word(value: object) -> str:
    return value if isinstance(value, str) else "-"


def _rate(value: float, low: float, high: float) -> str:
    return "-" if value != value else f"{share(value)} ({share(low)} to {share(high)})"
