"""The page of a card in a real browser: screen, phone and paper."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from training.cards.about import Setting
from training.cards.card import card_page
from training.cards.html import page
from training.cards.reading import VersionFacts


@pytest.fixture
def card_file(known: Callable[..., VersionFacts], setting: Setting, tmp_path: Path) -> Path:
    file = tmp_path / "card.html"
    file.write_text(page(card_page(known(), setting)), encoding="utf-8")
    return file


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_the_screen_and_wide_tables_scroll_inside(
    browser: Any, card_file: Path, width: int, scheme: str
) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    tab.goto(card_file.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    inner = "all => all.map(one => [one.scrollWidth, one.clientWidth, one.tabIndex])"
    frames = tab.eval_on_selector_all(".scroll", inner)
    assert any(wide > room for wide, room, _ in frames) == (width == 390)
    assert {index for _, _, index in frames} == {0}  # a keyboard can scroll it
    narrow = tab.eval_on_selector_all("th[scope=row]", "all => all.map(one => one.clientWidth)")
    assert min(narrow) > 60  # a name stands in words, not letter under letter
    tab.close()


def test_it_is_made_for_readers_of_every_kind_and_asks_the_network_for_nothing(
    browser: Any, card_file: Path
) -> None:
    tab, asked, failed = browser.new_page(), [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: failed.append(str(error)))
    tab.on("dialog", lambda dialog: failed.append(dialog.message))
    tab.goto(card_file.as_uri())
    assert tab.locator("h1").count() == 1
    assert tab.locator("th:not([scope])").count() == 0
    assert tab.locator("table:not(:has(caption))").count() == 0
    assert tab.locator("svg:not([role=img][aria-label])").count() == 0
    assert tab.locator("svg").count() == 1
    assert "came true" in tab.locator("svg").get_attribute("aria-label")
    for link in tab.eval_on_selector_all("a", "all => all.map(one => one.getAttribute('href'))"):
        assert tab.evaluate("id => document.getElementById(id) !== null", link[1:]), link
    assert asked == [card_file.as_uri()]
    assert failed == []
    tab.close()


def test_on_paper_nothing_is_cut_off_and_the_ground_is_white(browser: Any, card_file: Path) -> None:
    tab = browser.new_page(viewport={"width": 700, "height": 990}, color_scheme="dark")
    tab.goto(card_file.as_uri())
    tab.emulate_media(media="print")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    cut = "all => all.filter(one => getComputedStyle(one).overflowX !== 'visible').length"
    assert tab.eval_on_selector_all(".scroll", cut) == 0
    assert tab.evaluate("document.documentElement.scrollWidth") <= 700
    tab.close()
