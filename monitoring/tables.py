"""Tables of the drift site: rows on a wide screen, cards on a phone."""

from collections.abc import Mapping
from html import escape

import numpy as np
import pandas as pd

from domain.cell_rates import FITTED
from features.pages.html import anchor, html_table
from features.registry import FEATURES
from monitoring.pooling import PARENT, REST, Pooling, is_pool

About = Mapping[str, tuple[str, str]]  # cell -> kind, parent
Sizes = Mapping[str, str]  # cell or pool -> its customers, as far as they may be told


def group_name(group: str) -> str:
    """A cell or pool in words.

    >>> group_name("parent:O7")
    'the small cells of O7'
    """
    if group == REST:
        return "the small cells of the bank"
    return f"the small cells of {group.removeprefix(PARENT)}" if is_pool(group) else group


def value(number: float) -> str:
    """A number as short as a reader needs; a dash when there is none.

    >>> value(1234567.0), value(0.12345), value(float("nan")), value(0.0)
    ('1,234,567', '0.123', '–', '0')
    """
    if not np.isfinite(number):
        return "–"
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def column_name(column: str) -> str:
    """A column and, where it is a feature, what it means, as HTML.

    >>> column_name("recency_days")
    'recency_days<br><span class="quiet">days since the last transaction</span>'
    """
    known = FEATURES.get(column) or FITTED.get(column)
    words = f'<br><span class="quiet">{escape(known.text)}</span>' if known else ""
    return escape(column) + words


def chance(q_value: float) -> str:
    """A q-value in print.

    >>> chance(0.0321), chance(3e-12)
    ('0.032', '< 0.0001')
    """
    return "< 0.0001" if q_value < 1e-4 else f"{q_value:.2g}"


def moves_in_words(rows: pd.DataFrame, most: int = 4) -> str:
    """Columns with their directions.

    >>> moves_in_words(pd.DataFrame({"column": ["credit_30d"], "direction": ["lower"]}))
    'credit_30d: lower'
    """
    words = [f"{row.column}: {row.direction}" for row in rows.head(most).itertuples()]
    if len(rows) > most:
        words.append(f"{len(rows) - most} more")
    return "; ".join(words)


def flagged_table(
    moved: Mapping[str, pd.DataFrame],
    about: About,
    pooling: Pooling,
    links: Mapping[str, str],
    sizes: Sizes,
) -> str:
    """One group of rows per flagged cell, a row per column that moved."""
    bodies = [_flagged(name, rows, about, pooling, links, sizes) for name, rows in moved.items()]
    return html_table(
        "Directions are relative to the bank; medians are the cell's own.",
        ("Column", "Moved", "Effect", "Median before", "Median now", "q-value"),
        "\n".join(bodies),
        NUMBERS,
    )


def _flagged(
    name: str,
    rows: pd.DataFrame,
    about: About,
    pooling: Pooling,
    links: Mapping[str, str],
    sizes: Sizes,
) -> str:
    kind, parent = about.get(name, ("pool" if is_pool(name) else "", ""))
    within = f" in {escape(parent)}" if parent and parent != name else ""
    size = f"{sizes[name]} customers" if name in sizes else "customers not told"
    link = f' · <a href="{links[name]}">Full report</a>' if name in links else ""
    members = ""
    if is_pool(name):
        cells = ", ".join(escape(cell) for cell in pooling.pools.get(name, []))
        members = f'<br><span class="quiet">Cells: {cells}</span>'
    head = (
        f'<tr class="about"><th scope="rowgroup" colspan="6" class="about">{escape(_title(name))} '
        f'<span class="chip">{escape(kind)}{within}</span> <span class="quiet">{size}</span>'
        f"{link}{members}</th></tr>"
    )
    body = "\n".join(_moved(row) for _, row in rows.iterrows())
    return f'<tbody class="cell" id="{anchor(name, "moved")}">\n{head}\n{body}\n</tbody>'


def _title(name: str) -> str:
    words = group_name(name)
    return words[0].upper() + words[1:] if is_pool(name) else words


def bank_table(moved: pd.DataFrame) -> str:
    """One row per column that changed in the bank as a whole."""
    rows = "\n".join(_moved(row) for _, row in moved.iterrows())
    return html_table(
        "Columns that changed by at least the smallest effect told.",
        ("Column", "Moved", "Effect", "Median before", "Median now", "q-value"),
        f"<tbody>\n{rows}\n</tbody>",
        NUMBERS,
    )


def _moved(row: "pd.Series[float]") -> str:
    return (
        f'<tr><th scope="row">{column_name(str(row["column"]))}</th>'
        f'<td data-label="Moved">{escape(str(row["direction"]))}</td>'
        f'<td class="number" data-label="Effect">{row["effect"]:.2f}</td>'
        f'<td class="number" data-label="Median before">{value(row["median_reference"])}</td>'
        f'<td class="number" data-label="Median now">{value(row["median_current"])}</td>'
        f'<td class="number" data-label="q-value">{chance(row["q_value"])}</td></tr>'
    )


def cells_table(
    pooling: Pooling, about: About, drift: pd.DataFrame, moved: set[str], sizes: Sizes
) -> str:
    """One row per cell that was tested, alone or in a pool."""
    counts = drift[drift["drifted"]].groupby("cell_id").size()
    rows = []
    for cell, group in sorted(pooling.group_of.items()):
        kind, parent = about.get(cell, ("", ""))
        found = (
            f'<a href="#{anchor(group, "moved")}">{counts[group]}</a>' if group in moved else "0"
        )
        size = sizes.get(group, "not told")
        together = "alone" if group == cell else f"with {group_name(group)}"
        rows.append(
            f'<tr id="{anchor(cell)}"><th scope="row">{escape(cell)}</th>'
            f'<td data-label="Kind">{escape(kind)}</td>'
            f'<td data-label="Parent">{escape(parent)}</td>'
            f'<td data-label="Tested">{escape(together)}</td>'
            f'<td class="number" data-label="Customers in the test">{size}</td>'
            f'<td class="number" data-label="Columns moved">{found}</td></tr>'
        )
    header = ("Cell", "Kind", "Parent", "Tested", "Customers in the test", "Columns moved")
    return html_table("", header, "<tbody>\n" + "\n".join(rows) + "\n</tbody>", NUMBERS)


NUMBERS = {
    "Effect",
    "Median before",
    "Median now",
    "q-value",
    "Customers in the test",
    "Columns moved",
}
