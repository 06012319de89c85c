"""One column of two months, as blocks to be tested: counts and scores by level and group.

In a cell a column is measured against the bank: numbers as ranks within the bank's month,
categories (and missing against present) after the bank's own change has been applied to the
reference. What moves every cell alike, such as season, clocks or inflation, then moves none.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from monitoring import ranks
from monitoring.ranks import Floats, Ints, Ranking
from monitoring.samples import NO_GROUP, Sample, is_number, numbers
from monitoring.statistics import Block

DEGREE = 4  # rank scores: place, spread, skewness, tails
CATEGORIES_MAX = 20  # the rarer ones count as one
OTHER, MISSING = "(other)", "(missing)"


class ColumnBlocks(NamedTuple):
    """What is tested of one column, and how far each group moved.

    `lift` is the signed change behind the words: per group, of the mean rank (numbers) or of
    the share of every level (categories); `missing` that of the missing share.
    """

    method: str
    blocks: tuple[Block, ...]
    effect: Floats
    lift: Floats
    spread: Floats
    missing: Floats
    levels: tuple[str, ...]


def column_blocks(
    name: str, reference: Sample, current: Sample, groups: int, *, relative: bool
) -> ColumnBlocks:
    """Blocks of one column; `relative` measures each group against the bank's own change."""
    one, two = reference.frame[name], current.frame[name]
    if is_number(one, two):
        return _number(numbers(one), numbers(two), reference, current, groups, relative)
    return _category(one, two, reference, current, groups, relative)


def _number(
    one: Floats, two: Floats, reference: Sample, current: Sample, groups: int, relative: bool
) -> ColumnBlocks:
    rankings = _rankings(one, two, reference, current, relative)
    counts, scores, shapes = [], [], []
    for values, month, ranking in zip((one, two), (reference, current), rankings, strict=True):
        known = ~np.isnan(values)
        level = ranking.level(values[known])
        counts.append(_counts(level, len(ranking.edges), month, groups, known))
        scores.append(ranks.rank_scores(ranking.lower, ranking.upper, DEGREE))
        shapes.append(_share(counts[-1]) @ ranks.rank_distribution(ranking.lower, ranking.upper))
    block = Block(counts[0], counts[1], scores[0], scores[1])
    both = (counts[0].sum(axis=1) > 0) & (counts[1].sum(axis=1) > 0)
    means = _share(counts[1]) @ scores[1] - _share(counts[0]) @ scores[0]
    moved = np.where(both, np.abs(shapes[1] - shapes[0]).mean(axis=1), 0.0)
    gaps = [np.isnan(values).astype(np.intp) for values in (one, two)]
    gap_block, gap = _shares(gaps[0], gaps[1], 2, reference, current, groups, relative)
    means = np.where(both[:, None], means, 0.0)
    missing = gap[:, 1]
    return ColumnBlocks(
        "rank-score",
        (block, gap_block),
        np.maximum(moved, np.abs(missing)),
        means[:, :1],
        means[:, 1],
        missing,
        (),
    )


def _rankings(
    one: Floats, two: Floats, reference: Sample, current: Sample, relative: bool
) -> tuple[Ranking, Ranking]:
    known = ~np.isnan(one), ~np.isnan(two)
    weight = reference.weight[known[0]], current.weight[known[1]]
    if relative:
        return ranks.ranking(one[known[0]], weight[0]), ranks.ranking(two[known[1]], weight[1])
    halves = [part / max(float(part.sum()), 1e-300) for part in weight]
    both = ranks.ranking(np.concatenate([one[known[0]], two[known[1]]]), np.concatenate(halves))
    return both, both


def _category(
    one: "pd.Series[str]",
    two: "pd.Series[str]",
    reference: Sample,
    current: Sample,
    groups: int,
    relative: bool,
) -> ColumnBlocks:
    texts = [column.astype("string") for column in (one, two)]
    levels = _levels(texts, (reference, current))
    codes = [_codes(text, levels) for text in texts]
    block, change = _shares(codes[0], codes[1], len(levels), reference, current, groups, relative)
    return ColumnBlocks(
        "contingency",
        (block,),
        np.abs(change).sum(axis=1) / 2,
        change,
        np.zeros(groups),
        change[:, -1],
        levels,
    )


def _levels(texts: Sequence["pd.Series[str]"], months: Sequence[Sample]) -> tuple[str, ...]:
    share: pd.Series[float] = pd.Series(dtype=np.float64)
    for text, month in zip(texts, months, strict=True):
        weight = pd.Series(month.weight / month.weight.sum())
        share = share.add(weight.groupby(text.to_numpy(dtype=object)).sum(), fill_value=0.0)
    ordered = sorted(share.index, key=lambda value: (-share[value], value))
    return (*(str(value) for value in ordered[:CATEGORIES_MAX]), OTHER, MISSING)


def _codes(text: "pd.Series[str]", levels: tuple[str, ...]) -> Ints:
    known = pd.Categorical(text, categories=list(levels[:-2])).codes.astype(np.intp)
    known = np.where(known < 0, len(levels) - 2, known)
    return np.where(text.isna().to_numpy(), len(levels) - 1, known)


def _shares(
    one: Ints,
    two: Ints,
    levels: int,
    reference: Sample,
    current: Sample,
    groups: int,
    relative: bool,
) -> tuple[Block, Floats]:
    """Block of level shares, and current minus expected share of every group and level."""
    everyone = np.ones(len(one), dtype=bool), np.ones(len(two), dtype=bool)
    before = _counts(one, levels, reference, groups, everyone[0])
    after = _counts(two, levels, current, groups, everyone[1])
    moves = np.eye(levels)
    if relative:
        moves = bank_moves(
            bank_counts(one, reference, levels),
            bank_counts(two, current, levels),
        )
    block = Block(before, after, moves, np.eye(levels))
    return block, _share(after) - _share(before) @ moves


def bank_counts(level: Ints, month: Sample, levels: int) -> Floats:
    """Customers of the bank by level."""
    counts: Floats = np.bincount(level, month.weight, minlength=levels).astype(np.float64)
    return counts


def bank_moves(before: Floats, after: Floats) -> Floats:
    """The fewest moves between levels that turn the bank's shares `before` into `after`.

    Row j holds where a customer of level j is now expected: those of a shrinking level leave
    in equal proportion everywhere, to the growing levels in proportion to their growth. So a
    level that is new in the bank is expected in every cell.

    >>> bank_moves(np.array([50.0, 50.0]), np.array([25.0, 75.0])).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    before, after = before / before.sum(), after / after.sum()
    growth = np.maximum(after - before, 0.0)
    if growth.sum() <= 1e-12:
        return np.eye(len(before))
    leaving = np.maximum(before - after, 0.0) / np.where(before > 0, before, 1.0)
    return np.diag(1.0 - leaving) + np.outer(leaving, growth / growth.sum())


def _counts(
    level: Ints,
    levels: int,
    month: Sample,
    groups: int,
    kept: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
) -> Floats:
    group, count = month.group[kept], month.case_weight[kept]
    inside = group != NO_GROUP
    place = group[inside] * levels + level[inside]
    table: Floats = np.bincount(place, count[inside], minlength=groups * levels).astype(np.float64)
    return table.reshape(groups, levels)


def _share(counts: Floats) -> Floats:
    total = counts.sum(axis=1, keepdims=True)
    return counts / np.where(total > 0, total, 1.0)
