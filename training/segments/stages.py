"""Life stages: age by steps, businesses, and those whose age nobody knows."""

from collections.abc import Collection, Sequence
from itertools import groupby

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]
AGE, KIND, BUSINESS = "age_years", "customer_kind", "business"
KNOWN_SHARE = 0.5  # of the customers: with fewer known ages there are no life stages


def life_stages(frame: pd.DataFrame, ages: Sequence[int]) -> Ints:
    """Stage of each row: the step of its age, then business, then age not known.

    >>> people = pd.DataFrame({"age_years": [29.9, 30.0, None, 50.0],
    ...                        "customer_kind": [None, "person", "person", "business"]})
    >>> life_stages(people, ages=(30, 60)).tolist()
    [0, 1, 4, 3]
    """
    age = frame[AGE].to_numpy(np.float64)
    stage = np.searchsorted(np.asarray(ages, dtype=np.float64), age, side="right")
    stage = np.where(np.isnan(age), len(ages) + 2, stage)
    if KIND in frame.columns:
        stage = np.where((frame[KIND] == BUSINESS).to_numpy(), len(ages) + 1, stage)
    return stage.astype(np.int64)


def stages_known(frame: pd.DataFrame) -> bool:
    """Whether enough ages are known for life stages to say something."""
    return AGE in frame.columns and bool(frame[AGE].notna().mean() >= KNOWN_SHARE)


def stage_words(group: Collection[int], ages: Sequence[int], present: Collection[int]) -> str:
    """What a group of stages is called; nothing when it holds every stage that is `present`.

    >>> stage_words([0, 1], (30, 60), present=range(5))
    'under 60'
    >>> stage_words([2, 3], (30, 60), present=range(5))
    '60 and over or business'
    """
    told = sorted(set(group) & set(present))
    if set(told) == set(present):
        return ""
    steps = [stage for stage in told if stage <= len(ages)]
    runs = [[s for _, s in run] for _, run in groupby(enumerate(steps), lambda p: p[1] - p[0])]
    words = [_ages(run[0], run[-1], ages) for run in runs]
    words += [BUSINESS] if len(ages) + 1 in told else []
    words += ["age unknown"] if len(ages) + 2 in told else []
    return " or ".join(words)


def _ages(first: int, last: int, ages: Sequence[int]) -> str:
    low = ages[first - 1] if first > 0 else None
    high = ages[last] - 1 if last < len(ages) else None
    if low is None:
        return "a person" if high is None else f"under {high + 1}"
    return f"{low} and over" if high is None else f"{low} to {high}"
