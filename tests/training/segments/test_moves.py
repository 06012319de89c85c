import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.segments.clusters import QUANTILES
from training.segments.moves import LISTS, edge_distance, move_table, moves, precision_at
from training.segments.rule import SegmentRule

# two stages, so that segments and tiers are different numbers
RULE = SegmentRule(
    "balance_usual",
    np.array([10.0, 20.0]),
    None,
    ("transactions_90d",),
    np.zeros((1, QUANTILES)),
    np.array([[0.2], [0.8]]),
    np.array([[[0, 1]], [[2, 2]], [[3, 4]]]),
)


@given(st.integers(0, 1000), st.integers(1, 300))
def test_precision_is_that_of_a_list_counted_by_hand(seed, rows):
    random = np.random.default_rng(seed)
    likely, simple = random.permutation(rows) / rows, random.permutation(rows) / rows
    moved = random.random(rows) < likely
    found = precision_at(likely, simple, moved, "up")
    for share, row in zip(LISTS, found.itertuples(), strict=True):
        count = max(1, round(share * rows))
        best = sorted(range(rows), key=lambda at: -likely[at])[:count]
        nearest = sorted(range(rows), key=lambda at: -simple[at])[:count]
        assert row.customers == count
        assert row.precision == pytest.approx(sum(moved[at] for at in best) / count)
        assert row.nearest_the_edge == pytest.approx(sum(moved[at] for at in nearest) / count)
        assert row.precision_low <= row.precision <= row.precision_high
        assert row.everyone == pytest.approx(moved.mean())


def test_the_chance_to_move_is_that_of_all_segments_of_other_tiers():
    following = np.array([[0.1, 0.2, 0.3, 0.15, 0.25]] * 3)
    found = moves(RULE, following, np.array([0, 1, 2]))
    assert found.up.tolist() == pytest.approx([0.7, 0.4, 0.0])
    assert found.down.tolist() == pytest.approx([0.0, 0.3, 0.6])


def test_the_nearer_to_the_edge_the_higher_in_the_simple_ranking():
    frame = pd.DataFrame({"balance_usual": [1.0, 9.0, 11.0, 19.0, 21.0, 99.0]})
    found = edge_distance(RULE, frame, RULE.tiers(frame))
    assert found.up[1] > found.up[0]
    assert found.up[3] > found.up[2]
    assert found.down[2] > found.down[3]
    assert found.down[4] > found.down[5]


def test_only_who_can_move_is_on_a_list_and_who_left_did_not_move():
    frame = pd.DataFrame({"balance_usual": [5.0] * 40 + [15.0] * 40 + [25.0] * 40})
    later = np.r_[np.repeat([1, 0], 20), np.repeat([-1, 0], 20), np.full(40, 2)]
    found = move_table(RULE, frame, np.full((120, 5), 0.2), later).set_index("direction")
    assert found.loc["up", "everyone"].tolist() == pytest.approx([20 / 80] * 3)
    assert found.loc["down", "everyone"].tolist() == pytest.approx([20 / 80] * 3)
    assert found.loc["up", "customers"].tolist() == [1, 4, 8]
