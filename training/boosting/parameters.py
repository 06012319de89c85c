"""Parameters of LightGBM: what makes it repeat itself, constraints, and the ways that are tried."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import BadInput
from domain.near import near
from features.manifest import FeatureManifest

SHRINKAGE = 5.0  # lambda_l2 where none is given
FINER = {"lambda_l2": 0.0, "max_bin": 1023}  # better where the classes part sharply
FINER_LOST = 1000  # of fewer lost rows it cannot be told which is better
FINER_ROWS = 200_000  # of more rows it hardly matters


def ways(
    usual: dict[str, Any], target: NDArray[np.float64], lambda_l2: float | None
) -> list[dict[str, Any]]:
    """The parameters to try for classes `target`: the usual ones first, then those of FINER.

    Only the usual ones where a shrinkage is given, or it could not be told which are better.

    >>> target = np.repeat([0.0, 1.0], [4000, 1000])
    >>> [len(ways({}, target, given)) for given in (None, 1.0)], len(ways({}, target[:-1], None))
    ([2, 1], 1)
    """
    lost = min(target.sum(), len(target) - target.sum())
    tells = lost >= FINER_LOST and len(target) <= FINER_ROWS
    return [usual, usual | FINER] if lambda_l2 is None and tells else [usual]


def fixed_parameters(seed: int, threads: int) -> Mapping[str, Any]:
    """What makes LightGBM repeat itself to the byte, with any number of threads."""
    return {
        "seed": seed,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def directions(constraints: Mapping[str, int], manifest: FeatureManifest) -> dict[str, Any]:
    """LightGBM's constraints in the order of the columns.

    >>> import pandas as pd
    >>> manifest = FeatureManifest.fit(pd.DataFrame({"age": [1.0], "recency_days": [2.0]}))
    >>> directions({"recency_days": 1}, manifest)["monotone_constraints"]
    [0, 1]
    """
    numbers = [column.name for column in manifest.columns if column.kind == "number"]
    for name, direction in constraints.items():
        if name not in numbers or direction not in (-1, 1):
            found = near(name, numbers)
            hint = f" (near it: {', '.join(found)})" if found else ""
            raise BadInput(
                f"monotone_constraints {name!r}: {direction!r} cannot be kept; name a column of "
                f"numbers{hint} and 1 (rising) or -1 (falling)"
            )
    if not constraints:
        return {}
    return {"monotone_constraints": [constraints.get(name, 0) for name in manifest.names]}
