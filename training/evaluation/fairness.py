"""Whether a model treats ages, sexes, town and country alike: calibration and who is listed."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

from features.engine import Tables, frame_of
from training.evaluation.campaign import Campaign
from training.evaluation.metrics import Estimate
from training.rows.dataset import TARGET

Floats = NDArray[np.float64]
UNKNOWN = "unknown"
AGES = {"under 30": 0, "30 to 44": 30, "45 to 59": 45, "60 and over": 60}  # band -> from, years
SEXES = {"F": "women", "M": "men", "X": "other"}
ERROR = 0.05  # that any interval of one table misses the truth
INTERVALS = 2  # of a group: that of its ratio and that of its gap
COLUMNS = [
    *("attribute", "group", "customers", "observed", "predicted"),
    *("ratio", "ratio_low", "ratio_high", "listed", "gap", "gap_low", "gap_high", "told"),
]


def groups_of(tables: Tables, rows: pd.DataFrame, town_density: float) -> pd.DataFrame:
    """The age band, sex and place of each row; columns age, sex and place.

    `rows` holds customer_id and the features age_years and customers_per_km2. A customer lives
    in town where `town_density` customers of the bank are on a km2. Sex is no feature: it is
    read here, to look at what a model does that was never told it.
    """
    known = frame_of(tables.customers.select("customer_id", "sex"))
    sex = rows["customer_id"].map(known.set_index("customer_id")["sex"]).map(SEXES)
    density = rows["customers_per_km2"].to_numpy(np.float64)
    place = np.where(density >= town_density, "town", "country").astype(object)
    place[np.isnan(density)] = UNKNOWN
    return pd.DataFrame(
        {"age": age_bands(rows["age_years"]), "sex": sex.fillna(UNKNOWN).to_numpy(), "place": place}
    )


def age_bands(years: "pd.Series[float]") -> NDArray[np.object_]:
    """The band of each age.

    >>> age_bands(pd.Series([29.9, 30, 71, float("nan")])).tolist()
    ['under 30', '30 to 44', '60 and over', 'unknown']
    """
    bands = np.array([*AGES, UNKNOWN], dtype=object)
    found = np.searchsorted(list(AGES.values()), years.to_numpy(np.float64), side="right") - 1
    return np.asarray(bands[np.where(years.isna(), len(AGES), np.clip(found, 0, None))])


def fairness_table(
    y: Floats,
    probability: Floats,
    listed: Floats,
    customers: "pd.Series[str]",
    groups: pd.DataFrame,
    at_least: int,
) -> pd.DataFrame:
    """One row per attribute and group of `at_least` customers.

    `observed` and `predicted`: rates of loss; `ratio`: observed over predicted, `gap`: share of
    the group `listed` (for contact, 0 to 1 a row) less that of everybody else. All intervals of
    the table hold together in 95 of 100 cases (Bonferroni). `told`: the group may be published,
    for all groups of its attribute that are not are together `at_least` customers, or nobody.
    """
    codes = pd.factorize(customers)[0]
    found = [
        (attribute, group, np.asarray(groups[attribute] == group))
        for attribute in groups
        for group in sorted(groups[attribute].unique())
        if groups[attribute].nunique() > 1
    ]
    found = [one for one in found if _people(codes, one[2]) >= at_least]
    error = ERROR / max(INTERVALS * len(found), 1)
    told = {name: _told(codes, groups[name], at_least) for name in groups}
    lines = [
        (
            *(attribute, group),
            *_figures(y, probability, listed, codes, inside, error),
            group in told[attribute],
        )
        for attribute, group, inside in found
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


def fairness_at(
    tables: Tables,
    rows: pd.DataFrame,
    probability: Floats,
    campaign: Campaign,
    town_density: float,
    at_least: int,
) -> pd.DataFrame:
    """The table of labelled `rows`, listed as the campaign lists them; see above."""
    groups, y = groups_of(tables, rows, town_density), rows[TARGET].to_numpy(np.float64)
    listed = campaign.contacted(probability)
    return fairness_table(y, probability, listed, rows["customer_id"], groups, at_least)


def _told(codes: NDArray[np.intp], groups: pd.Series, at_least: int) -> set[str]:
    """Groups whose figures, less those of all, leave none that are about too few."""
    known, names = pd.factorize(groups)
    sizes = [_people(codes, known == at) for at in range(len(names))]
    told = sorted((at for at, size in enumerate(sizes) if size >= at_least), key=sizes.__getitem__)
    while told and 0 < _people(codes, ~np.isin(known, told)) < at_least:
        told = told[1:]
    return {str(names[at]) for at in told}


def _people(codes: NDArray[np.intp], inside: NDArray[np.bool_]) -> int:
    return len(np.unique(codes[inside]))


def _figures(
    y: Floats,
    probability: Floats,
    listed: Floats,
    codes: NDArray[np.intp],
    inside: NDArray[np.bool_],
    error: float,
) -> tuple[float, ...]:
    people, others = _people(codes, inside), _people(codes, ~inside)
    ours, theirs = listed[inside].mean(), listed[~inside].mean() if others else np.nan
    # a customer's rows at several cut-offs count as one: they are much alike
    ratio = calibration(y[inside], probability[inside], people, error)
    rates = float(y[inside].mean()), float(probability[inside].mean())
    gap = difference(float(ours), people, float(theirs), others, error)
    return (people, *rates, *ratio, float(ours), *gap)


def difference(one: float, n: int, other: float, m: int, error: float = ERROR) -> Estimate:
    """A share of `n` less a share of `m`, with the interval of Agresti and Caffo (2000).

    >>> [round(end, 3) for end in difference(0.0, 10, 0.4, 1000)]
    [-0.4, -0.476, -0.158]
    """
    ours, theirs = (one * n + 1) / (n + 2), (other * m + 1) / (m + 2)
    error_of = np.sqrt(ours * (1 - ours) / (n + 2) + theirs * (1 - theirs) / (m + 2))
    middle, near = ours - theirs, ndtri(1 - error / 2) * error_of
    return Estimate(one - other, float(middle - near), float(middle + near))


def calibration(y: Floats, probability: Floats, customers: int, error: float = ERROR) -> Estimate:
    """Losses over predicted losses, with the interval of a Poisson count (Garwood, 1936).

    Rows of one customer are not independent: the losses count as if each customer had one row.

    >>> calibration(np.array([1.0, 0, 0, 0]), np.full(4, 0.25), customers=4).value
    1.0
    """
    lost, expected = float(y.sum()), float(probability.sum())
    if expected <= 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    rows = len(y) / max(customers, 1)
    low = gammaincinv(lost / rows, error / 2) if lost else 0.0
    high = gammaincinv(lost / rows + 1, 1 - error / 2)
    return Estimate(lost / expected, float(low * rows / expected), float(high * rows / expected))


def worst(table: pd.DataFrame) -> Mapping[str, float]:
    """Figures of a run: the calibration ratio farthest from one, and the widest gap of lists.

    >>> worst(pd.DataFrame({"ratio": [0.5, 1.1], "gap": [-0.2, 0.1]}))
    {'fairness_ratio': 0.5, 'fairness_gap': 0.2}
    """
    known = table[table["ratio"].notna()]
    if not len(known):
        return {}
    far = np.log(known["ratio"].clip(lower=1e-9)).abs().idxmax()
    return {
        "fairness_ratio": float(known.loc[far, "ratio"]),
        "fairness_gap": float(known["gap"].abs().max()),
    }
