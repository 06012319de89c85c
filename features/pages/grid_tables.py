"""Tables of the grid page: cells, what they lie in, and what became of the old ones."""

from collections.abc import Sequence
from html import escape

from domain.migration_report import Cells, Flow, MigrationReport
from domain.publication import Publication
from features.pages.grid_rows import Row
from features.pages.html import anchor, count, html_table

NUMBERS = {"No.", "Cells", "Customers", "km²", "Customers per km²", "Share of the old"}
FATES = {
    "kept": "as before",
    "split": "split",
    "merged": "merged",
    "redrawn": "redrawn",
    "gone": "gone",
    "new": "new",
}
NAMES_MAX = 8  # cells named in one place


def size_in_words(row: Row, rows: Sequence[Row]) -> str:
    """Customers of a cell, as far as they are told."""
    if row.customers is None:
        return "customers not told"
    if row.alone:
        return count(row.customers, "customer")
    numbers = [other.number for other in rows if other.cell_id in row.together]
    others = ", ".join(str(number) for number in numbers if number != row.number)
    return f"{count(row.customers, 'customer')} together with {others}"


def cells_table(rows: Sequence[Row]) -> str:
    """One row per cell, the densest first."""
    body = "\n".join(_cell(row, rows) for row in rows)
    header = ("No.", "Cell", "Kind", "In", "Customers", "km²", "Customers per km²")
    return html_table("", header, f"<tbody>\n{body}\n</tbody>", NUMBERS)


def _cell(row: Row, rows: Sequence[Row]) -> str:
    size = "–" if row.customers is None else f"{row.customers:,}"
    if row.customers is not None and not row.alone:
        size = size_in_words(row, rows).replace(" customers", "", 1)
    area = "–" if row.area is None else f"{row.area:,.3g}"
    density = "–" if row.density is None else f"{row.density:,.3g}"
    return (
        f'<tr id="{anchor(row.cell_id)}"><td class="number" data-label="No.">{row.number}</td>'
        f'<th scope="row">{escape(row.cell_id)}</th>'
        f'<td data-label="Kind">{escape(row.kind)}</td>'
        f'<td data-label="In">{escape(row.parent)}</td>'
        f'<td class="number" data-label="Customers">{size}</td>'
        f'<td class="number" data-label="km²">{area}</td>'
        f'<td class="number" data-label="Customers per km²">{density}</td></tr>'
    )


def parents_table(rows: Sequence[Row], told: Publication) -> str:
    """One row per outlet or district that cells lie in, the largest first."""
    cells: dict[str, list[str]] = {}
    for row in rows:
        cells.setdefault(row.parent, []).append(row.cell_id)
    sizes = {name: told.customers(inside) for name, inside in cells.items()}
    order = sorted(cells, key=lambda name: (-(sizes[name] or 0), name))
    body = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        f'<td class="number" data-label="Cells">{len(cells[name]):,}</td>'
        f'<td class="number" data-label="Customers">{_figure(sizes[name])}</td></tr>'
        for name in order
    )
    caption = (
        "– where a cell is told together with one of another." if None in sizes.values() else ""
    )
    return html_table(caption, ("In", "Cells", "Customers"), f"<tbody>\n{body}\n</tbody>", NUMBERS)


def migration_part(report: MigrationReport) -> str:
    """What became of the cells of the version before."""
    fates = [
        f"<li><strong>{_fate_count(fate, report)}</strong> {words}</li>"
        for fate, words in FATES.items()
        if report.fates.get(fate)
    ]
    moved = (
        f"{count(report.moved, 'customer')} of {report.customers:,} who are counted on both "
        f"versions moved to another cell ({report.moved / report.customers:.1%})."
        if report.moved
        else "Nobody who can be told moved to another cell."
    )
    return (
        f'<h2 id="migration">Since {escape(report.before)}</h2>\n<p>{moved}</p>\n'
        f'<ul class="fates">{"".join(fates)}</ul>\n{_changes(report)}'
    )


def _fate_count(fate: str, report: MigrationReport) -> str:
    pieces = report.fates[fate]
    old = sum(len(before) for before, _ in pieces)
    new = sum(len(after) for _, after in pieces)
    if fate in {"kept", "gone"}:
        return count(old, "cell")
    return count(new, "cell") if fate == "new" else f"{count(old, 'cell')} into {new:,}"


def _changes(report: MigrationReport) -> str:
    kept = {before for before, _ in report.fates.get("kept", ())}
    flows = [flow for flow in report.flows if flow.before not in kept]
    if not flows:
        return ""
    body = "\n".join(_flow(flow) for flow in flows)
    table = html_table(
        "Cells that are told together stand in one row.",
        ("Old", "New", "Customers", "Share of the old"),
        f"<tbody>\n{body}\n</tbody>",
        NUMBERS,
    )
    return (
        f"<details><summary>{count(len(flows), 'change')} in figures</summary>\n{table}\n</details>"
    )


def _flow(flow: Flow) -> str:
    return (
        f'<tr><th scope="row">{_names(flow.before)}</th>'
        f'<td data-label="New">{_names(flow.after)}</td>'
        f'<td class="number" data-label="Customers">{flow.customers:,}</td>'
        f'<td class="number" data-label="Share of the old">{flow.share:.1%}</td></tr>'
    )


def _names(cells: Cells) -> str:
    more = f" and {len(cells) - NAMES_MAX} more" if len(cells) > NAMES_MAX else ""
    return ", ".join(escape(cell) for cell in cells[:NAMES_MAX]) + more


def _figure(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"
