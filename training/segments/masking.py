"""Customers of whom little is known: what trees learn from, and are tested on, with fields hidden.

Fields go missing together: a bank that does not record channels lacks every feature of them. So
what is hidden is a family of features, the part of a customer's life that they are about.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.manifest import MISSING, FeatureManifest
from features.registry import FEATURES

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
HIDDEN_SHARE = 0.3  # of the families, in the rows that trees learn from


def family_of(name: str) -> str:
    """The family of a feature; one that is not registered is a family of its own.

    >>> family_of("balance_usual"), family_of("no_such_feature")
    ('balance', 'no_such_feature')
    """
    return FEATURES[name].family if name in FEATURES else name


def families(names: Sequence[str]) -> list[str]:
    """The families of features, each once, in order."""
    return list(dict.fromkeys(family_of(name) for name in names))


def hidden(matrix: Floats, manifest: FeatureManifest, hide: Bools) -> Floats:
    """The matrix with the families of each row hidden that `hide` (rows x families) says."""
    of_columns = families(manifest.names)
    column = [of_columns.index(family_of(name)) for name in manifest.names]
    missing = np.full(len(manifest.names), np.nan)
    missing[manifest.categories] = MISSING
    return np.where(hide[:, column], missing, matrix)


def hidden_at_random(
    matrix: Floats, manifest: FeatureManifest, seed: int, share: float = HIDDEN_SHARE
) -> Floats:
    """The matrix with each family of each row hidden with probability `share`."""
    shape = (len(matrix), len(families(manifest.names)))
    return hidden(matrix, manifest, np.random.default_rng(seed).random(shape) < share)
