"""Customers of three planted behaviours, for tests of segments."""

import numpy as np
import pandas as pd

BEHAVIOUR = ("transactions_90d", "channels_365d", "gap_std_365d")


def groups(rows: int, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Their features, and which behaviour each has; the value is independent of it."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, 3, rows)
    middle = np.array([[2.0, 1, 30], [40, 2, 5], [15, 6, 60]])[kind]
    noise = random.normal(size=(rows, 3)) * [2, 0.3, 3]
    frame = pd.DataFrame(middle + noise, columns=list(BEHAVIOUR))
    frame["balance_usual"] = random.lognormal(8, 1, rows)
    return frame, kind
