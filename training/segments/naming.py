"""Names of segments: what sets them apart, or what the champion calls the same one."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from training.segments.rule import Part, SegmentRule, counted
from training.segments.stages import stage_words
from training.words import segment_word

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TIER_WORDS = {
    1: ("any value",),
    2: ("low value", "high value"),
    3: ("low value", "middle value", "high value"),
    4: ("low value", "lower middle value", "upper middle value", "high value"),
}
BETWEEN = " · "
DISTINCT = 0.15  # mean rank this far from the middle is worth a word
WORDS_AT_LEAST, WORDS_AT_MOST = 2, 4


class Known(NamedTuple):
    """What is kept of the champion's segments: its clusters and their words, and its grouping."""

    ages: tuple[int, ...] | None
    behaviour: tuple[str, ...]
    centres: Floats
    words: tuple[str, ...]
    lookup: Ints


def matched(new: Floats, old: Floats) -> dict[int, int]:
    """Which new cluster is which old one, by the assignment that moves the centres least.

    A centre that moved further than half the way between two old ones is a new cluster.

    >>> old = np.array([[0.2, 0.2], [0.8, 0.8]])
    >>> matched(np.array([[0.78, 0.8], [0.2, 0.9], [0.25, 0.2]]), old)
    {0: 1, 2: 0}
    """
    if len(old) == 1 or len(new) == 1:  # behaviour is no dimension of one of them
        return {0: 0} if len(old) == len(new) else {}
    away = _distances(new, old)
    between = _distances(old, old)
    near = between[between > 0].min(initial=np.inf) / 2
    pairs = zip(*linear_sum_assignment(away), strict=True)
    return {int(here): int(there) for here, there in pairs if away[here, there] < near}


def cluster_words(rule: SegmentRule, known: Known | None = None) -> tuple[str, ...]:
    """Words for each cluster: the champion's where it is the same one, else what sets it apart."""
    kept: dict[int, str] = {}
    if known is not None and known.behaviour == rule.behaviour:
        pairs = matched(rule.centres, known.centres)
        kept = {here: known.words[there] for here, there in pairs.items()}
    apart = rule.centres - rule.centres.mean(axis=0)
    orders = np.argsort(-np.abs(apart), axis=1, kind="stable")
    for count in range(WORDS_AT_LEAST, WORDS_AT_MOST + 1):
        found = [
            kept.get(at) or phrase(rule.behaviour, apart[at], orders[at][:count])
            for at in range(len(apart))
        ]
        if len(set(found)) == len(found):
            return tuple(found)
    return tuple(kept.get(at) or f"{words} {at + 1}" for at, words in enumerate(found))


def segment_names(rule: SegmentRule, words: Sequence[str], frame: pd.DataFrame) -> tuple[str, ...]:
    """The generated name of each segment: tier, life stage, behaviour; unique."""
    counts = counted(rule, frame)
    present = np.flatnonzero(counts.sum(axis=(0, 2))).tolist()
    tiers = TIER_WORDS[len(rule.value_edges) + 1]
    names = []
    for part in rule.parts:
        stage = "" if rule.ages is None else stage_words(part.stages, rule.ages, present)
        told = (tiers[part.tier], stage, _behaviour(part, counts, words))
        names.append(BETWEEN.join(word for word in told if word))
    return tuple(names)


def _behaviour(part: Part, counts: Ints, words: Sequence[str]) -> str:
    """Words of the largest cluster of a segment; none when it holds every cluster."""
    if len(part.clusters) == counts.shape[2]:
        return ""
    sizes = counts[part.tier, list(part.stages)].sum(axis=0)
    return words[max(part.clusters, key=lambda cluster: (sizes[cluster], -cluster))]


def phrase(behaviour: Sequence[str], apart: Floats, features: Ints) -> str:
    """What much or little of these features makes of a customer.

    >>> phrase(["transactions_90d", "channels_365d"], np.array([0.3, -0.05]), np.array([0, 1]))
    'frequent'
    """
    if np.abs(apart).max() < 1e-9:
        return "everyone"
    told = [at for at in features if abs(apart[at]) >= DISTINCT] or list(features[:1])
    return ", ".join(segment_word(behaviour[at], bool(apart[at] > 0)) for at in told)


def distinguishing(ranks: Mapping[str, float], most: int = 3) -> str:
    """The features whose mean rank is furthest from the middle customer's, with it.

    >>> distinguishing({"transactions_90d": 0.9, "channels_365d": 0.5, "debit_90d": 0.2}, most=2)
    'frequent (0.90), small spender (0.20)'
    """
    order = sorted(ranks, key=lambda name: -abs(ranks[name] - 0.5))[:most]
    return ", ".join(
        f"{segment_word(name, ranks[name] > 0.5)} ({ranks[name]:.2f})" for name in order
    )


def _distances(here: Floats, there: Floats) -> Floats:
    return np.asarray(np.sqrt(((here[:, None, :] - there[None]) ** 2).mean(axis=2)))
