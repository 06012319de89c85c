"""How a column moved, in words."""

import numpy as np

from monitoring.blocks import ColumnBlocks
from monitoring.ranks import Floats

RANK_SD = np.sqrt(1 / 12)  # a rank score is a rank in units of the spread of all ranks
PLACE_SHARE = 0.5  # of the effect: below, customers changed places rather than moved one way


def directions(blocks: ColumnBlocks) -> list[str]:
    """One or two words for each group: higher, lower, wider, "more student", "more missing"."""
    return [_direction(blocks, group) for group in range(len(blocks.effect))]


def _direction(blocks: ColumnBlocks, group: int) -> str:
    effect = float(blocks.effect[group])
    if effect == 0:
        return "same"
    if blocks.levels:
        return _category(blocks.levels, blocks.lift[group])
    if abs(blocks.missing[group]) >= effect:
        return "more missing" if blocks.missing[group] > 0 else "fewer missing"
    return _number(effect, float(blocks.lift[group, 0]), float(blocks.spread[group]))


def _category(levels: tuple[str, ...], lift: Floats) -> str:
    most = int(np.argmax(np.abs(lift)))
    return f"{'more' if lift[most] > 0 else 'fewer'} {levels[most].strip('()')}"


def _number(effect: float, place: float, spread: float) -> str:
    if abs(place) * RANK_SD >= PLACE_SHARE * effect:
        return "higher" if place > 0 else "lower"
    return "more unequal" if spread > 0 else "more alike"
