"""A card tells every figure, tells no more than may be told, and no name becomes markup."""

import re
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from training.cards.about import Setting
from training.cards.card import card_page
from training.cards.html import page
from training.cards.markdown import escaped, markdown
from training.cards.reading import VersionFacts
from training.cards.structure import Points, Section, Table, printable
from training.evaluation.fairness import fairness_table

Known = Callable[..., VersionFacts]
COMMONMARK = MarkdownIt("commonmark", {"html": True}).enable("table")  # markup is obeyed
CELLS = ("td", "th", "li", "h1", "h2")


class Text(HTMLParser):
    """Text of every cell, item and title, and every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in CELLS:
            self._inside = True
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in CELLS

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data


def read(html: str) -> Text:
    text = Text()
    text.feed(html)
    text.found = [" ".join(one.split()) for one in text.found]
    return text


@given(st.text())
def test_markdown_of_any_text_is_read_back_as_that_text(text: str) -> None:
    for told in (escaped(text), f"| {escaped(text)} |\n|---|"):
        found = re.sub("<[^>]*>", "", COMMONMARK.render(told))
        assert " ".join(read(f"<td>{found}</td>").found[0].split()) == " ".join(
            printable(text).split()
        )


def test_page_and_markdown_say_the_same_and_hostile_names_stay_text(
    known: Known, setting: Setting
) -> None:
    card = card_page(known(), setting)
    html, rendered = page(card), COMMONMARK.render(markdown(card))
    ours, theirs = read(html), read(rendered)
    links = [one.title for one in card.sections]
    rest = [one for one in theirs.found[1:] if one]
    assert [one for one in ours.found if one] == [theirs.found[0], *links, *rest]
    assert not {"script", "img", "b", "i", "em", "del"} & {*ours.tags}
    assert not {"script", "img", "b", "i", "a", "del"} & {*theirs.tags}
    assert "\u202e" not in html + rendered
    assert "<script>alert(1)</script>" in ours.found


def told_in(html: str) -> set[str]:
    """Every number that a page shows."""
    return set(re.findall(r"-?[\d,.]+(?:e-\d+)?", html))


def test_every_figure_of_the_sealed_card_stands_there_with_its_interval(
    known: Known, setting: Setting
) -> None:
    facts = known()
    text = " | ".join(read(page(card_page(facts, setting))).found)
    for name in (one for one in facts.card.metrics if not one.endswith(("_low", "_high"))):
        ends = [facts.card.metrics.get(f"{name}{end}") for end in ("", "_low", "_high")]
        plus = "+" if name.startswith("versus_") else ""
        shown = [f"{plus}{one:.4g}" for one in ends if one is not None]
        assert len(shown) in (1, 3)
        whole = shown[0] if len(shown) == 1 else f"{shown[0]} ({shown[1]} to {shown[2]})"
        assert whole in text, name


def section(card_of: object, title: str) -> Section:
    return next(one for one in card_of.sections if one.title == title)  # type: ignore[attr-defined]


def table_of(card: object, title: str) -> Table | None:
    found = [one for one in section(card, title).blocks if isinstance(one, Table)]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("customers", "lost", "alone", "least", "told"),
    [
        (68, 14, True, 10, "60+"),
        (68, 9, True, 10, None),  # the AUC would be that of nine people
        (68, 60, True, 10, None),  # and of eight who stayed
        (68, 14, False, 10, None),  # the grid tells it with another
        (68, 14, True, 20, None),
    ],
)
def test_a_cell_is_told_where_both_sides_are_large_and_the_grid_tells_it(
    known: Known,
    setting: Setting,
    customers: int,
    lost: int,
    alone: bool,
    least: int,
    told: str | None,
) -> None:
    facts = known()
    row = {"cell_id": "c", "customers": customers, "lost": lost, "auc": 0.7, "low": 0.6}
    tables = {**facts.tables, "cells": pd.DataFrame([{**row, "high": 0.8}])}
    cells = frozenset(["c"] if alone else [])
    mine = setting._replace(told_alone=cells, customers_min=least)
    table = table_of(card_page(facts._replace(tables=tables), mine), "Cells")
    assert (table.rows[0][1] if table else None) == told


sizes = st.dictionaries(st.sampled_from(["women", "men", "other", "unknown"]), st.integers(1, 40))


@given(sizes, st.integers(1, 3))
def test_an_attacker_who_knows_all_totals_learns_of_no_few(
    known_sizes: dict[str, int], cutoffs: int
) -> None:
    """The worst case: all counts of the card are exact and the counts of the bank are known."""
    sex = np.repeat(list(known_sizes), list(known_sizes.values()))
    people = np.arange(len(sex))
    rows = np.tile(people, cutoffs)
    half = np.full(len(rows), 0.5)
    groups = pd.DataFrame({"sex": np.tile(sex, cutoffs)})
    table = fairness_table(half, half, half, pd.Series(rows), groups, 10)
    told = table[table["told"].astype(bool)]
    assert (told["customers"] >= 10).all()
    rest = len(sex) - told["customers"].sum()
    assert rest == 0 or rest >= 10 or told.empty


def test_a_stricter_rule_than_that_of_the_training_tells_no_groups(
    known: Known, setting: Setting
) -> None:
    assert table_of(card_page(known(), setting), "Groups") is not None
    strict = setting._replace(customers_min=11)
    assert table_of(card_page(known(), strict), "Groups") is None


def test_groups_that_may_not_be_told_are_not_and_no_count_is_exact(
    known: Known, setting: Setting
) -> None:
    facts = known()
    table = facts.tables["fairness"].assign(told=[True, False])
    card = card_page(facts._replace(tables={**facts.tables, "fairness": table}), setting)
    found = table_of(card, "Groups")
    assert [row[:2] for row in found.rows] == [("sex: women", "1,040+")]
    assert not {"1043", "1,043", "968"} & told_in(page(card))


def test_tenths_of_too_few_are_not_drawn(known: Known, setting: Setting) -> None:
    facts = known()
    few = facts.tables["calibration"].assign(n=9)
    card = card_page(facts._replace(tables={**facts.tables, "calibration": few}), setting)
    assert table_of(card, "Calibration") is None
    assert "<svg" not in page(card)
    twice = facts.tables["calibration"].assign(n=19)  # two cut-offs: perhaps nine people
    facts = known(evaluated_as_of=(date(2025, 8, 1), date(2025, 9, 1)))
    card = card_page(facts._replace(tables={**facts.tables, "calibration": twice}), setting)
    assert "<svg" not in page(card)


def limits_of(facts: VersionFacts, setting: Setting) -> str:
    points = [
        one
        for one in section(card_page(facts, setting), "Limits").blocks
        if isinstance(one, Points)
    ]
    return " ".join(points[0].items)


def with_difference(facts: VersionFacts, low: float, high: float) -> VersionFacts:
    name = "versus_logistic_regression_auc"
    ends = {name: (low + high) / 2, f"{name}_low": low, f"{name}_high": high}
    metrics = {**facts.card.metrics, **ends}
    return facts._replace(card=facts.card.model_copy(update={"metrics": metrics}))


def test_a_rival_that_is_better_or_may_be_is_a_limit(known: Known, setting: Setting) -> None:
    worse = limits_of(with_difference(known(), -0.3, -0.1), setting)
    assert "logistic regression is surely better in: chance that a lost" in worse
    even = limits_of(with_difference(known(), -0.3, 0.1), setting)
    assert "hance may explain its distance to the logistic regression in: chance that" in even


def test_weak_cells_misjudged_groups_and_another_grid_are_limits(
    known: Known, setting: Setting
) -> None:
    facts = known(metrics={**known().card.metrics, "auc": 0.8})
    assert "surely below" not in limits_of(facts, setting)
    cells = facts.tables["cells"].assign(low=0.45, high=0.7)
    groups = facts.tables["fairness"].assign(ratio_low=[1.1, 0.7], ratio_high=[1.9, 1.4])
    facts = facts._replace(tables={**facts.tables, "cells": cells, "fairness": groups})
    said = limits_of(facts, setting._replace(grid_in_force="grid-2"))
    assert "the AUC is surely below that of the bank (0.8)" in said
    assert "may rank no better than chance" in said
    assert "foretold too low for sex women." in said
    assert "trained on grid grid-1, and grid-2 is in force" in said


def test_the_gate_is_told_check_by_check_with_its_override(known: Known, setting: Setting) -> None:
    check = {"name": "profit", "champion": 2.0, "challenger": 1.5, "bound": "not below"}
    check = {**check, "passed": False, "reason": "surely worse <b>"}
    verdict = {"champion": "1", "judged_on": "rows", "rows": 9000, "validator": "bob"}
    facts = known(verdict={**verdict, "checks": [check, {**check, "passed": True}]})
    card = card_page(facts, setting)
    assert card.verdict == "Champion by override, refused by the gate in 1 of 2 checks"
    assert table_of(card, "Gate").rows[0] == (
        *("profit", "NO", "2", "1.5", "not below", "surely worse <b>"),
    )
    assert ("validator", "bob") in table_of(card, "Who").rows
    assert "because: [link](javascript" in page(card)


@pytest.mark.parametrize("words", ["credit", "price", "eligibility"])
def test_what_it_must_not_be_used_for_is_said(known: Known, setting: Setting, words: str) -> None:
    assert f"Never for {words}:" in markdown(card_page(known(), setting))


def test_no_machine_of_the_bank_is_named(known: Known, setting: Setting) -> None:
    trained = {"cell_auc_customers": 60, "learner": "dask", "scheduler": "tls://10.1.2.3:8786"}
    told = markdown(card_page(known(settings={"retention": trained}), setting))
    assert "retention.learner" in told
    assert "10.1.2.3" not in told


def test_a_version_of_an_earlier_release_has_a_card_without_tables(
    known: Known, setting: Setting
) -> None:
    facts = known(settings={}, tables={}, verdict=None, moves=(), compared_with=None)
    told = markdown(card_page(facts, setting._replace(told_alone=None)))
    assert told.count("trained before tables were sealed") == 4
