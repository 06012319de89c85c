"""Sections of the retention model's card: calibration, cells, groups, what moves the score.

No figure is about fewer than `customers_min` customers, and none gives one back by difference.
"""

import pandas as pd

from domain.told import in_steps
from training.cards.about import Setting
from training.cards.chart import Bin, calibration_svg
from training.cards.reading import VersionFacts, each_row
from training.cards.structure import (
    Picture,
    Section,
    Table,
    Words,
    number,
    section,
    share,
    with_interval,
)

TOP = 12  # features that are told
NO_TABLES = Words("Nothing is told here: this version was trained before tables were sealed.")


def calibration(known: VersionFacts, setting: Setting) -> Section:
    """Foretold and observed rate of loss in tenths of the customers."""
    table = known.tables.get("calibration")
    if table is None:
        return section("Calibration", NO_TABLES)
    # a customer may be in a tenth once a cut-off
    if table["n"].min() < setting.customers_min * len(known.card.evaluated_as_of):
        return section(
            "Calibration", Words("Too few customers judge: a tenth of them is not told.")
        )
    bins = [Bin(*map(float, row)) for row in table[list(Bin._fields)].itertuples(index=False)]
    rows = tuple(
        (
            f"{at} of {len(bins)}",
            share(one.predicted),
            share(one.observed),
            _span(one.low, one.high),
        )
        for at, one in enumerate(bins, start=1)
    )
    header = ("tenth, least risk first", "foretold", "came true", "95 % interval")
    most = bins[-1]
    told = (
        f"Rate of loss that was foretold against what came true, {len(bins)} groups of as many "
        f"customers each, by risk. In the riskiest {share(most.predicted)} were foretold and "
        f"{share(most.observed)} came true ({_span(most.low, most.high)}). On the dashed line both "
        "are the same; the axes go by the square root."
    )
    svg = calibration_svg(bins)
    return section(
        "Calibration",
        Picture(told, svg),
        Table("Tenths of the customers", header, rows, header[1:]),
    )


def _span(low: float, high: float) -> str:
    return f"{share(low)} to {share(high)}"


def judged_cells(known: VersionFacts, setting: Setting) -> pd.DataFrame:
    """Cells whose AUC may be told, the lowest first.

    An AUC compares those lost with those kept: both must be `customers_min`, in a cell that the
    grid tells alone.
    """
    table = known.tables.get("cells")
    if table is None or table.empty or setting.told_alone is None:
        return pd.DataFrame(columns=["cell_id", "customers", "lost", "auc", "low", "high"])
    kept, least = table["customers"] - table["lost"], setting.customers_min
    told = (
        table["cell_id"].isin(setting.told_alone)
        & (table["lost"] >= least)
        & (kept >= least)
        & table[["low", "high"]].notna().all(axis=1)
    )
    return table[told].sort_values(["auc", "cell_id"], ignore_index=True)


def cells(known: VersionFacts, setting: Setting) -> Section:
    """How well the model ranks within each cell."""
    if "cells" not in known.tables:
        return section("Cells", NO_TABLES)
    told, judged = judged_cells(known, setting), len(known.tables["cells"])
    words = (
        f"{judged:,} cells were judged by themselves, {len(told):,} of them are told: a cell that "
        f"the grid tells alone, with {setting.customers_min} customers lost and as many kept."
    )
    if not len(told):
        return section("Cells", Words(words))
    header = ("cell", "customers", "AUC")
    rows = tuple(
        (
            str(row.cell_id),
            in_steps(int(row.customers), setting.customers_min),
            with_interval((row.auc, row.low, row.high)),
        )
        for row in each_row(told)
    )
    table = Table("AUC, 95 % interval, lowest first", header, rows, header[1:])
    return section("Cells", Words(words), table)


def told_groups(known: VersionFacts, setting: Setting) -> pd.DataFrame:
    """Groups of age, sex and place that may be told."""
    table, least = known.tables.get("fairness"), setting.customers_min
    # which groups give another back was found by the rule of the day it was trained
    trained = known.card.settings.get("publication", {}).get("customers_min", 0)
    if table is None or table.empty or trained < least:
        return pd.DataFrame(columns=["attribute", "group", "ratio_low", "ratio_high"])
    return table[table["told"].astype(bool) & (table["customers"] >= least)]


def groups(known: VersionFacts, setting: Setting) -> Section:
    """Whether ages, sexes, town and country are treated alike."""
    if "fairness" not in known.tables:
        return section("Groups", NO_TABLES)
    words = Words(
        "Sex is no feature; it was read to make this table. Groups lose customers at different "
        "rates, so a gap of the lists is not wrong in itself. Intervals hold for the whole table "
        "at once. A group of too few, and one that would give it back by difference, is left out."
    )
    found = told_groups(known, setting)
    if not len(found):
        return section("Groups", words, Words("There is no group that can be told."))
    header = ("group", "customers", "foretold", "came true", "true / foretold", "listed", "gap")
    rows = tuple(
        (
            f"{row.attribute}: {row.group}",
            in_steps(int(row.customers), setting.customers_min),
            *(share(row.predicted), share(row.observed)),
            with_interval((row.ratio, row.ratio_low, row.ratio_high)),
            share(row.listed),
            with_interval((row.gap, row.gap_low, row.gap_high), "+"),
        )
        for row in each_row(found)
    )
    return section("Groups", words, Table("By age, sex and place", header, rows, header[1:]))


def reasons(known: VersionFacts) -> Section:
    """What moves the scores of all customers."""
    table = known.tables.get("why")
    if table is None:
        return section("What moves the score", NO_TABLES)
    header = ("feature", "in words", "strength")
    rows = tuple(
        (str(row.feature), str(row.meaning), number(row.strength))
        for row in each_row(table.head(TOP))
    )
    words = Words(
        "Strength is the mean push of a feature, up or down, in log-odds, over customers who judge "
        "(TreeSHAP). It says what the score goes by, not what makes customers leave."
    )
    return section(
        "What moves the score", words, Table("Strongest first", header, rows, header[2:])
    )
