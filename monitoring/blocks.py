"""One column of two months, as blocks to be tested: counts and scores by level and group.

In a cell a column is measured against the bank: the bank's own change is applied to the cell's
reference, which gives what is expected of it now, on the levels of the current month. Numbers
keep their rank in the bank; categories (and missing against present) change as the bank's did.
What moves every cell alike, such as season, clocks or inflation, then moves none.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from monitoring import ranks
from monitoring.ranks import Floats, Ints, Ranking
from monitoring.samples import NO_GROUP, Sample, is_number, numbers
from monitoring.statistics import Block, Mask

DEGREE = 4  # rank scores: place, spread, skewness, tails
CATEGORIES_MAX = 20  # the rarer ones count as one
OTHER, MISSING = "(other)", "(missing)"


class ColumnBlocks(NamedTuple):
    """What is tested of one column, and how far each group moved.

    `blocks` are tested together; `place` (numbers) is the mean rank, tested beside them.
    `lift` is the signed change behind the words: per group, of the mean rank (numbers) or of
    the share of every level (categories); `missing` that of the missing share.
    """

    method: str
    blocks: tuple[Block, ...]
    place: Block | None
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
    one, two = ranks.rounded(one), ranks.rounded(two)
    known = ~np.isnan(one), ~np.isnan(two)
    before, after, moves = _rankings(one, two, known, reference, current, relative)
    counts = [
        _counts(ranking.level(values[there]), len(ranking.edges), month, groups, there)
        for ranking, values, month, there in (
            (before, one, reference, known[0]),
            (after, two, current, known[1]),
        )
    ]
    scores = ranks.rank_scores(after.lower, after.upper, DEGREE)
    block = Block(counts[0] @ moves, counts[1], scores)
    both = (counts[0].sum(axis=1) > 0) & (counts[1].sum(axis=1) > 0)
    apart = np.where(both[:, None], _share(block.current) - _share(block.reference), 0.0)
    means = apart @ scores
    moved = np.abs(apart @ ranks.rank_distribution(after.lower, after.upper)).mean(axis=1)
    gap_block, gap = _shares(
        _present_and_missing(counts[0], reference, groups),
        _present_and_missing(counts[1], current, groups),
        bank_counts(known[0] == 0, reference, 2) if relative else None,
        bank_counts(known[1] == 0, current, 2) if relative else None,
    )
    missing = gap[:, 1]
    return ColumnBlocks(
        "rank-score",
        (block, gap_block),
        block._replace(scores=scores[:, :1]),
        np.maximum(moved, np.abs(missing)),
        means[:, :1],
        means[:, 1],
        missing,
        (),
    )


def _rankings(
    one: Floats,
    two: Floats,
    known: tuple[Mask, Mask],
    reference: Sample,
    current: Sample,
    relative: bool,
) -> tuple[Ranking, Ranking, Floats]:
    """The rankings of both months, and where each level of the first goes in the second."""
    one, two = one[known[0]], two[known[1]]
    weight = reference.weight[known[0]], current.weight[known[1]]
    if relative:
        before, after = ranks.ranking(one, weight[0]), ranks.ranking(two, weight[1])
        return before, after, ranks.transport(before, after)
    halves = [part / max(float(part.sum()), 1e-300) for part in weight]
    if all(part.min(initial=1.0) == part.max(initial=1.0) for part in weight):
        one, two = np.sort(one), np.sort(two)  # two runs in order are merged, not sorted again
    both = ranks.ranking(np.concatenate([one, two]), np.concatenate(halves))
    return both, both, np.eye(len(both.edges))


def _present_and_missing(known: Floats, month: Sample, groups: int) -> Floats:
    everyone = _counts(np.zeros(len(month.group), dtype=np.intp), 1, month, groups, None)[:, 0]
    present = known.sum(axis=1)
    return np.column_stack([present, np.maximum(everyone - present, 0.0)])


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
    both = (codes[0], reference), (codes[1], current)
    tables = [_counts(code, len(levels), month, groups, None) for code, month in both]
    bank = [bank_counts(code, month, len(levels)) if relative else None for code, month in both]
    block, change = _shares(tables[0], tables[1], bank[0], bank[1])
    return ColumnBlocks(
        "contingency",
        (block,),
        None,
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
    before: Floats, after: Floats, bank_before: Floats | None, bank_after: Floats | None
) -> tuple[Block, Floats]:
    """Block of counts by level, and current minus expected share of every group and level."""
    levels = before.shape[1]
    moves = np.eye(levels)
    if bank_before is not None and bank_after is not None:
        moves = bank_moves(bank_before, bank_after)
    block = Block(before @ moves, after, np.eye(levels))
    return block, _share(after) - _share(block.reference)


def bank_counts(level: Ints | Mask, month: Sample, levels: int) -> Floats:
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


def _counts(level: Ints, levels: int, month: Sample, groups: int, kept: Mask | None) -> Floats:
    """Customers by group and level; `level` is that of the `kept` rows, all when None."""
    group, count = month.group, month.case_weight
    if kept is not None and not kept.all():  # copies of whole columns cost more than the counting
        group, count = group[kept], count[kept]
    if group.min(initial=0) == NO_GROUP:
        inside = group != NO_GROUP
        group, count, level = group[inside], count[inside], level[inside]
    table = np.bincount(group * levels + level, count, minlength=groups * levels)
    return table.astype(np.float64).reshape(groups, levels)


def _share(counts: Floats) -> Floats:
    total = counts.sum(axis=1, keepdims=True)
    return counts / np.where(total > 0, total, 1.0)
