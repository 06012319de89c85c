"""Lost by when: a model a horizon, whose probabilities never fall as the horizon grows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.boosting.search import classifier
from training.retention import RetentionClassifier
from training.settings import RetentionSettings

Floats = NDArray[np.float64]


class KindModel(NamedTuple):
    """One definition of loss: a classifier for each horizon (days after the gap), shortest first."""

    kind: str
    horizons: tuple[int, ...]
    models: tuple[RetentionClassifier, ...]

    def probability(self, X: pd.DataFrame) -> Floats:  # noqa: N803 (as scikit-learn)
        """Rows x horizons; what a shorter horizon foretells, a longer one does at least."""
        each = [model.predict_proba(X)[:, 1] for model in self.models]
        return np.maximum.accumulate(np.column_stack(each), axis=1)


def fit_kind(
    kind: str,
    X: pd.DataFrame,  # noqa: N803
    lost: pd.DataFrame,
    customers: Sequence[str],
    horizons: Sequence[int],
    settings: RetentionSettings,
) -> KindModel:
    """Learn from features `X` and who was `lost` by each horizon (its columns, 0 or 1).

    Raises BadInput where nobody was lost or kept by a horizon.
    """
    found = [classifier(settings).fit(X, lost[name].to_numpy(), customers) for name in lost.columns]
    return KindModel(kind, tuple(horizons), tuple(found))
