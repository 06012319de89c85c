"""Tables of the quality page: shares as figures and as intervals on a line."""

from collections.abc import Sequence
from html import escape
from math import floor
from typing import NamedTuple

from features.quality.summary import percent

BLOCK_STYLE = """
.strip { display: block; width: 100%; min-width: 120px; height: 16px; }
.strip .axis { stroke: var(--line); stroke-width: 2; }
.strip .target { stroke: var(--quiet); stroke-width: 2; stroke-dasharray: 3 2; }
.strip .span { stroke: var(--link); stroke-width: 5; } .strip .at { fill: var(--strong); }
.low .span { stroke: var(--d3); } .low .number { color: var(--d3); font-weight: 600; }
.drawn { width: 26%; } th.drawn { font-weight: 400; }
th.drawn span { float: right; } th .quiet { font-weight: 400; }
@media (max-width: 640px) { td.drawn { width: auto; } .strip { margin: 4px 0; } }
"""
WIDEST_START = 0.9  # a line begins here, or lower when an interval does


class Line(NamedTuple):
    """A row of a table: its head, a share with its interval, of how many, and words."""

    head: str  # plain text
    about: str  # under the head
    share: float
    low: float
    high: float
    checked: int
    bad: bool
    words: str


def line_start(lines: Sequence[Line]) -> float:
    """Where the line begins on which these shares are drawn; it ends at 1.

    >>> line_start([Line("", "", 0.99, 0.97, 1.0, 300, False, "")])
    0.9
    """
    return min([WIDEST_START, *(floor(line.low * 10) / 10 for line in lines)])


def share_table(
    first: str,
    last: str,
    lines: Sequence[Line],
    target: float | None = None,
    start: float | None = None,
) -> str:
    """A table of shares, each drawn on a line from `start` to 1; `target` is a mark on it.

    >>> one = Line("cell-1", "", 0.99, 0.97, 1.0, 300, False, "")
    >>> "97.0 % to 100.0 %" in share_table("cell", "", [one])
    True
    """
    start = line_start(lines) if start is None else start
    heads = (
        f'<tr><th scope="col">{first}</th><th scope="col" class="number">share</th>'
        '<th scope="col" class="number">95 % interval</th>'
        f'<th scope="col" class="drawn">{start:.0%}<span>100%</span></th>'
        f'<th scope="col" class="number">of</th><th scope="col">{last}</th></tr>'
    )
    rows = "\n".join(_row(line, last, start, target) for line in lines)
    return f"<table><thead>{heads}</thead>\n<tbody>\n{rows}\n</tbody></table>"


def sentences(title: str, lines: Sequence[str]) -> str:
    """A list under its title, or nothing."""
    if not lines:
        return ""
    items = "\n".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h2>{escape(title)}</h2>\n<ul>\n{items}\n</ul>"


def folded(title: str, body: str) -> str:
    """What opens under its title."""
    return f"<details><summary>{escape(title)}</summary>\n{body}\n</details>"


def _row(line: Line, last: str, start: float, target: float | None) -> str:
    style = ' class="low"' if line.bad else ""
    about = f'<br><span class="quiet">{escape(line.about)}</span>' if line.about else ""
    return (
        f'<tr{style}><th scope="row">{escape(line.head)}{about}</th>'
        f'<td class="number" data-label="share">{percent(line.share)}</td>'
        f'<td class="number" data-label="95 % interval">{percent(line.low)} to '
        f'{percent(line.high)}</td><td class="drawn">{_strip(line, start, target)}</td>'
        f'<td class="number" data-label="of">{line.checked:,}</td>'
        f'<td data-label="{escape(last)}">{escape(line.words)}</td></tr>'
    )


def _strip(line: Line, start: float, target: float | None) -> str:
    def at(share: float) -> float:
        return max(share - start, 0) / (1 - start) * 200

    mark = ""
    if target is not None:
        mark = f'<line class="target" x1="{at(target):.1f}" y1="0" x2="{at(target):.1f}" y2="16"/>'
    return (
        '<svg class="strip" viewBox="-4 0 208 16" preserveAspectRatio="none" aria-hidden="true">'
        f'<line class="axis" x1="0" y1="8" x2="200" y2="8"/>{mark}'
        f'<line class="span" x1="{at(line.low):.1f}" y1="8" x2="{at(line.high):.1f}" y2="8"/>'
        f'<rect class="at" x="{at(line.share) - 1.5:.1f}" y="2" width="3" height="12"/></svg>'
    )
