"""What a card says against its own model: every limit follows from a fact of the version."""

from collections.abc import Iterator

from training.cards.about import Setting
from training.cards.figures import Figures, figures_of, meaning, surely
from training.cards.reading import VersionFacts, each_row
from training.cards.retention import judged_cells, told_groups
from training.cards.structure import Points, Section, Words, number, section, sentence, share

NEW_CUSTOMERS = (
    "customers of 90 days or less"  # as the segmentation's table of hidden fields has it
)
CAMPAIGN = "a campaign "  # begins what a campaign is worth, which is no limit
SHOWN = 5  # names in one sentence


def limits(known: VersionFacts, setting: Setting) -> Section:
    """The limits, those of the figures first."""
    found = [
        *_rivals(figures_of(known.card.metrics)),
        *(one for one in known.card.notes if not one.startswith(CAMPAIGN)),
        *_windows(known, setting),
        *(_retention(known, setting) if known.name == "retention" else _segmentation(known)),
        *_drift(known, setting),
    ]
    words = Words("Each follows from the figures, tables and dates of this version.")
    return section("Limits", words, Points(tuple(map(sentence, found))))


def _rivals(found: Figures) -> Iterator[str]:
    """Where a rival is better, or may be."""
    for rival, differences in found.differences.items():
        who = f"the {rival.replace('_', ' ')}"
        side = {name: surely(name, figure) for name, figure in differences.items()}
        if worse := [meaning(name) for name in side if side[name] < 0]:
            yield f"{who} is surely better in: {', '.join(worse)}"
        if even := [meaning(name) for name in side if side[name] == 0]:
            yield f"chance may explain its distance to {who} in: {', '.join(even)}"


def _windows(known: VersionFacts, setting: Setting) -> Iterator[str]:
    card = known.card
    days = (setting.today - card.evaluated_as_of[-1]).days
    yield (
        f"the figures are of {', '.join(map(str, card.evaluated_as_of))}: the last of them is "
        f"{days:,} days before this card"
    )


def _retention(known: VersionFacts, setting: Setting) -> Iterator[str]:
    yield from _cells(known, setting)
    yield from _groups(known, setting)
    yield from _rolling(known)
    observed = known.card.settings.get("label", {}).get("observation_days")
    if observed:
        yield (
            f"a customer of fewer than {observed} days has a short or empty history: how well such "
            "customers are foretold was not measured by itself"
        )
    yield "nothing says that a contact keeps a customer: no pilot is part of this model"


def _cells(known: VersionFacts, setting: Setting) -> Iterator[str]:
    least = known.card.settings.get("retention", {}).get("cell_auc_customers")
    if "cells" in known.tables and least:
        yield (
            f"{len(known.tables['cells']):,} cells were judged by themselves, those of at least "
            f"{least} customers who judge where somebody was lost; of the others nothing is known"
        )
    told = judged_cells(known, setting)
    overall = known.card.metrics.get("auc", float("nan"))
    low = told[told["high"] < overall]
    if len(low):
        yield (
            f"in {_listed(list(low['cell_id']))} the AUC is surely below that of the bank "
            f"({number(overall)}), each cell taken by itself"
        )
    chance = told[told["low"] <= 0.5]
    if len(chance):
        yield f"in {_listed(list(chance['cell_id']))} it may rank no better than chance"


def _groups(known: VersionFacts, setting: Setting) -> Iterator[str]:
    told = told_groups(known, setting)
    for side, word in ((told["ratio_low"] > 1, "low"), (told["ratio_high"] < 1, "high")):
        names = [f"{row.attribute} {row.group}" for row in each_row(told[side])]
        if names:
            yield f"losses were surely foretold too {word} for {_listed(names)}"


def _rolling(known: VersionFacts) -> Iterator[str]:
    table = known.tables.get("rolling")
    if table is not None and "auc" in table and table["auc"].notna().any():
        yield (
            f"trained anew at {len(table)} cut-offs, with what was known that day, its AUC lay "
            f"between {number(table['auc'].min())} and {number(table['auc'].max())}"
        )


def _segmentation(known: VersionFacts) -> Iterator[str]:
    yield "segments were not looked at by age, sex or place, nor cell by cell"
    table = known.tables.get("masked")
    if table is None:
        return
    new = table[table["hidden"] == NEW_CUSTOMERS]
    if len(new):
        yield (
            f"{NEW_CUSTOMERS}, held out, are given their segment in "
            f"{share(float(new['accuracy'].iloc[0]))} of the cases"
        )
    else:
        yield f"how {NEW_CUSTOMERS} are placed was not measured: there were none"


def _drift(known: VersionFacts, setting: Setting) -> Iterator[str]:
    card = known.card
    if setting.grid_in_force and card.grid_version != setting.grid_in_force:
        by_cell = card.settings.get("retention", {}).get("cell_rates", False)
        yield (
            f"it was trained on grid {card.grid_version}, and {setting.grid_in_force} is in force: "
            + ("it does not score there" if by_cell else "no figure is of the cells there")
        )
    yield (
        f"it knows the bank as it was until {card.profile_as_of}: gridkeep monitor compares each "
        "month with the profile of that day, and a cell that moved is judged by nobody yet"
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
