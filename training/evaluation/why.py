"""Why a model says what it says: of all customers, and of each cell against all.

Pushes are TreeSHAP contributions in log-odds (Lundberg and others, 2020): a customer's sum to the
score, so the mean pushes of a cell less those of the bank sum to how far the cell's mean score lies
from the bank's.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.cell_rates import FITTED
from features.registry import FEATURES
from features.wording import Value, in_words
from training.retention import RetentionClassifier
from training.words import feature_text

Floats = NDArray[np.float64]
CELL_CUSTOMERS = 200  # rows of a cell that its summary looks at, drawn at random
TOP = 3  # features that are told of a cell


class Why(NamedTuple):
    """`features`: one row per feature, the strongest first. `cells`: up to TOP rows per cell."""

    features: pd.DataFrame
    cells: pd.DataFrame


def drawn(rows: pd.DataFrame, seed: int, most: int = CELL_CUSTOMERS) -> pd.DataFrame:
    """At most `most` rows of every cell, drawn at random, in the order they had.

    >>> rows = pd.DataFrame({"cell_id": ["a"] * 5 + ["b"]})
    >>> drawn(rows, 0, most=2)["cell_id"].tolist()
    ['a', 'a', 'b']
    """
    mixed = rows.sample(frac=1, random_state=seed)
    return mixed[mixed.groupby("cell_id").cumcount() < most].sort_index()


def why(rows: pd.DataFrame, pushes: pd.DataFrame, shares: pd.Series, customers_min: int) -> Why:
    """What moves the scores of all, and of each cell with `customers_min` customers or more.

    `rows` holds customer_id, cell_id and the features, `pushes` (rows x features) their
    contributions in log-odds, `shares` for each row how many customers of its cell it stands for.
    A cell's features are those that set its mean score apart from the bank's, up or down; numbers
    only, for a category has no middle customer.
    """
    weight = shares.to_numpy(np.float64)
    bank = _means(pushes, weight)
    strength = _means(pushes.abs(), weight)
    features = pd.DataFrame(
        {
            "feature": strength.index,
            "meaning": [feature_text(name) for name in strength.index],
            "push": bank.to_numpy(),
            "strength": strength.to_numpy(),
        }
    ).sort_values("strength", ascending=False, ignore_index=True)
    middle = rows[list(pushes.columns)].select_dtypes("number").median()
    found = [
        row
        for cell, part in rows.groupby("cell_id", sort=True)
        if part["customer_id"].nunique() >= customers_min
        for row in _cell(str(cell), part, pushes.loc[part.index], bank, middle)
    ]
    columns = ("cell_id", "apart", "feature", "push", "value", "bank_value", "text", "text_zh")
    return Why(features, pd.DataFrame(found, columns=columns))


def _cell(
    cell: str, rows: pd.DataFrame, pushes: pd.DataFrame, bank: pd.Series, middle: pd.Series
) -> list[tuple[Any, ...]]:
    apart = pushes.mean() - bank
    total = float(apart.sum())
    known = [name for name in apart.index if name in middle.index]
    chosen = apart[known].sort_values(key=np.abs, ascending=False, kind="stable").head(TOP)
    here = rows[known].median()
    return [
        (
            cell,
            total,
            name,
            float(push),
            float(here[name]),
            float(middle[name]),
            _told(name, here[name], "en"),
            _told(name, here[name], "zh"),
        )
        for name, push in zip(map(str, chosen.index), chosen, strict=True)
        if push
    ]


def _told(name: str, value: float, language: str) -> str:
    """The middle customer of a cell in words."""
    plain: Value = None if np.isnan(value) else float(value)
    known: Mapping[str, Any] = {**FEATURES, **FITTED}
    return in_words(plain, known[name], language) if name in known else f"{name}: {value:,.4g}"


def _means(pushes: pd.DataFrame, weight: Floats) -> pd.Series:
    return pd.Series(np.average(pushes, axis=0, weights=weight), pushes.columns)


def why_of(
    model: RetentionClassifier, rows: pd.DataFrame, customers_min: int, seed: int
) -> dict[str, pd.DataFrame]:
    """The tables `why` and `cell_why` of a model on rows, of which some of each cell are drawn."""
    some = drawn(rows, seed)
    pushes = model.contributions(some).drop(columns="base").set_index(some.index)
    found = why(some, pushes, stands_for(some, rows), customers_min)
    return {"why": found.features, "cell_why": found.cells}


def stands_for(rows: pd.DataFrame, every: pd.DataFrame) -> pd.Series:
    """For each drawn row, how many rows of its cell among `every` it stands for.

    >>> every = pd.DataFrame({"cell_id": ["a"] * 6 + ["b"]})
    >>> stands_for(every.iloc[[0, 1, 6]], every).tolist()
    [3.0, 3.0, 1.0]
    """
    size, taken = every["cell_id"].value_counts(), rows["cell_id"].value_counts()
    share: pd.Series = rows["cell_id"].map(size / taken)
    return share
