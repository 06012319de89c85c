"""Tables of a run: what each segment is, and how well trees place those who are hardly known."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.intervals import wilson
from training.segmentation import BORDERLINE, SegmentModel
from training.segments.masking import families, hidden, hidden_at_random
from training.segments.naming import distinguishing
from training.segments.separation import Outcomes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TENURE, NEW_DAYS = "tenure_days", 90  # customers with a history as short as this are thin
HALF = "half of the families, at random"


def segment_table(model: SegmentModel, first: pd.DataFrame, outcomes: Outcomes) -> pd.DataFrame:
    """One row per segment: customers at the first cut-off, what sets it apart, what became of it.

    `value` is the mean then and `value_later` a horizon later, who left with 0; `churn` is the
    rate of loss with its 95 % interval; NaN where nothing of it is known.
    """
    assigned = model.segments(first)
    value = first[model.rule.value_feature].to_numpy(np.float64)
    profile = profiles(model, first).drop(columns=model.rule.value_feature)
    rows = []
    for at, name in enumerate(model.names):
        inside = assigned == at
        policy = model.scheme.policies[at]
        rows.append(
            {
                "segment": name,
                "generated": model.scheme.generated[at],
                "customers": int(inside.sum()),
                "share": float(inside.mean()),
                "set_apart_by": distinguishing(_known(profile, name)),
                "value": _mean(value[inside]),
                "value_later": _mean(outcomes.value[inside]),
                **_rate(outcomes.lost[inside]),
                **policy._asdict(),
            }
        )
    return pd.DataFrame(rows)


def profiles(model: SegmentModel, frame: pd.DataFrame) -> pd.DataFrame:
    """Mean rank of the value and of each behaviour feature in each segment that has customers."""
    ranks = pd.DataFrame(model.rule.ranks(frame), columns=list(model.rule.behaviour))
    value = frame[model.rule.value_feature].rank(pct=True).fillna(0.0)
    ranks.insert(0, model.rule.value_feature, value.to_numpy())
    names = pd.Series([model.names[at] for at in model.segments(frame)], name="segment")
    means = ranks.groupby(names).mean()
    return means.reindex([name for name in model.names if name in means.index])


def masked_table(model: SegmentModel, aside: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row per set of hidden fields: how often the trees give held-out customers' segment.

    `commonest` is the share of the largest segment; `borderline` that of customers for whom no
    segment is likelier than all others together, `clear_accuracy` the accuracy of the rest.
    """
    truth, matrix = model.segments(aside), model.manifest.encode(aside)
    of_columns = families(model.manifest.names)
    hides = {"nothing": matrix}
    for at, family in enumerate(of_columns):
        hide = np.zeros((len(matrix), len(of_columns)), dtype=bool)
        hide[:, at] = True
        hides[family] = hidden(matrix, model.manifest, hide)
    hides[HALF] = hidden_at_random(matrix, model.manifest, seed + 1, 0.5)
    rows = [{"hidden": what, **_placed(model, rows, truth)} for what, rows in hides.items()]
    if TENURE in aside.columns:
        new = (aside[TENURE] <= NEW_DAYS).to_numpy()
        if new.any():
            told = _placed(model, matrix[new], truth[new])
            rows.append({"hidden": f"customers of {NEW_DAYS} days or less", **told})
    return pd.DataFrame(rows)


def _placed(model: SegmentModel, matrix: Floats, truth: Ints) -> dict[str, float]:
    shares = model.probabilities(matrix)
    hits, clear = shares.argmax(axis=1) == truth, shares.max(axis=1) >= BORDERLINE
    low, high = wilson(float(hits.sum()), len(hits))
    return {
        "customers": len(hits),
        "accuracy": float(hits.mean()),
        "accuracy_low": low,
        "accuracy_high": high,
        "commonest": float(np.bincount(truth).max() / len(truth)),
        "borderline": float(1 - clear.mean()),
        "clear_accuracy": _mean(hits[clear].astype(np.float64)),
    }


def _known(profile: pd.DataFrame, name: str) -> Mapping[str, float]:
    return (
        {str(key): float(v) for key, v in profile.loc[name].items()}
        if name in profile.index
        else {}
    )


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _rate(lost: Floats) -> dict[str, float]:
    known = lost[np.isfinite(lost)]
    if not len(known):
        return dict.fromkeys(("churn", "churn_low", "churn_high"), float("nan"))
    low, high = wilson(float(known.sum()), len(known))
    return {"churn": float(known.mean()), "churn_low": low, "churn_high": high}
