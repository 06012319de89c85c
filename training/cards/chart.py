"""The calibration of a model as a drawing: observed against foretold rate of loss."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

SIZE, LEFT, BELOW, ABOVE, RIGHT = 420.0, 64.0, 56.0, 12.0, 24.0
TICKS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
APART = 0.07  # of an axis, between two ticks


class Bin(NamedTuple):
    """Customers alike in risk: mean probability, rate of loss and its 95 % interval."""

    predicted: float
    observed: float
    low: float
    high: float


def calibration_svg(bins: Sequence[Bin]) -> str:
    """A point for each bin with its interval, and the line on which a perfect model lies.

    Both axes go by the square root, for most customers are at a low risk.
    """
    top = max(0.02, *(max(one.high, one.predicted) for one in bins))
    wide, tall = LEFT + SIZE + RIGHT, ABOVE + SIZE + BELOW
    even = f'x1="{_x(0, top)}" y1="{_y(0, top)}" x2="{_x(top, top)}" y2="{_y(top, top)}"'
    parts = [_tick(value, top) for value in ticks(top)]
    parts += [f'<line class="even" {even}/>', *(_point(one, top) for one in bins), _names(tall)]
    return f'<svg class="chart" viewBox="0 0 {wide:g} {tall:g}">{"".join(parts)}</svg>'


def ticks(top: float) -> list[float]:
    """Rates that are marked on an axis up to `top`.

    >>> ticks(0.25)
    [0.0, 0.01, 0.02, 0.05, 0.1, 0.2]
    """
    found = [0.0]
    for value in TICKS[1:]:
        if value <= top and sqrt(value / top) - sqrt(found[-1] / top) >= APART:
            found.append(value)
    return found


def _x(value: float, top: float) -> str:
    return f"{LEFT + SIZE * sqrt(value / top):.1f}"


def _y(value: float, top: float) -> str:
    return f"{ABOVE + SIZE * (1 - sqrt(value / top)):.1f}"


def _tick(value: float, top: float) -> str:
    x, y, label = _x(value, top), _y(value, top), f"{100 * value:g} %"
    left, right, foot = _x(0, top), _x(top, top), ABOVE + SIZE + 22
    return (
        f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>'
        f'<text x="{LEFT - 8:g}" y="{y}" dy=".35em" text-anchor="end">{label}</text>'
        f'<text x="{x}" y="{foot:g}" text-anchor="middle">{label}</text>'
    )


def _point(one: Bin, top: float) -> str:
    x = _x(one.predicted, top)
    return (
        f'<line class="span" x1="{x}" y1="{_y(one.low, top)}" x2="{x}" y2="{_y(one.high, top)}"/>'
        f'<circle cx="{x}" cy="{_y(one.observed, top)}" r="5"/>'
    )


def _names(tall: float) -> str:
    return (
        f'<text x="{LEFT + SIZE / 2:g}" y="{tall - 8:g}" text-anchor="middle">foretold</text>'
        f'<text x="{LEFT + 10:g}" y="{ABOVE + 16:g}">came true</text>'
    )
