"""The page of a grid version: its cells on a map, in a table, and what became of the old ones.

Every figure on it is one that may be told: see `domain.publication`.
"""

from html import escape
from typing import NamedTuple

from domain.grid import Grid
from domain.migration_report import MigrationReport
from domain.publication import Publication
from features.pages.grid_rows import Row, grid_rows
from features.pages.grid_shades import STYLE, Shades, shades_of
from features.pages.grid_tables import cells_table, migration_part, parents_table, size_in_words
from features.pages.html import anchor, count, document
from features.pages.map_svg import Shape, map_svg
from features.pages.outlines import drawn_outlines

LABEL_ROOM = 15.0  # radius, of 1,000 across the map: less does not hold a number


class GridSite(NamedTuple):
    """Everything that the page tells."""

    grid: Grid
    told: Publication
    migrated: MigrationReport | None


def grid_page(site: GridSite) -> str:
    """The page as HTML."""
    rows = grid_rows(site.grid, site.told)
    parts = [
        _head(site, rows),
        _picture(site, rows),
        *([migration_part(site.migrated)] if site.migrated else []),
        f'<h2 id="parents">What they lie in</h2>\n{parents_table(rows, site.told)}',
        '<h2 id="cells">Cells</h2>\n<details><summary>'
        f"Table of {count(len(rows), 'cell')}, the densest first</summary>\n"
        f"{cells_table(rows)}\n</details>",
        _rule(site),
    ]
    return document(f"Grid {site.grid.version}", STYLE, parts)


def _head(site: GridSite, rows: list[Row]) -> str:
    everybody = site.told.customers(row.cell_id for row in rows)
    people = "" if everybody is None else f" for {count(everybody, 'customer')}"
    hidden = site.told.hidden
    first = site.grid.valid_from
    return (
        f"<h1>Grid {escape(site.grid.version)}, in force from {first.day} {first:%B %Y}</h1>\n"
        f'<p class="verdict">{count(len(rows), "cell")}{people}</p>\n'
        f"<p>{_hidden(site, rows) if hidden else 'Every cell has enough customers to be told.'} "
        '<a href="#rule">The rule</a>.</p>'
    )


def _hidden(site: GridSite, rows: list[Row]) -> str:
    names = set(site.told.hidden)
    inside = site.told.customers(names)
    share = ""
    everybody = site.told.customers(row.cell_id for row in rows)
    if inside and everybody:
        share = f", with {inside / everybody:.1%} of the customers,"
    verb = "is" if len(names) == 1 else "are"
    return f"{count(len(names), 'cell')} of {len(rows):,}{share} {verb} not told alone."


def _picture(site: GridSite, rows: list[Row]) -> str:
    shades = shades_of(rows)
    shapes = {row.cell_id: _shape(row, rows, shades) for row in rows}
    outlines = drawn_outlines({cell.cell_id: cell.geometry for cell in site.grid.cells})
    drawing = map_svg(outlines, shapes, "Map of the cells, each a link to its row", LABEL_ROOM)
    if not drawing:
        return '<p class="quiet">The cells of this grid have no outlines: there is no map.</p>'
    nowhere = sum(not rings for rings in outlines.values())
    note = (
        f'<p class="quiet">{count(nowhere, "cell")} without an outline '
        f"{'stands' if nowhere == 1 else 'stand'} in the table only.</p>"
        if nowhere
        else ""
    )
    return (
        f'<h2 id="map">Map</h2>\n<div class="picture">\n{shades.switches}\n{drawing}\n'
        f"{shades.legends}\n</div>\n{_NUMBERS}\n{note}"
    )


_NUMBERS = (
    '<p class="quiet">A number on the map is the No. of the cell in the table of cells (1 is the '
    "densest), not a number of customers.</p>"
)


def _shape(row: Row, rows: list[Row], shades: Shades) -> Shape:
    words = f"{row.number}: {row.cell_id}, in {row.parent}; {size_in_words(row, rows)}"
    if row.density is not None:
        words += f"; {row.density:,.3g} per km²" + ("" if row.alone else " together")
    return Shape(shades.styles[row.cell_id], words, f"#{anchor(row.cell_id)}", str(row.number))


def _rule(site: GridSite) -> str:
    least = site.told.customers_min
    lag = [
        "Customers who came to a cell since the version before are counted when there are "
        f"{least} of them or more; for now there are some who are not counted. "
        if site.told.not_counted
        else "",
        "Some who left are still counted, because fewer left with them. "
        if site.told.still_counted
        else "",
    ]
    return (
        '<h2 id="rule">What is told</h2>\n<p class="quiet">No figure here is about fewer than '
        f"{count(least, 'customer')}. A cell that is too small is told together with a near one, "
        "which is then not told alone either, so that no total gives it back; nor does a "
        f"comparison with an earlier version of the grid. {''.join(lag)}Density is of the area "
        "drawn, empty land included.</p>"
    )
