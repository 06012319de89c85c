"""The card of a segmentation: small segments, short lists and few customers are not told."""

from collections.abc import Callable

import pandas as pd
import pytest

from training.cards.about import Setting
from training.cards.card import card_page
from training.cards.html import page
from training.cards.markdown import markdown
from training.cards.reading import VersionFacts
from training.cards.structure import Table

SEGMENTS = ("high <b>|", "middle", "low", "lowest")


def segmentation(known: Callable[..., VersionFacts], sizes: list[int]) -> VersionFacts:
    segments = pd.DataFrame({"segment": SEGMENTS[: len(sizes)], "customers": sizes})
    segments = segments.assign(share=segments["customers"] / sum(sizes), set_apart_by="many payees")
    segments = segments.assign(churn=0.03, churn_low=0.02, churn_high=0.05, value=1234.5)
    masked = pd.DataFrame(
        {"hidden": ["nothing", "customers of 90 days or less"], "customers": [200, 9]}
    ).assign(accuracy=0.9, accuracy_low=0.8, accuracy_high=0.95, commonest=0.3, borderline=0.1)
    moves = pd.DataFrame({"direction": "up", "share": [0.01, 0.05], "customers": [8, 41]})
    moves = moves.assign(precision=0.7, precision_low=0.5, precision_high=0.8)
    moves = moves.assign(nearest_the_edge=0.4, everyone=0.1)
    tables = {"segments": segments, "masked": masked, "moves": moves}
    facts = known(name="segmentation", tables=tables, metrics={}, settings={})
    return facts._replace(name="segmentation")


def tables_of(facts: VersionFacts, setting: Setting) -> dict[str, Table]:
    blocks = [one for part in card_page(facts, setting).sections for one in part.blocks]
    return {one.caption: one for one in blocks if isinstance(one, Table)}


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ([43, 58, 71], ["40+", "50+", "70+"]),
        ([43, 58, 71, 4], ["50+", "70+"]),  # else all less the three gives the four
        ([43, 58, 6, 7], ["40+", "50+"]),  # thirteen together
    ],
)
def test_a_small_segment_is_not_told_nor_given_back(
    known: Callable[..., VersionFacts], setting: Setting, sizes: list[int], told: list[str]
) -> None:
    facts = segmentation(known, sizes)
    table = tables_of(facts, setting)["By value tier, life stage and behaviour"]
    assert [row[1] for row in table.rows] == told
    hidden = len(sizes) - len(told)
    assert (f"{hidden} are not told" in markdown(card_page(facts, setting))) == bool(hidden)


def test_lists_and_groups_of_few_are_left_out(
    known: Callable[..., VersionFacts], setting: Setting
) -> None:
    tables = tables_of(segmentation(known, [43, 58]), setting)
    assert [row[0] for row in tables["Customers held out, of whom something is hidden"].rows] == [
        "nothing"
    ]
    assert [row[1] for row in tables["Who was on the lists and moved"].rows] == [
        "the likeliest 5 %"
    ]


def test_names_of_segments_stay_text_and_it_does_not_speak_of_calibration(
    known: Callable[..., VersionFacts], setting: Setting
) -> None:
    html = page(card_page(segmentation(known, [43, 58]), setting))
    assert "high &lt;b&gt;|" in html
    assert "Calibration" not in html
    assert "were not looked at by age, sex or place" in html
