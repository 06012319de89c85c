"""The leakage gate: a training that knows the answer beforehand ends before it is registered.

Three ways to know it, each looked for on a sample of customers: a feature that changes when
everything after its cut-off is cut away; a feature that alone tells the lost from the kept; labels
that are dealt out to the customers at random and are foretold all the same.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import BadInput
from features.customer import customer_features
from features.engine import Tables, frame_of
from features.past import known_at, rows_of
from training.rows.dataset import TARGET, feature_names, steady
from training.rows.store import StoredRows, read_sample
from training.settings import RetentionSettings

Floats = NDArray[np.float64]
Fit = Callable[[pd.DataFrame, NDArray[Any], "pd.Series[str]"], float]
SAMPLE, LOOKED_AT = 20_000, 300  # customers; of those, whose features are made again
BINS = 32  # of a number; every value of a category is one
AGREE = 1e-7  # rows keep nine digits
SHOWN = 5  # features in one message
SURE = 2.0  # standard errors by which a feature alone must pass its bound
CHANCE = 4.0  # standard errors of an AUC that says nothing: once in 30,000 trainings


class LeakageCheck(NamedTuple):
    """One way to know the answer beforehand: what was found, and the most that is allowed."""

    check: str
    found: float
    bound: float
    passed: bool
    words: str


def leakage_checks(
    tables: Tables, stored: StoredRows, settings: RetentionSettings, fit: Fit
) -> tuple[LeakageCheck, ...]:
    """Every check, on rows that were written to train on; `fit` as `shuffled` has it."""
    rows = read_sample(stored.train, SAMPLE, stored.counts.customers)
    names, seed = feature_names(rows), settings.seed
    y, customers = rows[TARGET].to_numpy(np.float64), rows["customer_id"]
    last = rows[rows["as_of"] == rows["as_of"].max()]
    return (
        seen_ahead(tables, last[:LOOKED_AT], names),
        each_alone(rows[names], y, customers, settings.feature_auc_max, seed),
        shuffled(rows, names, fit, seed),
    )


def seen_ahead(tables: Tables, rows: pd.DataFrame, names: Sequence[str]) -> LeakageCheck:
    """Features of `rows` (customer_id, as_of, features) against those of the past alone.

    The features of the same customers are made again from tables that end at each cut-off.
    """
    differ: dict[str, int] = dict.fromkeys(names, 0)
    for day, part in rows.groupby("as_of", sort=True):
        for name, unlike in _differing(tables, _day(day), part, names).items():
            differ[name] += unlike
    found = [name for name, count in differ.items() if count]
    words = (
        f"change when the rows after the cut-off are cut away: {_listed(found)}"
        if found
        else f"{len(names)} features of {rows.customer_id.nunique():,} customers are the same when "
        "the rows after the cut-off are cut away"
    )
    return LeakageCheck("the past alone", float(len(found)), 0.0, not found, words)


def _differing(
    tables: Tables, day: date, rows: pd.DataFrame, names: Sequence[str]
) -> dict[str, int]:
    ids = list(rows["customer_id"])
    again = frame_of(customer_features(known_at(rows_of(tables, ids), day), day, ids))
    again = steady(again).set_index("customer_id").reindex(rows["customer_id"])
    return {name: _unlike(rows[name], again[name]) for name in names}


def _unlike(one: "pd.Series[Any]", other: "pd.Series[Any]") -> int:
    if one.dtype.kind != "f":
        return int((one.fillna("").to_numpy(object) != other.fillna("").to_numpy(object)).sum())
    left, right = one.to_numpy(np.float64), other.to_numpy(np.float64)
    return int((~np.isclose(left, right, rtol=AGREE, atol=AGREE, equal_nan=True)).sum())


def _day(value: Any) -> date:
    return pd.Timestamp(value).date()


def each_alone(
    features: pd.DataFrame, y: Floats, customers: "pd.Series[str]", bound: float, seed: int
) -> LeakageCheck:
    """The feature that best tells the lost from the kept, alone; surely above `bound` is a leak.

    Measured on customers that its bins did not learn from, so that chance alone gives one half.
    """
    half = _half(customers, seed)
    power = {str(name): alone(features[name], y, half) for name in features}
    error = {name: _standard_error(auc, y[~half]) for name, auc in power.items()}
    leaks = [name for name, auc in power.items() if auc - SURE * error[name] > bound]
    best = max(power, key=lambda name: power[name])
    told = f"the strongest feature alone is {best} with an AUC of {power[best]:.3f}"
    words = (
        f"each tells the lost from the kept almost alone (AUC above {bound:g}): {_listed(leaks)}"
    )
    return LeakageCheck(
        "each feature alone", power[best], bound, not leaks, words if leaks else told
    )


def alone(values: "pd.Series[Any]", y: Floats, learn: NDArray[np.bool_]) -> float:
    """AUC of the rate of loss in the bin of a value; the rates are of the rows `learn`.

    Bins hold equally many rows; missing values are one of their own, each category is one.

    >>> values, learn = pd.Series([1.0, 9.0] * 40), np.arange(80) < 40
    >>> alone(values, (values > 5).to_numpy(float), learn)
    1.0
    """
    bins = _bins(values)
    rows, lost = np.bincount(bins[learn]), np.bincount(bins[learn], y[learn])
    rate = np.full(bins.max() + 1, y[learn].mean())
    rate[: len(rows)] = (lost + y[learn].mean()) / (rows + 1)
    order = np.argsort(np.argsort(-rate, kind="stable"))
    test = order[bins[~learn]]
    gone = np.bincount(test, y[~learn], len(rate))
    kept = np.bincount(test, 1 - y[~learn], len(rate))
    pairs = gone.sum() * kept.sum()
    below = kept.sum() - np.cumsum(kept)
    return float((gone * (below + kept / 2)).sum() / pairs) if pairs else 0.5


def _bins(values: "pd.Series[Any]") -> NDArray[np.intp]:
    if values.dtype.kind not in "fiub":
        return np.asarray(pd.factorize(values)[0] + 1)
    numbers = values.to_numpy(np.float64)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return np.zeros(len(numbers), dtype=np.intp)
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS))
    found = np.searchsorted(edges, numbers, side="right") + 1
    return np.where(np.isnan(numbers), 0, found)


def _half(customers: "pd.Series[str]", seed: int) -> NDArray[np.bool_]:
    codes, known = pd.factorize(customers)
    drawn = np.random.default_rng(seed).permutation(len(known)) % 2 == 0
    return np.asarray(drawn[codes])


def _standard_error(auc: float, y: Floats) -> float:
    """Of an AUC, by Hanley and McNeil (1982)."""
    lost, kept = y.sum(), len(y) - y.sum()
    if not lost or not kept:
        return float("inf")
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (lost - 1) * (one - auc**2) + (kept - 1) * (two - auc**2)
    return float(np.sqrt(max(spread, 0.0) / (lost * kept)))


def shuffled(rows: pd.DataFrame, names: Sequence[str], fit: Fit, seed: int) -> LeakageCheck:
    """Labels dealt out anew, a customer's the same at every cut-off: nothing may foretell them.

    `fit(X, y, customers)` gives the AUC of the model on customers it did not learn from.
    """
    y = dealt(rows, seed)
    auc = fit(rows[list(names)], y, rows["customer_id"])
    lost = rows.loc[y == 1, "customer_id"].nunique()
    kept = max(rows["customer_id"].nunique() - lost, 1)
    bound = 0.5 + CHANCE * float(np.sqrt((lost + kept + 1) / (12 * lost * kept)))
    words = (
        f"labels dealt out at random are foretold with an AUC of {auc:.3f}"
        f" (chance gives up to {bound:.3f})"
    )
    return LeakageCheck("shuffled labels", auc, bound, auc <= bound, words)


def dealt(rows: pd.DataFrame, seed: int) -> NDArray[np.int64]:
    """As many lost at each cut-off as there are, but whom a draw of the customers says.

    >>> rows = pd.DataFrame({"customer_id": list("abab"), "as_of": [1, 1, 2, 2],
    ...                      "churned": [1, 0, 0, 1]})
    >>> found = dealt(rows, seed=1)
    >>> found[0] == found[2], found.sum()
    (np.True_, np.int64(2))
    """
    codes, known = pd.factorize(rows["customer_id"])
    draw = pd.Series(np.random.default_rng(seed).permutation(len(known))[codes])
    place = draw.groupby(rows["as_of"].to_numpy()).rank(method="first")
    lost = rows.groupby("as_of")[TARGET].transform("sum").to_numpy()
    return (place.to_numpy() <= lost).astype(np.int64)


def require_no_leak(checks: Sequence[LeakageCheck]) -> None:
    """BadInput that names every check that failed.

    >>> require_no_leak([LeakageCheck("shuffled labels", 0.9, 0.6, False, "labels are foretold")])
    Traceback (most recent call last):
    domain.errors.BadInput: training stopped, for the model would know the answer: labels ...
    """
    failed = [check.words for check in checks if not check.passed]
    if failed:
        raise BadInput(
            f"training stopped, for the model would know the answer: {'; '.join(failed)}. Look "
            "where the column comes from and when it is written; take it out, or deliver it with "
            "the time at which it was known (available_at)"
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
