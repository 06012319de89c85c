"""Many LightGBM models as one text, whose raw score is the mean of theirs.

Whatever reads one model reads it: serving, verification, TreeSHAP, Spark.
"""

import re
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import lightgbm as lgb

TREE = re.compile(r"^Tree=\d+\n", re.MULTILINE)
SIZES = re.compile(r"^tree_sizes=.*\n", re.MULTILINE)
SHARED = re.compile(r"^(leaf_value|internal_value)=(.+)$", re.MULTILINE)
# of the machine that grew the trees: no part of the model
THREADS = re.compile(r"^\[num_threads: .*\]\n", re.MULTILINE)
END = "end of trees\n"


def merged(boosters: Sequence["lgb.Booster"], rounds: int) -> "lgb.Booster":
    """The first `rounds` trees of each booster as one model; each leaf is a share of the mean.

    Raises ValueError when the boosters do not have the same columns and bins.
    """
    texts = [_Text.of(booster.model_to_string(num_iteration=rounds)) for booster in boosters]
    if len({text.head for text in texts}) != 1:
        raise ValueError("boosters of other columns or bins cannot become one")
    bodies = chain.from_iterable(text.trees for text in texts)
    trees = [f"Tree={at}\n{_shared(body, len(texts))}" for at, body in enumerate(bodies)]
    sizes = " ".join(str(len(tree.encode())) for tree in trees)
    text = f"{texts[0].head}tree_sizes={sizes}\n\n{''.join(trees)}{END}{texts[0].tail}"
    return lgb.Booster(model_str=text)


class _Text(NamedTuple):
    """What LightGBM writes: its columns and bins, a body a tree, its parameters."""

    head: str
    trees: list[str]
    tail: str

    @classmethod
    def of(cls, text: str) -> "_Text":
        body, _, tail = text.partition(END)
        head, *trees = TREE.split(body)
        return cls(SIZES.sub("", head).rstrip("\n") + "\n", trees, THREADS.sub("", tail))


def _shared(tree: str, among: int) -> str:
    """A tree whose leaves (and means of nodes) are divided.

    >>> _shared("leaf_value=1 -0.5", among=2)
    'leaf_value=0.5 -0.25'
    """

    def share(line: re.Match[str]) -> str:
        return f"{line[1]}={' '.join(repr(float(value) / among) for value in line[2].split())}"

    return SHARED.sub(share, tree)
