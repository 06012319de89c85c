"""What a training says of itself."""

from datetime import date

import pandas as pd
import pytest

from training.card import notes_of
from training.evaluation.campaign import Worth
from training.evaluation.later import Judged
from training.evaluation.metrics import Evaluation
from training.rows.dataset import CutoffPlan
from training.settings import RetentionSettings


@pytest.mark.parametrize("months", [1, 2])
def test_a_reader_is_told_when_a_single_month_judges(months):
    plan = CutoffPlan((date(2025, 1, 1),), (date(2025, 8, 1), date(2025, 9, 1))[:months])
    empty = pd.DataFrame()
    no_worth = Worth({}, "", "CNY", None, empty, empty)
    nothing = Judged(empty, {}, Evaluation({}, {}, {}), empty, empty, no_worth)
    notes = notes_of(plan, date(2023, 1, 1), RetentionSettings(), None, nothing)
    assert any("a single cut-off judges (2025-08-01)" in note for note in notes) == (months == 1)
