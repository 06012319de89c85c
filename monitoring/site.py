"""The drift site: one static page that answers where the bank moved, and how."""

from collections.abc import Mapping
from datetime import date
from html import escape
from urllib.parse import quote

from domain.told import in_steps
from features.pages.html import anchor, count, document
from features.pages.map_svg import Shape, map_svg
from monitoring.findings import Site
from monitoring.pooling import BANK, Untested, is_pool
from monitoring.style import STYLE
from monitoring.tables import (
    bank_table,
    cells_table,
    flagged_table,
    group_name,
    moves_in_words,
)


def page(site: Site) -> str:
    """The page as HTML."""
    day = _day(site.as_of)
    parts = [_head(site, day), _map(site), _flagged(site), _bank(site), _untested(site)]
    return document(f"Drift, {day}", STYLE, [*parts, _everyone(site), _method(site)])


def verdict(site: Site) -> str:
    """The finding in one sentence; a pool of small cells is never counted as a cell."""
    pools = len(site.pooling.pools)
    alone = len(site.pooling.groups) - pools
    if not site.pooling.groups:
        return "No cell has enough customers to be tested"
    moved_pools = sum(is_pool(name) for name in site.moved)
    cells = _moved_of(len(site.moved) - moved_pools, alone, "cell")
    small = _moved_of(moved_pools, pools, "pool", " of small cells")
    parts = [part for part in (cells, small) if part]
    if parts:
        return f"{' and '.join(parts)} moved differently from the bank"
    small = f" and {count(pools, 'pool')} of small cells" if pools else ""
    return f"No cell moved differently from the bank ({count(alone, 'cell')}{small} tested)"


def _moved_of(moved: int, tested: int, noun: str, more: str = "") -> str:
    return f"{moved} of {count(tested, noun)}{more}" if moved else ""


def _head(site: Site, day: str) -> str:
    columns = len(site.bank)
    moved = int(site.bank["drifted"].sum())
    whole = (
        f"The bank as a whole changed in {moved} of {count(columns, 'column')}."
        if moved
        else f"The bank as a whole changed in none of {count(columns, 'column')}."
    )
    return (
        f"<h1>Drift per cell, cut-off {day}</h1>\n"
        f'<p class="verdict">{escape(verdict(site))}</p>\n'
        f'<p>{whole} <a href="#bank">See the bank</a>.</p>\n'
        f'<p class="quiet">Compared with {_reference(site)}: {_tested(site)}. '
        f"Grid {escape(site.grid_version) or 'without a version'}.</p>"
    )


def _reference(site: Site) -> str:
    if site.against is None:
        return "the reference profile of the model"
    return f"the bank on {_day(site.against)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _tested(site: Site) -> str:
    pools = site.pooling.pools
    alone = count(len(site.pooling.groups) - len(pools), "cell") + " tested alone"
    small = sum(len(cells) for cells in pools.values())
    together = f", {count(small, 'small cell')} in {count(len(pools), 'pool')}" if pools else ""
    left = site.pooling.untested
    return alone + together + (f", {count(len(left), 'cell')} not tested" if left else "")


def _map(site: Site) -> str:
    shapes = {cell: _shape(site, cell) for cell in site.places}
    rings = {cell: place.rings for cell, place in site.places.items()}
    drawing = map_svg(rings, shapes, "Map of the cells, coloured by columns that moved")
    if not drawing:
        return '<p class="quiet">The cells of this grid have no outlines: there is no map.</p>'
    nowhere = [cell for cell, found in rings.items() if not found]
    note = (
        f'<p class="quiet">Not on the map (no outline): {_names(nowhere)}.</p>' if nowhere else ""
    )
    return f"<h2>Map</h2>\n{drawing}\n{_LEGEND}\n{note}"


_LEGEND = (
    '<ul class="legend"><li><i class="calm"></i>moved with the bank</li>'
    '<li><i class="d1">1</i>1 column moved differently</li>'
    '<li><i class="d2">2</i>2 or 3 columns</li><li><i class="d3">4</i>4 or more</li>'
    '<li><i class="pooled"></i>small: tested together with neighbours</li>'
    '<li><i class="untested"></i>not tested</li></ul>\n'
    '<p class="quiet">A number on the map says how many columns moved differently there; it is '
    "not the No. of the cell on the map of the grid.</p>"
)


def _names(cells: list[str], most: int = 12) -> str:
    shown = ", ".join(escape(cell) for cell in sorted(cells)[:most])
    return shown + (f" and {len(cells) - most} more" if len(cells) > most else "")


def _shape(site: Site, cell: str) -> Shape:
    group = site.pooling.group_of.get(cell)
    if group is None:
        return Shape("untested", f"{cell}: not tested", f"#{anchor(cell)}", "")
    pooled = " pooled" if is_pool(group) else ""
    together = f", tested in {group_name(group)}" if pooled else ""
    if group not in site.moved:
        return Shape(
            f"calm{pooled}", f"{cell}: moved with the bank{together}", f"#{anchor(cell)}", ""
        )
    rows = site.moved[group]
    style = "d1" if len(rows) == 1 else "d2" if len(rows) <= 3 else "d3"
    words = f"{cell}: {moves_in_words(rows)}{together}"
    return Shape(style + pooled, words, f"#{anchor(group, 'moved')}", str(len(rows)))


def _flagged(site: Site) -> str:
    if not site.moved:
        return ""
    left = [name for name in site.moved if name not in site.links]
    note = ""
    if left:
        note = (
            f'<p class="quiet">{len(left):,} of these without a full report (only the '
            f"{site.settings.evidently_cells_max} most drifted get one): "
            f"{_names([group_name(name) for name in left])}.</p>"
        )
    if any(is_pool(name) for name in site.moved):
        note += (
            '<p class="quiet">Small cells are tested together: which of them moved, the test '
            "cannot say.</p>"
        )
    about = {cell: (place.kind, place.parent) for cell, place in site.places.items()}
    table = flagged_table(site.moved, about, site.pooling, _quoted(site.links), site.sizes)
    return f'<h2 id="moved">Cells that moved differently</h2>\n{table}\n{note}'


def _quoted(links: Mapping[str, str]) -> dict[str, str]:
    return {name: quote(link) for name, link in links.items()}


def _bank(site: Site) -> str:
    link = _quoted(site.links).get(BANK)
    full = f' <a href="{link}">Full report of the bank</a>.' if link else ""
    moved = site.bank[site.bank["drifted"]].sort_values("effect", ascending=False, kind="stable")
    told = "Changes that most cells share (season, prices, a source that changed) stand here only."
    body = bank_table(moved) if len(moved) else "<p>No column changed noticeably.</p>"
    return f'<h2 id="bank">The bank as a whole</h2>\n<p>{told}{full}</p>\n{body}'


def _untested(site: Site) -> str:
    rows = site.pooling.untested
    if not rows:
        return ""
    items = "\n".join(
        f'<li id="{anchor(row.cell_id)}"><strong>{escape(row.cell_id)}</strong>: '
        f"{escape(row.reason)}{_months(row, site)}</li>"
        for row in rows
    )
    return (
        f'<h2 id="untested">Not tested</h2>\n<p>{count(len(rows), "cell")}: too little to tell '
        f"drift from chance.</p>\n<ul>\n{items}\n</ul>"
    )


def _months(row: Untested, site: Site) -> str:
    if row.cell_id not in site.places or not site.places[row.cell_id].told_alone:
        return ""
    before, now = (in_steps(n, site.customers_min) for n in (row.n_reference, row.n_current))
    return f" ({before} in the reference, {now} now)"


def _everyone(site: Site) -> str:
    about = {cell: (place.kind, place.parent) for cell, place in site.places.items()}
    table = cells_table(site.pooling, about, site.drift, set(site.moved), site.sizes)
    total = len(site.pooling.group_of)
    return (
        f'<h2 id="cells">All tested cells</h2>\n<details><summary>{count(total, "cell")} in '
        f"{count(len(site.pooling.groups), 'test')}</summary>\n{table}\n</details>"
    )


def _method(site: Site) -> str:
    settings = site.settings
    return (
        '<h2 id="method">How this was found</h2>\n<p class="quiet">In each cell, values are ranked '
        "within the bank's month, so that what moves every cell alike moves none. A column is "
        f"flagged when its effect is at least {settings.effect_min:g} and its q-value (false "
        "discoveries, Benjamini-Hochberg over all cells and columns, smaller moves counted as "
        f"none) below {settings.q_max:g}. "
        "An effect of 0.10 means that the cell's customers moved 10 places of 100 in the bank's "
        "ranking on average, or that 10 of 100 changed category or went missing. Cells with "
        f"fewer than {settings.cell_floor} customers in a month are tested together with the "
        "small cells of the same parent. Numbers of customers are rounded down, and told only of "
        "cells that the grid tells alone. Full reports show the months as they are, the bank's "
        "own change included.</p>"
    )
