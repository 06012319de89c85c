"""The arithmetic of the time ahead, whatever the trees say."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from features.manifest import FeatureManifest
from features.outlook import INTERVAL, HorizonsSpec, bounds, lost_by

DAYS = (30, 90, 180)


class AnyTrees:
    """Answers whatever it was given, interval by interval."""

    def __init__(self, margins: np.ndarray) -> None:
        self.margins = margins

    def predict(self, matrix: np.ndarray, **options: object) -> np.ndarray:
        return self.margins[:, int(matrix[0, -1])]


margins = arrays(np.float64, (4, 3), elements=st.floats(-50, 50))
knots = st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted)


@given(margins, knots)
def test_probabilities_never_fall_as_the_horizon_grows(margin, probability):
    frame = pd.DataFrame({"f": np.arange(4.0)})
    spec = HorizonsSpec(
        kind="closed",
        days=DAYS,
        manifest=FeatureManifest.fit(frame.assign(**{INTERVAL: 0.0})),
        raw=((-9.0, 0.0, 9.0),) * 3,
        probability=(tuple(probability), (0.0, 0.5, 1.0), tuple(probability)),
    )
    found = spec.lost_by(AnyTrees(margin), frame)
    assert found.shape == (4, 3)
    assert (np.diff(found, axis=1) >= 0).all()
    assert ((found >= 0) & (found <= 1)).all()


@given(arrays(np.float64, (3, 4), elements=st.floats(0, 1)))
def test_lost_by_is_one_minus_the_chance_of_every_interval(hazards):
    found = lost_by(hazards)
    for row in range(3):
        stays = 1.0
        for at in range(4):
            stays *= 1 - hazards[row, at]
            assert found[row, at] == 1 - stays


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-3, 3), st.floats(0.1, 1e4))
def test_bounds_of_money_are_in_order_and_no_debt(one, other, widened, scale):
    low, high = bounds(np.array([one]), np.array([other]), widened, scale)
    assert 0 <= low[0] <= high[0]
