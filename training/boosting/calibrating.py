"""From out-of-fold margins to a calibration table."""

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from domain.calibration import Calibration

Floats = NDArray[np.float64]
ISOTONIC_POSITIVES = 5000  # fewer lost customers make the steps of an isotonic fit noise
PLATT_KNOTS = 257
PLATT_MARGIN = 2.0  # how far beyond the margins seen the table reaches, in log-odds


def fit_calibration(margin: Floats, y: Floats) -> Calibration:
    """Isotonic with enough lost customers, Platt's sigmoid (1999) otherwise.

    >>> margin = np.linspace(-3, 3, 200)
    >>> fit_calibration(margin, (margin > 0).astype(float)).apply(np.array([3.0])) > 0.9
    array([ True])
    """
    if min(y.sum(), len(y) - y.sum()) >= ISOTONIC_POSITIVES:
        return centred_isotonic(margin, y)
    return platt(margin, y)


def platt(margin: Floats, y: Floats) -> Calibration:
    """A sigmoid of the margin as a table of knots; a useless margin gives the rate of all."""
    lost, kept = y.sum(), len(y) - y.sum()
    # Platt's targets: each class is one unseen row away from certainty
    target = np.where(y == 1, (lost + 1) / (lost + 2), 1 / (kept + 2))
    model = LogisticRegression(C=np.inf, max_iter=1000, tol=1e-8)
    model.fit(
        np.tile(margin, 2)[:, None],
        np.repeat([1, 0], len(y)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    knots = np.linspace(margin.min() - PLATT_MARGIN, margin.max() + PLATT_MARGIN, PLATT_KNOTS)
    if slope <= 0:
        return _table(knots[[0, -1]], np.full(2, y.mean()))
    return _table(knots, 1 / (1 + np.exp(-(slope * knots + intercept))))


def centred_isotonic(margin: Floats, y: Floats) -> Calibration:
    """Isotonic steps joined at their centres (Oron and Flournoy, 2017).

    Plain steps tie customers who differ; joined centres keep their order between the first
    and the last step.
    """
    step = IsotonicRegression(out_of_bounds="clip").fit(margin, y).predict(margin)
    levels, block = np.unique(step, return_inverse=True)
    size = np.bincount(block)
    centre = np.bincount(block, weights=margin) / size
    if len(levels) < 2:
        return _table(np.array([margin.min(), margin.max()]), np.full(2, y.mean()))
    # a step without any lost (or kept) customer is rare, not impossible
    rate = y.mean()
    levels[0] = max(levels[0], min(rate / (size[0] + 1), levels[1] / 2))
    levels[-1] = min(levels[-1], max(1 - (1 - rate) / (size[-1] + 1), (1 + levels[-2]) / 2))
    return _table(centre, levels)


def _table(raw: Floats, probability: Floats) -> Calibration:
    rising = np.r_[True, np.diff(raw) > 0]
    if rising.sum() < 2:  # a constant margin
        raw, probability = raw[0] + np.array([0.0, 1.0]), np.full(2, probability.mean())
        rising = np.ones(2, dtype=bool)
    return Calibration(
        tuple(float(value) for value in raw[rising]),
        tuple(float(value) for value in np.maximum.accumulate(probability)[rising]),
    )
