"""The section of the quality page that shows which delivery is bad."""

from domain.intervals import wilson
from features.quality.behind import Behind, behind
from features.quality.blocks import Line, folded, line_start, share_table
from features.quality.measured import Measured
from features.quality.report import QualityReport, TableQuality
from features.quality.summary import percent

SHOWN_FIGURES = 20
SHOWN_SOURCES = 100  # of a table; a bank that delivers each night has more


def source_section(door: QualityReport, measured: Measured | None) -> str:
    """The sources of the tables that have several, the worst first; nothing where none has."""
    tables = [
        ours
        for table in door.tables
        if len(ours := [one for one in door.sources if one.table == table.table]) > 1
    ]
    if not any(one.accepted for ours in tables for one in ours):  # or it is not known yet
        return ""
    found = behind(measured) if measured is not None else ()
    bad = {(pair.measure.table, pair.measure.source) for pair in found}
    lists = "\n".join(_deliveries(ours, bad) for ours in tables)
    return f'<h2 id="sources">By source</h2>\n{_behind(found, measured)}{lists}'


def _behind(found: tuple[Behind, ...], measured: Measured | None) -> str:
    if measured is None:
        return ""
    if not found:
        return "<p>No source is surely behind the others of its table.</p>\n"
    lines = [_figure(pair) for pair in found]
    start = line_start(lines)
    first = share_table("source", "the others", lines[:SHOWN_FIGURES], start=start)
    rest = share_table("source", "the others", lines[SHOWN_FIGURES:], start=start)
    more = len(lines) - SHOWN_FIGURES
    sources = len({(pair.measure.table, pair.measure.source) for pair in found})
    return (
        f"<p>{sources:,} {'source is' if sources == 1 else 'sources are'} surely behind the others "
        f"of the table, in {len(lines):,} {'figure' if len(lines) == 1 else 'figures'}; the worst "
        f"first.</p>\n{first}\n" + (folded(f"{more:,} more figures", rest) if more > 0 else "")
    )


def _figure(pair: Behind) -> Line:
    one, rest = pair
    column = f"{one.table}.{one.column}" if one.column else one.table
    others = f"{percent(rest.share)} of {rest.checked:,}"
    about = f"{column}: {one.dimension}, {one.rule}"
    return Line(one.source, about, one.share, one.low, one.high, one.checked, True, others)


def _deliveries(sources: list[TableQuality], bad: set[tuple[str, str]]) -> str:
    """Rows of each source that the door let in, of those that repeat none; the lowest first."""
    lines = [_let_in(one, (one.table, one.source) in bad) for one in sources]
    lines.sort(key=lambda line: (line.share, -line.checked, line.head))
    name = sources[0].table.replace("_", " ")
    rows = share_table("source", "rows", lines[:SHOWN_SOURCES])
    more = len(lines) - SHOWN_SOURCES
    rest = f'<p class="quiet">and {more:,} more; quality.json has all.</p>' if more > 0 else ""
    return folded(f"{name}: rows let in, of {len(lines):,} sources", rows + rest)


def _let_in(one: TableQuality, bad: bool) -> Line:
    judged = one.accepted + one.rejected
    share = one.accepted / judged if judged else 1.0
    interval = wilson(one.accepted, judged) if judged else (0.0, 1.0)
    words = f"{one.delivered:,} delivered, {one.rejected:,} rejected, {one.duplicates:,} repeats"
    return Line(one.source, "", share, *interval, judged, bad, words)
