"""A model card as one HTML page: no script, nothing from elsewhere, for screen, phone and paper."""

from html import escape

from features.pages.html import anchor, document
from features.pages.style import STYLE as BASE
from training.cards.structure import (
    Block,
    Commands,
    ModelCardPage,
    Picture,
    Points,
    Section,
    Table,
    Words,
    printable,
)

STYLE = (
    BASE
    + """
nav ul { display: flex; flex-wrap: wrap; gap: 4px 20px; list-style: none; padding: 0; }
.scroll { overflow-x: auto; margin-bottom: 16px; }
.scroll th, .scroll td { overflow-wrap: break-word; } .scroll th[scope=row] { font-size: .95rem; }
.scroll td { min-width: 3.5rem; } .scroll .number { white-space: normal; }
.scroll .wide th:first-child { min-width: 11rem; }
.scroll:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
pre { background: var(--panel); padding: 12px; border-radius: 8px; overflow-x: auto; }
.chart { display: block; width: 100%; max-width: 520px; height: auto; margin: 8px 0 16px; }
.chart line, .chart path { stroke: var(--line); fill: none; }
.chart .even { stroke: var(--quiet); stroke-dasharray: 6 6; }
.chart .span { stroke: var(--link); stroke-width: 2.5; } .chart circle { fill: var(--link); }
.chart text { fill: var(--quiet); font: 13px system-ui, sans-serif; }
@media (max-width: 640px) { /* a table keeps its columns: it scrolls inside its frame */
  .scroll thead { position: static; width: auto; height: auto; overflow: visible; clip-path: none; }
  .scroll table { display: table; } .scroll caption { display: table-caption; }
  .scroll thead { display: table-header-group; } .scroll tbody { display: table-row-group; }
  .scroll tr { display: table-row; }
  .scroll th, .scroll td { display: table-cell; padding: 8px 12px 8px 0;
    border-bottom: 1px solid var(--line); }
  .scroll .wide td.number { min-width: 8rem; }
  .scroll .wide td:last-child:not(.number) { min-width: 13rem; }
  .scroll table:not(.wide) :is(th[scope=row], td) { overflow-wrap: anywhere; min-width: 5rem; }
  .scroll .wide th:first-child { position: sticky; left: 0; background: var(--ground);
    min-width: 8rem; max-width: 9rem; overflow-wrap: anywhere; }
}
@media print {
  :root { color-scheme: light; --ground: #fff; --panel: #f5f6f8; --text: #000; --quiet: #333;
    --line: #bbb; --link: #0b5cad; }
  main { max-width: none; padding: 0; } nav { display: none; } .scroll { overflow: visible; }
  h2 { break-after: avoid; } tr, .chart { break-inside: avoid; } table { font-size: .8rem; }
  .scroll :is(th, td), .scroll .wide th:first-child { min-width: 0; padding-right: 8px; }
  .scroll th[scope=row] { overflow-wrap: anywhere; font-size: .8rem; }
}
"""
)
WIDE = 4  # columns from which on a phone has to scroll


def page(card: ModelCardPage) -> str:
    """The card as HTML."""
    links = "".join(
        f'<li><a href="#{_id(one)}">{_text(one.title)}</a></li>' for one in card.sections
    )
    head = f'<h1>{_text(card.title)}</h1>\n<p class="verdict">{_text(card.verdict)}</p>'
    parts = [head, f'<nav aria-label="Sections"><ul>{links}</ul></nav>']
    return document(printable(card.title), STYLE, [*parts, *map(_section, card.sections)])


def _text(text: str) -> str:
    return escape(printable(text))


def _id(one: Section) -> str:
    return anchor(one.title.lower().replace(" ", "-"), "section")


def _section(one: Section) -> str:
    blocks = "\n".join(map(_block, one.blocks))
    title = f'<h2 id="{_id(one)}">{_text(one.title)}</h2>'
    return f'<section aria-labelledby="{_id(one)}">\n{title}\n{blocks}\n</section>'


def _block(block: Block) -> str:
    match block:
        case Words(text):
            return f"<p>{_text(text)}</p>"
        case Points(items):
            return "<ul>" + "".join(f"<li>{_text(item)}</li>" for item in items) + "</ul>"
        case Commands(lines):
            told = "\n".join(map(_text, lines))
            return f'<pre tabindex="0"><code>{told}</code></pre>'
        case Picture(told, svg):
            return svg.replace("<svg ", f'<svg role="img" aria-label="{_text(told)}" ', 1)
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    heads = "".join(
        f'<th scope="col"{_right(name, table)}>{_text(name)}</th>' for name in table.header
    )
    rows = "\n".join(_row(row, table) for row in table.rows)
    wide = ' class="wide"' if len(table.header) >= WIDE else ""
    caption = _text(table.caption)
    return (
        f'<div class="scroll" role="region" aria-label="{caption}" tabindex="0">'
        f"<table{wide}><caption>{caption}</caption><thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _row(row: tuple[str, ...], table: Table) -> str:
    first, *rest = zip(row, table.header, strict=True)
    cells = "".join(f"<td{_right(name, table)}>{_text(value)}</td>" for value, name in rest)
    return f'<tr><th scope="row">{_text(first[0])}</th>{cells}</tr>'


def _right(name: str, table: Table) -> str:
    return ' class="number"' if name in table.numbers else ""
