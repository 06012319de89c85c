"""`quality.html`: one static page that shows how good the customer information is, and where."""

from html import escape
from typing import NamedTuple

from features.pages.style import STYLE
from features.quality.blocks import BLOCK_STYLE, Line, folded, line_start, sentences, share_table
from features.quality.measured import Measure, Measured
from features.quality.report import QualityReport, TableQuality
from features.quality.source_section import source_section
from features.quality.summary import (
    DimensionShare,
    delivered,
    dimension_shares,
    low_cells,
    percent,
    sentence,
    shortfalls,
)
from features.settings import QualitySettings

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
MEANINGS = {
    "validity": "delivered values that can be read and are inside the contract",
    "consistency": "rows that agree with the other columns and tables",
    "uniqueness": "rows and persons that are there once",
    "timeliness": "rows that arrived in time",
    "completeness": "columns with a value",
}
INSIDE = (
    '<p class="quiet">Inside only: counts are exact, those of small cells too, and findings name '
    "rows.</p>"
)
SHOWN_FINDINGS = 40
SHOWN_CELLS = 20


class QualityPage(NamedTuple):
    """Everything that the page tells; without measures the tables were refused."""

    bank: str
    door: QualityReport
    measured: Measured | None
    settings: QualitySettings
    grid_version: str = ""


def page(told: QualityPage) -> str:
    """The page as HTML."""
    parts = [_head(told), _broken(told), _low(told), _dimensions(told)]
    parts += [source_section(told.door, told.measured), _cells(told)]
    parts += [_delivered(told), _columns(told), _findings(told), _method(told)]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Data quality, {escape(told.bank)}</title>\n"
        f"<style>{STYLE}{BLOCK_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def verdict(told: QualityPage) -> str:
    """The finding in one sentence."""
    if told.measured is None:
        return "The delivery was refused: the tables are those of an earlier one, or none"
    found, target = told.measured.accuracy, told.settings.accuracy_min
    right = f"{percent(found.share)} of the customer records are right"
    if found.low >= target:
        return f"{right}: the target of {percent(target)} is met"
    if found.high < target:
        return f"{right}: the target of {percent(target)} is missed"
    return f"{right}: too few to say whether the target of {percent(target)} is met"


def _head(told: QualityPage) -> str:
    about = ""
    if told.measured is not None:
        one = told.measured.accuracy
        about = (
            f"<p>{one.good:,} of {one.checked:,} delivered customers have a record that is valid, "
            f"consistent and no repeat (95 % interval {percent(one.low)} to {percent(one.high)})."
            f"</p>\n{_fresh(told.measured)}"
        )
    return (
        f"<h1>Data quality, {escape(told.bank)}</h1>\n"
        f'<p class="verdict">{escape(verdict(told))}</p>\n{INSIDE}\n{about}'
    )


def _fresh(measured: Measured) -> str:
    rows = [
        f"{one.table.replace('_', ' ')} until {one.last}"
        + (f" ({one.days_behind} days behind)" if one.days_behind else "")
        for one in measured.freshness
    ]
    return f'<p class="quiet">{escape("; ".join([*rows, *measured.notes]))}.</p>'


def _broken(told: QualityPage) -> str:
    return sentences("The contract is broken", told.door.broken)


def _low(told: QualityPage) -> str:
    if told.measured is None:
        return ""
    low = [sentence(one) for one in shortfalls(told.measured, told.settings)]
    gate = "no model is trained on these tables" if told.settings.gate else "the gate is off"
    return sentences(f"Too low: {gate}", low)


def _dimensions(told: QualityPage) -> str:
    if told.measured is None:
        return ""
    low = {one.measure.dimension for one in shortfalls(told.measured, told.settings)}
    lines = [_dimension(one, one.dimension in low) for one in dimension_shares(told.measured)]
    return f'<h2 id="dimensions">Dimensions</h2>\n{share_table("dimension", "lowest", lines)}'


def _dimension(one: DimensionShare, bad: bool) -> Line:
    worst = one.lowest
    where = f"{worst.table}.{worst.column}: {worst.rule} ({percent(worst.share)})"
    words = where if worst.share < 1 else ""
    about = MEANINGS[one.dimension]
    return Line(one.dimension, about, one.share, one.low, one.high, one.checked, bad, words)


def _cells(told: QualityPage) -> str:
    if told.measured is None or not told.measured.cells:
        return ""
    cells, target = told.measured.cells, told.settings.accuracy_min
    low = set(low_cells(told.measured, told.settings))
    lines = [_line(cell, cell.cell_id, cell in low, "") for cell in cells]
    start = line_start(lines)
    first = share_table("cell", "", lines[:SHOWN_CELLS], target, start)
    more = f"{len(cells) - SHOWN_CELLS:,} more cells"
    rest = folded(more, share_table("cell", "", lines[SHOWN_CELLS:], target, start))
    return (
        f'<h2 id="cells">Cells</h2>\n<p>{len(low):,} of {len(cells):,} cells are surely below '
        f"{percent(target)}. Customer records that are right, of the accepted ones; grid "
        f"{escape(told.grid_version)}; the lowest first.</p>\n{first}\n"
        + (rest if len(cells) > SHOWN_CELLS else "")
    )


def _delivered(told: QualityPage) -> str:
    rows = "\n".join(_counts(table) for table in told.door.tables if table.delivered)
    heads = "".join(
        f'<th scope="col" class="number">{name}</th>'
        for name in ("delivered", "accepted", "rejected", "repeats")
    )
    return (
        f'<h2 id="tables">Delivered rows</h2>\n<table><thead><tr><th scope="col">table</th>{heads}'
        f"</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
    )


def _counts(table: TableQuality) -> str:
    counts = {
        "delivered": table.delivered,
        "accepted": table.accepted,
        "rejected": table.rejected,
        "repeats": table.duplicates,
    }
    cells = "".join(
        f'<td class="number" data-label="{name}">{value:,}</td>' for name, value in counts.items()
    )
    return f'<tr><th scope="row">{escape(table.table)}</th>{cells}</tr>'


def _columns(told: QualityPage) -> str:
    if told.measured is None:
        return ""
    low = {one.measure for one in shortfalls(told.measured, told.settings)}
    bank = told.measured.bank
    tables = [
        _table(name, [one for one in bank if one.table == name], low)
        for name in dict.fromkeys(one.table for one in bank)
    ]
    return '<h2 id="columns">Every column</h2>\n' + "\n".join(tables)


def _table(name: str, measures: list[Measure], low: set[Measure]) -> str:
    ours = sorted(measures, key=lambda one: (one.share, one.column, one.dimension))
    lines = [
        _line(one, one.column, one in low, f"{one.dimension}: {one.rule}")
        for one in ours
        if delivered(one)
    ]
    absent = ", ".join(one.column for one in ours if not delivered(one))
    note = f'<p class="quiet">Not delivered: {escape(absent)}.</p>' if absent else ""
    title = f"{name.replace('_', ' ')}: {len(lines)} figures"
    return folded(title, share_table("column", "rule", lines) + note)


def _line(one: Measure, head: str, low: bool, words: str) -> Line:
    return Line(head, "", one.share, one.low, one.high, one.checked, low, words)


def _findings(told: QualityPage) -> str:
    found = list(told.door.findings)
    more = [f"and {len(found) - SHOWN_FINDINGS:,} more"] if len(found) > SHOWN_FINDINGS else []
    return sentences("Findings", [*found[:SHOWN_FINDINGS], *more])


def _method(told: QualityPage) -> str:
    return (
        '<h2 id="method">How this was counted</h2>\n<p class="quiet">Every share has its 95 % '
        "interval (Wilson). A share is too low when the upper end of the interval is below its "
        "minimum, so that chance alone stops nobody; a source is behind the others when their "
        "intervals do not meet and chance would show as much in one of 20 deliveries at most, "
        "whatever the number of sources. Validity, completeness and the accuracy of bank and "
        "source are of everything delivered, what was refused included; the rest is of accepted "
        "rows. A row of several sources counts for the first that was read. Rows are in time when "
        "they reach the warehouse within "
        f"{told.settings.late_days:g} days.</p>"
    )
