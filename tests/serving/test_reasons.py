import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from features.registry import FEATURES
from serving.reasons import reasons_of

NAMES = ["recency_days", "has_card", "customer_occupation", "balance_mean_90d"]
FRAME = pd.DataFrame([[62.0, 0.0, "clerk", np.nan]], columns=NAMES)


def test_reasons_are_phrases_with_their_plain_values():
    (told,) = reasons_of(FRAME, NAMES, np.array([[0.1, 0.3, 0.2, 0.05]]), FEATURES, 4)
    assert [(reason.value, reason.text) for reason in told] == [
        (0.0, "no card held"),
        ("clerk", "occupation: clerk"),
        (62.0, "62 days since the last transaction"),
        (None, "no balance known in the last 90 days"),
    ]


@given(st.lists(st.floats(-2, 2), min_size=4, max_size=4), st.integers(1, 5))
def test_only_what_raises_the_risk_is_a_reason(pushes, top):
    (told,) = reasons_of(FRAME, NAMES, np.array([pushes]), FEATURES, top)
    upwards = sorted((push for push in pushes if push > 0), reverse=True)[:top]
    assert [reason.contribution for reason in told] == upwards


def test_reasons_are_told_in_the_language_asked_for():
    (told,) = reasons_of(FRAME, NAMES, np.array([[0.1, 0.3, 0.2, 0.05]]), FEATURES, 2, "zh")
    assert [reason.text for reason in told] == ["没有持有银行卡", "职业：clerk"]
