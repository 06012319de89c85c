from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from features.settings import LabelSettings
from training.rows.dataset import NO_CELL, cutoff_plan, quarter_plan, truncated, with_cells
from training.settings import RetentionSettings

windows = st.builds(
    LabelSettings,
    observation_days=st.integers(1, 200),
    gap_days=st.integers(0, 60),
    outcome_days=st.integers(1, 120),
)
settings = st.builds(
    RetentionSettings, train_cutoffs=st.integers(1, 12), evaluate_cutoffs=st.integers(1, 4)
)


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.integers(0, 1500), windows, settings)
def test_no_outcome_of_a_training_cutoff_is_open_when_evaluation_begins(
    first: date, days: int, label: LabelSettings, wanted: RetentionSettings
) -> None:
    last = first + timedelta(days)
    ahead = timedelta(label.gap_days + label.outcome_days)
    try:
        plan = cutoff_plan(first, last, label, wanted)
    except BadInput:
        # refused only when even one cut-off of each cannot be placed on month starts
        assert days + 1 < label.observation_days + 2 * ahead.days + 62
        return
    assert max(plan.train) + ahead <= min(plan.evaluate)
    assert max(plan.evaluate) + ahead <= last + timedelta(1)
    assert min(plan.train) >= first + timedelta(label.observation_days)
    assert 1 <= len(plan.train) <= wanted.train_cutoffs
    assert 1 <= len(plan.evaluate) <= wanted.evaluate_cutoffs
    assert all(day.day == 1 for day in (*plan.train, *plan.evaluate))


def test_a_long_history_gives_every_cutoff_asked_for_and_the_latest() -> None:
    plan = cutoff_plan(date(2024, 1, 1), date(2025, 12, 31), LabelSettings(), RetentionSettings())
    assert plan.evaluate == (date(2025, 8, 1), date(2025, 9, 1))
    assert plan.train[-1] == date(2025, 4, 1)
    # a year behind each: the features look back so far
    assert plan.train[0] == date(2025, 1, 1)
    longer = cutoff_plan(date(2023, 9, 1), date(2025, 12, 31), LabelSettings(), RetentionSettings())
    assert len(longer.train) == 6


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.integers(0, 1500), windows, settings)
def test_cutoffs_have_a_year_behind_them_whenever_one_of_each_can(
    first: date, days: int, label: LabelSettings, wanted: RetentionSettings
) -> None:
    last = first + timedelta(days)
    try:
        plan = cutoff_plan(first, last, label, wanted)
    except BadInput:
        return
    # oracle: a label that asks for a year of observation itself
    year = LabelSettings(
        observation_days=365, gap_days=label.gap_days, outcome_days=label.outcome_days
    )
    try:
        full = cutoff_plan(first, last, year, wanted)
    except BadInput:
        assert truncated(first, (*plan.train, *plan.evaluate))
    else:
        assert plan == full
        assert not truncated(first, (*plan.train, *plan.evaluate))


def test_truncated_windows_are_counted() -> None:
    days = [date(2024, 6, 1), date(2024, 9, 1), date(2025, 1, 1)]
    assert truncated(date(2024, 1, 1), days) == [
        "2 of 3 cut-offs have less than 365 days of data behind them: long windows are partly empty"
    ]


def test_a_history_that_is_too_short_is_refused_with_the_arithmetic() -> None:
    with pytest.raises(BadInput, match=r"cover 182 days .* need 330 days: 90 of observation"):
        cutoff_plan(date(2024, 1, 1), date(2024, 6, 30), LabelSettings(), RetentionSettings())


def test_named_cutoffs_win_but_keep_the_embargo() -> None:
    def named(train: date, evaluate: date) -> RetentionSettings:
        return RetentionSettings(train_as_of=(train,), evaluate_as_of=(evaluate,))

    first, last, label = date(1993, 1, 1), date(1994, 3, 31), LabelSettings()
    good = named(date(1993, 7, 15), date(1993, 12, 1))
    assert cutoff_plan(first, last, label, good).train == (date(1993, 7, 15),)
    with pytest.raises(BadInput, match=r"known on 1993-12-29 \(120 days"):
        cutoff_plan(first, last, label, named(date(1993, 8, 31), date(1993, 12, 1)))
    with pytest.raises(BadInput, match="choose cut-offs up to 1993-12-02"):
        cutoff_plan(first, last, label, named(date(1993, 7, 15), date(1993, 12, 3)))
    with pytest.raises(BadInput, match="before all data"):
        cutoff_plan(first, last, label, named(date(1992, 7, 15), date(1993, 12, 1)))


def test_quarters_fall_on_month_starts_or_on_the_last_day_of_a_short_history() -> None:
    assert quarter_plan(date(2024, 1, 1), date(2025, 1, 20), 3) == (
        date(2024, 7, 1),
        date(2024, 10, 1),
        date(2025, 1, 1),
    )
    assert quarter_plan(date(2024, 7, 2), date(2025, 1, 20), 3)[2] == date(2025, 1, 21)
    with pytest.raises(BadInput, match="more than 2 x 3 months"):
        quarter_plan(date(2024, 8, 1), date(2025, 1, 20), 3)


def test_nobody_is_left_out_for_want_of_a_cell() -> None:
    frame = pd.DataFrame({"customer_id": ["a", "b"], "as_of": [0, 0], "f": [1.0, 2.0]})
    cells = pd.DataFrame({"customer_id": ["b", "c"], "cell_id": ["c1", "c2"]})
    assert with_cells(frame, cells)["cell_id"].tolist() == [NO_CELL, "c1"]


def test_cutoffs_must_be_named_for_both_or_none() -> None:
    with pytest.raises(ValueError, match="give both"):
        RetentionSettings(train_as_of=(date(2024, 1, 1),))
