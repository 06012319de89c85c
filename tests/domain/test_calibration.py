"""Calibration tables refuse what is not a calibration."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calibration import Calibration

rising = st.lists(
    st.floats(-20, 20, allow_subnormal=False), min_size=2, max_size=20, unique=True
).map(sorted)


@given(rising, st.lists(st.floats(-50, 50), max_size=50))
def test_a_higher_raw_score_never_gives_a_lower_probability(raw, scores):
    table = Calibration(tuple(raw), tuple(np.linspace(0.1, 0.8, len(raw))))
    found = table.apply(np.sort(np.array(scores, dtype=float)))
    assert np.all(np.diff(found) >= 0)
    assert np.all((found >= 0.1) & (found <= 0.8))


@pytest.mark.parametrize(
    ("raw", "probability"),
    [((0.0,), (0.5,)), ((0.0, 0.0), (0.1, 0.2)), ((0, 1), (0.3, 0.2)), ((0, 1), (0.3, 1.2))],
)
def test_what_is_not_monotone_or_not_a_probability_is_refused(raw, probability):
    with pytest.raises(ValueError, match="calibrat"):
        Calibration(raw, probability)
