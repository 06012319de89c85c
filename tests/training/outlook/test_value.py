"""The margin of the next year, on customers whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from features.outlook import Margins
from features.settings import ValueSettings
from training.outlook.value import coverage, fit_value, judged_value, widened
from training.settings import RetentionSettings

SETTINGS = RetentionSettings(bootstrap=20)


def told(active: object, balance: object) -> pd.DataFrame:
    """Both said three times: a tree draws some columns only, and needs both."""
    both = pd.DataFrame({"active": active, "balance": balance})
    return pd.concat([both.add_suffix(str(at)) for at in range(3)], axis=1)


def customers(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, pd.Series]:
    """A third of whom brings nothing; the others about their balance, more or less by chance."""
    random = np.random.default_rng(seed)
    active = random.random(rows) < 0.66
    balance = random.lognormal(4, 1, rows)
    frame = told(active.astype(float), balance)
    margin = np.where(active, balance * random.gamma(4, 0.25, rows), 0.0)
    return frame, margin, pd.Series(range(rows)).map(f"{seed}-{{:05d}}".format)


@pytest.fixture(scope="module")
def model():
    frame, margin, ids = customers(4000, seed=1)
    return fit_value(frame, margin, ids, ValueSettings(), SETTINGS)


def test_it_expects_the_mean_and_nothing_of_who_brings_nothing(model) -> None:
    found = model.margins(told([0.0, 1.0, 1.0], [60.0, 30.0, 150.0]))
    assert found.expected == pytest.approx([0, 30, 150], rel=0.15, abs=1)
    assert found.high[0] < 20
    # the middle four fifths of gamma(4, 1/4): from 0.436 to 1.670 of the mean
    assert found.low[1:] == pytest.approx([13, 65], rel=0.3)
    assert found.high[1:] == pytest.approx([50, 250], rel=0.3)


def test_the_interval_holds_four_fifths_of_customers_not_seen(model) -> None:
    frame, margin, ids = customers(3000, seed=2)
    table = judged_value(
        model.margins(frame), margin, pd.DataFrame({"customer_id": ids, "as_of": "d"}), SETTINGS
    )
    assert table["as_of"].tolist() == ["d", "all"]
    every = table.iloc[-1]
    assert 0.77 < every["coverage"] < 0.9  # all who bring nothing may lie inside: more than 0.8
    assert every["coverage_low"] < every["coverage"] < every["coverage_high"]
    assert every["foretold"] == pytest.approx(every["margin"], rel=0.05)


@given(st.lists(st.floats(-10, 10), min_size=4, max_size=40), st.integers(0, 9))
def test_moved_bounds_hold_the_share_wanted_of_those_they_were_moved_by(truth, spread) -> None:
    values = np.array(truth)
    low, high = np.full(len(values), -spread / 2), np.full(len(values), spread / 3)
    moved = widened(values, low, high)
    inside = (values >= low - moved - 1e-9) & (values <= high + moved + 1e-9)
    assert inside.mean() >= 0.8
    # and no further than needed: a hair less, and one falls out
    tight = (values >= low - moved + 1e-9) & (values <= high + moved - 1e-9)
    assert tight.sum() < np.ceil(0.8 * (len(values) + 1))


@pytest.mark.parametrize(
    ("rows", "earning", "told"),
    [
        (0, 0, "only 0 customers to learn from brought anything"),
        (400, 0, "only 0 customers to learn from brought anything"),
        (400, 20, "only 1[0-9] customers to learn from brought anything"),
        (45, 45, "only 1[0-9] customers are set aside"),
    ],
)
def test_of_too_few_customers_no_margin_is_learned(rows: int, earning: int, told: str) -> None:
    frame, _, ids = customers(rows, seed=1)
    margin = (np.arange(rows) < earning).astype(float)
    with pytest.raises(BadInput, match=f"{told}.*min_positives asks for 20"):
        fit_value(frame, margin, ids, ValueSettings(), SETTINGS)


def test_coverage_counts_the_margins_inside() -> None:
    margins = Margins(np.zeros(4), np.array([0.0, 0, 5, 5]), np.array([1.0, 1, 9, 9]))
    found = coverage(margins, np.array([1.0, 2.0, 5.0, 4.9]), pd.Series(list("abcd")), SETTINGS)
    assert found.value == 0.5
