"""The page of a grid version: true, small, offline, and readable on a phone."""

from datetime import date
from pathlib import Path
from typing import Any

import h3
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import shape

from domain.grid import Cell, Grid, GridSettings, partition
from domain.layout import Layout
from domain.migration import migration
from domain.publication import PublicationSettings
from features.grid_publication import publish_grid
from features.grid_store import write_grid
from features.pages.grid_page import GridSite, grid_page
from features.pages.map_svg import Shape, map_svg
from features.pages.outlines import area_km2, drawn_outlines

DAY = date(2026, 1, 1)
HOSTILE = 'o1"><script>alert(1)</script>&<b>'


def town(seed: int = 1, spread: float = 0.02) -> pd.DataFrame:
    """1,500 people, 20 of them with a district only and 6 with nothing."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "customer_id": [f"c{at}" for at in range(1500)],
            "latitude": 30.5 + rng.normal(0, spread, 1500),
            "longitude": 121.0 + rng.normal(0, spread, 1500),
            "district": rng.choice(["North", "South"], 1500),
        }
    )
    people["outlet_id"] = np.where(people.latitude > 30.5, HOSTILE, "o2")
    people.loc[:19, ["latitude", "longitude"]] = np.nan
    people.loc[:5, ["district", "outlet_id"]] = None
    return people


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a version that was made from another."""
    layout = Layout(tmp_path_factory.mktemp("bank"))
    old = partition(town(), GridSettings(floor=60), valid_from=DAY)
    write_grid(old, layout)
    new = partition(town(), GridSettings(floor=120), valid_from=date(2026, 2, 1), previous=old)
    way = migration(old.version, old.assignment, new.version, new.assignment)
    return write_grid(new, layout, way=way) / "index.html"


def test_the_page_says_who_is_where_and_escapes_names(page_file: Path) -> None:
    html = page_file.read_text(encoding="utf-8")
    assert "cells for 1,500 customers" in html
    assert "in force from 1 February 2026" in html
    assert "are not told alone" in html
    assert "redrawn" in html
    assert '<html lang="en">' in html
    assert "<script" not in html
    assert "outlet-o1&quot;&gt;&lt;script&gt;" in html
    assert "http" not in html.replace('http-equiv="Content-Security-Policy"', "")


def test_a_grid_without_outlines_is_a_page_too() -> None:
    people = pd.DataFrame({"customer_id": range(30), "district": ["North"] * 18 + ["South"] * 12})
    grid = partition(people.astype({"customer_id": str}), valid_from=DAY)
    html = grid_page(GridSite(grid, publish_grid(grid, [], PublicationSettings()), None))
    assert "2 cells for 30 customers" in html
    assert "Every cell has enough customers to be told" in html
    assert "there is no map" in html


def test_a_bank_of_too_few_has_a_page_without_figures() -> None:
    people = pd.DataFrame({"customer_id": ["a", "b", "c"], "district": ["North", "North", "South"]})
    grid = partition(people, valid_from=DAY)
    html = grid_page(GridSite(grid, publish_grid(grid, [], PublicationSettings()), None))
    assert '<p class="verdict">2 cells</p>' in html
    assert "3 customers" not in html


def wide_grid(cells: int) -> Grid:
    """As many cells of 30 customers, each of merged H3 cells with a long outline."""
    centre = h3.latlng_to_cell(30.5, 121.0, 5)
    areas = sorted(h3.grid_disk(centre, 12))[:cells]
    made, people = [], []
    for at, area in enumerate(areas):
        members = tuple(sorted(h3.cell_to_children(area, 8)))
        name = f"h3-{members[0]}"
        made.append(Cell(name, "h3", f"outlet-{at % 30}", 30, members, h3.cells_to_geo(members)))
        people += [
            (f"c{at}-{one}", name, f"outlet-{at % 30}", "h3", "coordinates") for one in range(30)
        ]
    columns = ["customer_id", "cell_id", "parent", "kind", "confidence"]
    assignment = pd.DataFrame(people, columns=columns)
    return Grid("grid-wide", DAY, GridSettings(), tuple(made), assignment)


def test_four_hundred_cells_are_a_small_page() -> None:
    grid = wide_grid(400)
    html = grid_page(GridSite(grid, publish_grid(grid, [], PublicationSettings()), None))
    assert html.count("<path ") == 400
    assert len(html.encode()) < 1_000_000


def test_thinned_outlines_still_share_their_borders() -> None:
    grid = wide_grid(400)
    geometries = {cell.cell_id: cell.geometry for cell in grid.cells}
    drawn = drawn_outlines(geometries)
    before = shapely.union_all([shape(geometry) for geometry in geometries.values()])
    parts = [shapely.Polygon(rings[0]) for rings in drawn.values()]
    after = shapely.union_all(parts)
    points = sum(len(ring) for rings in drawn.values() for ring in rings)
    assert points < sum(shapely.get_num_coordinates(shape(one)) for one in geometries.values()) / 2
    assert sum(part.area for part in parts) == pytest.approx(after.area, rel=1e-9)
    assert after.area == pytest.approx(before.area, rel=0.01)


def test_outlines_that_cross_themselves_or_each_other_are_drawn_all_the_same() -> None:
    bow = [[0, 0], [4, 4], [4, 0], [0, 4], [0, 0]]
    inside = [[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]
    speck = [[0, 0], [1e-9, 0], [0, 1e-9], [0, 0]]
    rings = {"bow": bow, "inside": inside, "speck": speck}
    geometries = {name: {"type": "Polygon", "coordinates": [ring]} for name, ring in rings.items()}
    drawn = drawn_outlines({**geometries, "nowhere": None})
    assert {name for name, found in drawn.items() if found} == {"bow", "inside"}


def test_areas_are_those_of_h3() -> None:
    for cell in wide_grid(5).cells:
        truth = sum(h3.cell_area(member) for member in cell.members)
        assert area_km2(cell.geometry) == pytest.approx(truth, rel=2e-3)


def test_a_hole_is_no_area_and_no_outline_is_none() -> None:
    def box(size: float) -> list[list[float]]:
        return [[0, 0], [size, 0], [size, size], [0, size], [0, 0]]

    whole, hole = ({"type": "Polygon", "coordinates": [box(size)]} for size in (1, 0.5))
    holed = {"type": "MultiPolygon", "coordinates": [[box(1), box(0.5)]]}
    assert area_km2(holed) == pytest.approx(area_km2(whole) - area_km2(hole))
    assert area_km2(None) is None
    assert area_km2({"type": "Polygon", "coordinates": []}) is None
    assert area_km2({"type": "Point", "coordinates": [1, 2]}) is None


def test_labels_stand_inside_their_cells_and_only_where_there_is_room() -> None:
    ring = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (9.0, 10.0), (9.0, 1.0), (0.0, 1.0), (0.0, 0.0)]
    other = [(0.0, 1.0), (9.0, 1.0), (9.0, 10.0), (0.0, 10.0), (0.0, 1.0)]
    places = {"corner": [ring], "square": [other]}
    shapes = {name: Shape("d1", name, f"#{name}", name) for name in places}
    assert map_svg(places, shapes, "two").count("<text") == 2
    roomy = map_svg(places, shapes, "two", room=200)
    assert roomy.count("<text") == 1
    assert ">square</text>" in roomy
    assert roomy.rindex("<path") < roomy.index("<text")  # no cell lies over a label


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_the_screen(browser: Any, page_file: Path, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.goto(page_file.as_uri())
    page.locator("#migration ~ details summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg.map path").count() > 5
    page.close()


def test_on_a_phone_the_table_is_folded_and_the_link_of_a_cell_opens_it_at_its_row(
    browser: Any, page_file: Path
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(page_file.as_uri())
    link = page.locator("svg.map a").first
    row = page.locator(f"[id='{link.get_attribute('href')[1:]}']")
    assert not row.is_visible()
    link.press("Enter")
    assert row.is_visible()
    assert row.bounding_box()["y"] < 844
    page.close()


def test_each_switch_colours_the_map_otherwise_and_has_its_legend(
    browser: Any, page_file: Path
) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    seen = set()
    for by in ("density", "customers", "kind", "parent"):
        page.locator(f"label[for=by-{by}]").click()
        fills = "all => all.map(one => getComputedStyle(one).fill).join()"
        seen.add(page.eval_on_selector_all("svg.map path", fills))
        shown = page.eval_on_selector_all(
            ".picture > .legend",
            "all => all.filter(one => one.offsetParent).map(one => one.className)",
        )
        assert shown == [f"legend {by}"]
    assert len(seen) == 4
    page.close()


def test_the_switches_work_by_keyboard(browser: Any, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    page.focus("#by-density")
    page.keyboard.press("ArrowRight")
    assert page.is_checked("#by-customers")
    page.close()


def test_every_cell_of_the_map_leads_to_its_row_and_nothing_is_asked_of_the_network(
    browser: Any, page_file: Path
) -> None:
    page, asked, failed = browser.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(page_file.as_uri())
    links = page.eval_on_selector_all("a", "all => all.map(a => a.getAttribute('href'))")
    assert len(links) > 5
    for link in links:
        assert page.evaluate("id => document.getElementById(id) !== null", link[1:]), link
    assert [url for url in asked if not url.startswith("file:")] == []
    assert failed == []
    page.close()
