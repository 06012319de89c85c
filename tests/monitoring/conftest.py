"""A small bank whose months can be moved at will."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

Month = Callable[..., pd.DataFrame]


@pytest.fixture(scope="session")
def month() -> Month:
    """Months of a bank of equal cells: numbers, counts with many zeros, gaps, categories."""

    def build(seed: int, cells: int = 12, size: int = 300) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        rows = cells * size
        place = np.repeat(np.arange(cells), size)
        return pd.DataFrame(
            {
                "cell_id": np.array([f"C{at:02d}" for at in range(cells)])[place],
                "credit_30d": np.exp(rng.normal(6 + place / 10, 1.0)),
                "balance_last": rng.normal(1000 + 50 * place, 400),
                "transactions_30d": rng.poisson(3.0 + place / 10).astype(float),
                "complaints": (rng.random(rows) < 0.05).astype(float),
                "regularity": np.where(rng.random(rows) < 0.3, np.nan, rng.random(rows)),
                "customer_kind": rng.choice(["person", "farm", "shop"], rows, p=[0.7, 0.2, 0.1]),
            }
        )

    return build


@pytest.fixture(scope="session")
def flagged() -> Callable[[pd.DataFrame], set[tuple[str, str]]]:
    """The (cell, column) pairs that drifted."""

    def pairs(drift: pd.DataFrame) -> set[tuple[str, str]]:
        found = drift[drift["drifted"]]
        return set(zip(found["cell_id"], found["column"], strict=True))

    return pairs
