"""A month of monitoring on disk, and the page in a real browser."""

import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from domain.errors import BadInput
from domain.publication import PublicationSettings
from monitoring.drift import DRIFT_COLUMNS
from monitoring.monitor import MonitorReport, monitor_month
from monitoring.settings import MonitoringSettings

Month = Callable[..., pd.DataFrame]
AS_OF = date(2026, 2, 1)
HOSTILE = 'C99"><script>alert(1)</script>&<b>'


def square(at: int) -> dict[str, Any]:
    west, south = 120 + 0.01 * (at % 4), 30 + 0.01 * (at // 4)
    ring = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    points = [[west + 0.01 * x, south + 0.01 * y] for x, y in ring]
    return {"type": "Polygon", "coordinates": [points]}


def cells_geojson(cells: list[str], nowhere: set[str]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": None if cell in nowhere else square(at),
                "properties": {"cell_id": cell, "kind": "h3", "parent": "O1", "customers": 300},
            }
            for at, cell in enumerate(cells)
        ],
    }


def moved_bank(month: Month) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """C03 moves in three columns, the hostile cell in one, two small cells, one too small."""
    before, after = month(1), month(2)
    for frame in (before, after):
        frame["cell_id"] = frame["cell_id"].replace({"C11": HOSTILE})
    after.loc[after["cell_id"] == "C03", ["credit_30d", "balance_last", "transactions_30d"]] *= 0.5
    after.loc[after["cell_id"] == HOSTILE, "balance_last"] -= 600
    rank = after.groupby("cell_id").cumcount()
    after = after[~after["cell_id"].isin(["C05", "C06"]) | (rank < 70)]
    before = before[before["cell_id"] != "C08"]
    cells = sorted({*before["cell_id"], *after["cell_id"]})
    return before, after.assign(as_of=AS_OF), cells_geojson(cells, {"C09"})


@pytest.fixture(scope="module")
def report(month: Month, tmp_path_factory: pytest.TempPathFactory) -> MonitorReport:
    before, after, cells = moved_bank(month)
    out = tmp_path_factory.mktemp("reports") / "2026-02-01"
    settings = MonitoringSettings(evidently_cells_max=1)
    return monitor_month(after, before, cells, out, AS_OF, "grid-1a2b3c4d", settings)


def test_the_report_names_what_moved_and_what_was_left_out(report: MonitorReport) -> None:
    assert list(report.flagged) == ["C03", HOSTILE]
    assert set(report.flagged["C03"]) == {"credit_30d", "balance_last", "transactions_30d"}
    assert report.pools == {"parent:O1": ["C05", "C06"]}
    assert [row.cell_id for row in report.untested] == ["C08"]
    assert report.flagged_cells == ("C03", HOSTILE)
    assert report.flagged_pools == {}
    assert report.tested == 10
    assert report.tested_alone == 9
    assert report.tests == 60
    assert report.without_full_report == (HOSTILE,)
    assert set(report.full_reports) == {"bank", "C03"}


def test_the_drift_table_on_disk_is_the_one_promised(report: MonitorReport) -> None:
    drift = pd.read_parquet(report.drift)
    assert tuple(drift.columns) == DRIFT_COLUMNS
    assert set(drift["as_of"]) == {AS_OF}
    assert drift["drifted"].dtype == bool
    assert set(drift.loc[drift["drifted"], "cell_id"]) == {"bank", "C03", HOSTILE}


def test_nothing_half_written_is_left(report: MonitorReport) -> None:
    names = {path.name for path in report.index.parent.rglob("*")}
    assert names == {"drift.parquet", "index.html", "evidently", "bank.html", "C03.html"}


def test_the_page_says_it_in_words_and_escapes_names(report: MonitorReport) -> None:
    html = report.index.read_text(encoding="utf-8")
    assert "2 of 9 cells moved differently from the bank" in html
    assert '<html lang="en">' in html
    assert "<script" not in html
    assert "C99&quot;&gt;&lt;script&gt;" in html
    assert "http://" not in html
    assert "https://" not in html


def test_a_column_has_words_beside_its_name_and_the_numbers_on_the_map_are_told(
    report: MonitorReport,
) -> None:
    text = report.index.read_text(encoding="utf-8")
    words = "money received in the last 30 days"
    assert f'<th scope="row">credit_30d<br><span class="quiet">{words}</span></th>' in text
    assert "says how many columns moved differently there" in text


def test_the_full_report_is_told_to_stay_offline(report: MonitorReport) -> None:
    html = report.full_reports["C03"].read_text(encoding="utf-8")
    assert html.index("Content-Security-Policy") < html.index("<script")


def test_a_quiet_month_without_outlines_is_a_page_too(month: Month, tmp_path: Path) -> None:
    before, after = month(1), month(2).assign(customer_id="K")
    settings = MonitoringSettings(evidently_cells_max=0)
    found = monitor_month(after, before, {"features": []}, tmp_path, AS_OF, "grid-1", settings)
    html = found.index.read_text(encoding="utf-8")
    assert found.flagged == {}
    assert "No cell moved differently from the bank (12 cells tested)" in html
    assert "there is no map" in html


def test_a_pool_that_moved_is_not_counted_as_a_cell(month: Month, tmp_path: Path) -> None:
    before, after = month(1, cells=8), month(2, cells=8)
    rank = after.groupby("cell_id").cumcount()
    after = after[~after["cell_id"].isin(["C05", "C06"]) | (rank < 70)]
    after.loc[after["cell_id"].isin(["C05", "C06", "C01"]), "balance_last"] += 500
    cells = cells_geojson(sorted(set(before["cell_id"])), set())
    settings = MonitoringSettings(evidently_cells_max=0)
    found = monitor_month(after, before, cells, tmp_path, AS_OF, "grid-1", settings)
    assert found.flagged_cells == ("C01",)
    assert found.flagged_pools == {"parent:O1": ["C05", "C06"]}
    html = found.index.read_text(encoding="utf-8")
    assert "1 of 6 cells and 1 of 1 pool of small cells moved differently" in html
    assert "Small cells are tested together: which of them moved, the test cannot say" in html


def test_progress_names_few_steps(month: Month, tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    monitor_month(
        month(2),
        month(1),
        {"features": []},
        tmp_path,
        AS_OF,
        "grid-1",
        MonitoringSettings(evidently_cells_max=0),
        lambda step, share: told.append((step, share)),
    )
    steps = {"screening columns", "writing full report 1 of 1", "full reports are written"}
    assert {step for step, _ in told} == steps
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert told[-1][1] == 1


def test_full_reports_of_an_earlier_run_are_removed(month: Month, tmp_path: Path) -> None:
    stale = tmp_path / "evidently" / "C01.html"
    stale.parent.mkdir()
    stale.write_text("old")
    monitor_month(month(2), month(1), {"features": []}, tmp_path, AS_OF, "grid-1")
    assert not stale.exists()


def test_columns_that_are_empty_or_constant_do_not_stop_the_full_report(
    month: Month, tmp_path: Path
) -> None:
    before, after = month(1), month(2)
    before["nothing"], before["seven"] = np.nan, 7.0
    after["nothing"], after["seven"] = 1.0, 7.0
    found = monitor_month(after, before, {"features": []}, tmp_path, AS_OF, "grid-1")
    assert found.full_reports["bank"].stat().st_size > 1000


def test_a_folder_that_cannot_be_written_is_one_clear_message(month: Month, tmp_path: Path) -> None:
    blocked = tmp_path / "reports"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(BadInput, match="cannot write"):
        monitor_month(month(2), month(1), {"features": []}, blocked, AS_OF, "grid-1")
    assert os.listdir(tmp_path) == ["reports"]


def test_no_figure_of_fewer_customers_than_may_be_told(month: Month, tmp_path: Path) -> None:
    """C01 has 7 customers left, and settings that would test it; C02 has 14 of 20."""
    before, after = month(1), month(2)
    rank = after.groupby("cell_id").cumcount()
    after = after[~after["cell_id"].isin(["C01"]) | (rank < 7)]
    after = after[after["cell_id"] != "C02"].reset_index(drop=True)
    after.loc[after["cell_id"] == "C01", ["balance_last", "credit_30d"]] *= 9
    before = before[(before["cell_id"] != "C02") | (before.groupby("cell_id").cumcount() < 4)]
    settings = MonitoringSettings(cell_floor=5, untestable=2, evidently_cells_max=0)
    cells = cells_geojson(["C01", "C02"], set())
    found = monitor_month(after, before, cells, tmp_path, AS_OF, "grid-1", settings)
    drift = pd.read_parquet(found.drift)
    assert drift[["n_reference", "n_current"]].min(axis=None) >= 10
    html = found.index.read_text(encoding="utf-8")
    assert "<strong>C01</strong>" in html
    assert "300+ in the reference, under 10 now" in html
    assert "under 10 in the reference, none now" in html


def told_of(html: str) -> dict[str, str]:
    """Cell -> customers in the table of all tested cells."""
    pattern = r'<th scope="row">(\w+)</th>(?:(?!</tr>).)*?"Customers in the test">([^<]*)<'
    return dict(re.findall(pattern, html.partition('id="cells"')[2]))


def test_what_the_grid_hides_cannot_be_had_from_the_drift_page(
    month: Month, tmp_path: Path
) -> None:
    """C00 and C01 are told together by the grid; C02 and C03 are tested together."""
    before, after = month(1), month(2)
    rank = after.groupby("cell_id").cumcount()
    after = after[rank < after["cell_id"].map({"C02": 83, "C03": 94, "C04": 268}).fillna(287)]
    after.loc[after["cell_id"].isin(["C00", "C05"]), "balance_last"] += 900
    cells = cells_geojson(sorted(set(before["cell_id"])), set())
    about = {each["properties"]["cell_id"]: each["properties"] for each in cells["features"]}
    for name, other in (("C00", "C01"), ("C01", "C00")):
        about[name] |= {"customers": None, "told_with": [other], "customers_together": 600}
    settings = MonitoringSettings(evidently_cells_max=0)
    found = monitor_month(after, before, cells, tmp_path, AS_OF, "grid-1", settings)
    html = found.index.read_text(encoding="utf-8")
    told = told_of(html)
    assert (told["C00"], told["C01"]) == ("not told", "not told")
    assert (told["C02"], told["C03"]) == ("170+", "170+")  # 177 together
    assert (told["C04"], told["C05"]) == ("260+", "280+")
    exact = set(pd.read_parquet(found.drift)["n_current"])
    assert {177, 268, 287} <= exact
    assert not any(f">{number:,}<" in html or f"{number:,} customer" in html for number in exact)
    assert set(found.flagged_cells) == {"C00", "C05"}
    assert html.count("customers not told") == 1
    assert "280+ customers" in html


def test_a_pool_with_a_hidden_cell_tells_no_customers(month: Month, tmp_path: Path) -> None:
    before, after = month(1), month(2)
    after = after[
        ~after["cell_id"].isin(["C02", "C03"]) | (after.groupby("cell_id").cumcount() < 83)
    ]
    cells = cells_geojson(sorted(set(before["cell_id"])), set())
    cells["features"][3]["properties"]["customers"] = None
    found = monitor_month(after, before, cells, tmp_path, AS_OF, "grid-1")
    assert found.pools == {"parent:O1": ["C02", "C03"]}
    told = told_of(found.index.read_text(encoding="utf-8"))
    assert (told["C02"], told["C03"], told["C04"]) == ("not told", "not told", "300+")


def test_a_grid_that_told_by_a_laxer_rule_is_told_by_the_stricter(
    month: Month, tmp_path: Path
) -> None:
    cells = cells_geojson(sorted(set(month(1)["cell_id"])), set())
    cells["features"][3]["properties"]["customers"] = 40
    found = monitor_month(
        month(2),
        month(1),
        cells,
        tmp_path,
        AS_OF,
        "grid-1",
        MonitoringSettings(evidently_cells_max=0),
        publication=PublicationSettings(customers_min=50),
    )
    told = told_of(found.index.read_text(encoding="utf-8"))
    assert (told["C03"], told["C04"]) == ("not told", "300+")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_the_screen(
    browser: Any, report: MonitorReport, width: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.goto(report.index.as_uri())
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg.map path").count() == 11
    page.close()


def test_every_link_of_the_page_leads_somewhere(browser: Any, report: MonitorReport) -> None:
    page = browser.new_page()
    page.goto(report.index.as_uri())
    links = page.eval_on_selector_all("a", "all => all.map(a => a.getAttribute('href'))")
    assert len(links) > 12
    for link in links:
        if link.startswith("#"):
            found = page.evaluate("id => document.getElementById(id) !== null", link[1:])
            assert found, link
        else:
            assert (report.index.parent / link).is_file(), link
    page.close()


@pytest.mark.parametrize("name", ["index", "bank"])
def test_pages_ask_the_network_for_nothing(browser: Any, report: MonitorReport, name: str) -> None:
    path = report.index if name == "index" else report.full_reports[name]
    page, asked, failed = browser.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_timeout(1500)
    outside = [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    assert outside == []
    assert failed == []
    if name == "bank":
        assert "credit_30d" in page.inner_text("body")
    page.close()


def test_a_tap_on_a_flagged_cell_leads_to_its_row(browser: Any, report: MonitorReport) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(report.index.as_uri())
    page.locator('svg.map a[aria-label^="C03:"]').click()
    assert page.url.endswith("#moved-C03")
    target = page.locator(":target")
    assert "credit_30d" in target.inner_text()
    assert target.bounding_box()["y"] < 844
    page.close()
