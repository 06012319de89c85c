import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.metrics import log_losses
from training.promotion.cell_losses import cell_losses, holm


def bank(cells: int, people: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Two cut-offs of every customer, their losses, and the true log-odds."""
    random = np.random.default_rng(seed)
    size = cells * people
    ids = np.tile(np.arange(size), 2)
    odds = np.tile(random.normal(-2.5, 1.2, size), 2)
    y = (random.random(2 * size) < 1 / (1 + np.exp(-odds))).astype(float)
    rows = pd.DataFrame({"customer_id": ids.astype(str), "cell_id": (ids % cells).astype(str)})
    return rows, y, odds


def probability(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))


def test_figures_are_those_of_a_loop_over_the_cells() -> None:
    rows, y, odds = bank(3, 40)
    old, new = probability(odds), probability(odds + 0.3)
    found = cell_losses(rows, y, old, new, 30, 0.05).set_index("cell_id")
    for cell in ("0", "1", "2"):
        here = (rows["cell_id"] == cell).to_numpy()
        change = log_losses(y[here], new[here]) - log_losses(y[here], old[here])
        assert found.loc[cell, "difference"] == pytest.approx(change.mean())
        assert found.loc[cell, "champion"] == pytest.approx(log_losses(y, old)[here].mean())
        assert found.loc[cell, "customers"] == 40


def test_a_customer_counts_once_however_many_cutoffs_there_are() -> None:
    rows, y, odds = bank(1, 60)
    one, y_one = rows.head(60), y[:60]
    twice = pd.concat([one, one], ignore_index=True)
    old, new = probability(odds), probability(odds + 0.5)
    single = cell_losses(one, y_one, old[:60], new[:60], 2, 0.05)
    figures = [np.tile(values[:60], 2) for values in (y, old, new)]
    double = cell_losses(twice, *figures, 2, 0.05)
    assert double["p_value"][0] == pytest.approx(single["p_value"][0])
    assert double["customers"][0] == 60


def test_the_one_cell_where_the_challenger_is_worse_is_named_and_small_ones_are_left_out() -> None:
    rows, y, odds = bank(40, 150)
    worse = odds + np.where(rows["cell_id"] == "7", 2.0, 0.0)
    found = cell_losses(rows, y, probability(odds), probability(worse), 100, 0.01)
    assert found.loc[found["worse"], "cell_id"].tolist() == ["7"]
    assert found["cell_id"][0] == "7"
    assert len(found) == 40
    for least, cells in ((150, 40), (151, 0)):
        table = cell_losses(rows, y, probability(odds), probability(worse), least, 0.01)
        assert len(table) == cells


def test_a_single_lost_customer_condemns_no_cell() -> None:
    rows = pd.DataFrame({"customer_id": [str(n) for n in range(300)], "cell_id": "a"})
    y = np.r_[1.0, np.zeros(299)]
    old, new = np.full(300, 0.02), np.r_[0.0001, np.full(299, 0.02)]
    assert cell_losses(rows, y, old, new, 10, 0.05)["p_value"][0] == pytest.approx(0.1587, abs=1e-3)


def test_equal_challengers_are_rarely_accused_in_any_of_many_cells() -> None:
    rows, _, odds = bank(60, 40)
    random, accused = np.random.default_rng(1), 0
    for _ in range(100):
        y = (random.random(len(odds)) < probability(odds)).astype(float)
        old, new = (probability(odds + random.normal(0, 0.5, len(odds))) for _ in range(2))
        accused += cell_losses(rows, y, old, new, 40, 0.05)["worse"].any()
    assert accused <= 10  # of 100: a true 5 % gives more once in 50 times


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.001, 0.2))
def test_holm_is_the_step_down_of_the_paper(p_values: list[float], significance: float) -> None:
    found = holm(np.array(p_values), significance)
    left, named = list(enumerate(p_values)), set()
    while left:
        at, smallest = min(left, key=lambda pair: pair[1])
        if smallest > significance / len(left):
            break
        named.add(at)
        left.remove((at, smallest))
    assert set(np.flatnonzero(found).tolist()) == named
