"""Colours of the grid map, and the switches between them: radio buttons, no script."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from features.pages.grid_rows import Row
from features.pages.style import STYLE as BASE

STEPS = 5  # shades of a figure
COLOURS = 8  # of kinds and parents; they come round again after that
NAMES_MAX = 24  # in a legend
BY = {"density": "Density", "customers": "Customers", "kind": "Kind", "parent": "Lies in"}
_SHADES = "\n".join(
    f"#by-{by}:checked ~ .map .{by[0]}{at} {{ fill: var(--{shade}{at}); }}"
    for by, shade, many in (
        ("density", "s", STEPS),
        ("customers", "s", STEPS),
        ("kind", "q", COLOURS),
        ("parent", "q", COLOURS),
    )
    for at in range(many)
)
_SWATCHES = "\n".join(
    [f".legend .s{at} {{ background: var(--s{at}); }}" for at in range(STEPS)]
    + [f".legend .q{at} {{ background: var(--q{at}); }}" for at in range(COLOURS)]
)
_CHOSEN = ",\n".join(f"#by-{by}:checked ~ .legend.{by}" for by in BY)
STYLE = f"""{BASE}
:root {{
  --s0: #e6f0fa; --s1: #b9d7ef; --s2: #7cb4de; --s3: #3d85c0; --s4: #0f4f8c;
  --q0: #8dd3c7; --q1: #fdc38a; --q2: #bebada; --q3: #fb9a8f; --q4: #8fbcdb; --q5: #bfe07f;
  --q6: #fccde5; --q7: #d3c6a6; }}
@media (prefers-color-scheme: dark) {{ :root {{
  --s0: #22384d; --s1: #2b557e; --s2: #3577ae; --s3: #5fa5dd; --s4: #b4dafa;
  --q0: #2f7d70; --q1: #9c5f1f; --q2: #67619c; --q3: #a34338; --q4: #31698f; --q5: #5f8420;
  --q6: #96577a; --q7: #776845; }} }}
.picture > input {{ position: absolute; opacity: 0; }}
.picture > label {{ display: inline-block; padding: 4px 14px; margin: 0 6px 10px 0;
  border: 1px solid var(--edge); border-radius: 999px; cursor: pointer; font-size: .95rem; }}
.picture > input:checked + label {{ background: var(--strong); color: var(--ground); }}
.picture > input:focus-visible + label {{ outline: 3px solid var(--link); outline-offset: 2px; }}
.map path {{ fill: var(--panel); stroke: var(--edge); stroke-width: 1.5; }}
.map text {{ font-size: 22px; stroke-width: 5px; }}
{_SHADES}
#by-density:checked ~ .map .untold, #by-customers:checked ~ .map .hidden,
#by-customers:checked ~ .map .untold {{ fill: url(#hatch); }}
#by-density:checked ~ .map .hidden {{ stroke-dasharray: 9 6; stroke: var(--strong);
  stroke-width: 2.5; }}
.picture > .legend {{ display: none; }}
{_CHOSEN} {{ display: flex; }}
{_SWATCHES}
.legend .hidden {{ border: 2px dashed var(--strong); }}
.legend .untold {{ background: repeating-linear-gradient(45deg, var(--panel) 0 3px,
  var(--edge) 3px 5px); }}
.fates li {{ margin: 2px 0; }}
@media (max-width: 640px) {{ .map text {{ font-size: 34px; }} }}
"""


class Shades(NamedTuple):
    """CSS classes of every cell, and the switches and legends as HTML."""

    styles: Mapping[str, str]
    switches: str
    legends: str


def shades_of(rows: Sequence[Row]) -> Shades:
    """Colours of all cells by density, customers, kind and what they lie in."""
    density = _edges([row.density for row in rows])
    customers = _edges([row.customers for row in rows if row.alone])
    kinds, parents = _numbered(row.kind for row in rows), _numbered(row.parent for row in rows)
    styles = {
        row.cell_id: " ".join(
            [
                _step("d", row.density, density),
                _step("c", row.customers if row.alone else None, customers),
                f"k{kinds[row.kind] % COLOURS}",
                f"p{parents[row.parent] % COLOURS}",
                "untold" if row.density is None else "" if row.alone else "hidden",
            ]
        ).strip()
        for row in rows
    }
    legends = [
        _figures("density", density, " per km²", _notes(rows, "density")),
        _figures("customers", customers, "", _notes(rows, "customers")),
        _names("kind", kinds),
        _names("parent", parents),
    ]
    return Shades(styles, _switches(), "\n".join(legends))


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: at for at, name in enumerate(sorted(set(names)))}


def _switches() -> str:
    return "\n".join(
        f'<input type="radio" name="by" id="by-{by}"{" checked" if by == "density" else ""}>'
        f'<label for="by-{by}">{words}</label>'
        for by, words in BY.items()
    )


def _edges(figures: Sequence[float | None]) -> list[float]:
    """Upper edges of all shades but the last, so that each has about as many cells."""
    known = [figure for figure in figures if figure is not None]
    if not known:
        return []
    cuts = np.quantile(known, np.arange(1, STEPS) / STEPS)
    return sorted({float(f"{cut:.2g}") for cut in cuts})


def _step(letter: str, figure: float | None, edges: Sequence[float]) -> str:
    if figure is None:
        return ""
    return f"{letter}{_spread(int(np.searchsorted(edges, figure)), edges)}"


def _spread(step: int, edges: Sequence[float]) -> int:
    """Few steps use the whole range of shades."""
    return step * (STEPS - 1) // len(edges) if edges else 0


def _figures(by: str, edges: Sequence[float], unit: str, notes: str) -> str:
    if not edges:
        return _legend(by, notes)
    words = [f"up to {edges[0]:,g}{unit}"]
    words += [f"up to {edge:,g}" for edge in edges[1:]]
    words += [f"over {edges[-1]:,g}"]
    items = [
        f'<li><i class="s{_spread(at, edges)}"></i>{word}</li>' for at, word in enumerate(words)
    ]
    return _legend(by, "".join(items) + notes)


def _notes(rows: Sequence[Row], by: str) -> str:
    together = any(not row.alone and row.density is not None for row in rows)
    untold = any(row.density is None and row.area is not None for row in rows)
    if by == "customers":
        return '<li><i class="untold"></i>not told alone</li>' if together or untold else ""
    dashed = '<li><i class="hidden"></i>told together with others</li>' if together else ""
    return dashed + ('<li><i class="untold"></i>not told</li>' if untold else "")


def _names(by: str, names: Mapping[str, int]) -> str:
    items = [
        f'<li><i class="q{at % COLOURS}"></i>{escape(name)}</li>'
        for name, at in list(names.items())[:NAMES_MAX]
    ]
    more = len(names) - NAMES_MAX
    return _legend(by, "".join(items) + (f"<li>and {more:,} more</li>" if more > 0 else ""))


def _legend(by: str, items: str) -> str:
    return f'<ul class="legend {by}">{items}</ul>'
