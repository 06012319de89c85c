import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.segments.grouping import segments_of, stage_groups


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 5), st.integers(1, 4))
def test_no_segment_is_under_the_floor_unless_its_whole_tier_is(seed, least, stages, clusters):
    random = np.random.default_rng(seed)
    counts = random.poisson(random.choice([1.0, 15.0, 60.0]), (3, stages, clusters))
    lookup = segments_of(counts, random.random((clusters, 2)), least)
    sizes = np.bincount(lookup.ravel(), counts.ravel())
    numbers = np.unique(lookup)
    assert numbers.tolist() == list(range(len(numbers)))
    for tier, inside in enumerate(counts):
        mine = np.unique(lookup[tier])
        assert not set(mine) & set(lookup[:tier].ravel())
        if inside.sum() < least:
            assert len(mine) == 1
        else:
            assert sizes[mine].min() >= least


@given(st.lists(st.integers(0, 50), min_size=1, max_size=7), st.integers(1, 60))
def test_only_neighbouring_stages_are_joined(customers, least):
    groups = stage_groups(customers, least)
    assert [stage for group in groups for stage in group] == list(range(len(customers)))
    if len(groups) > 1:
        assert min(sum(customers[stage] for stage in group) for group in groups) >= least


def test_a_cluster_that_is_too_small_joins_the_nearest_that_is_not():
    centres = np.array([[0.0], [0.9], [1.0]])
    lookup = segments_of(np.array([[[50, 3, 60]]]), centres, least=10)
    assert lookup.tolist() == [[[0, 1, 1]]]


def test_stages_that_are_large_enough_stay_apart():
    assert stage_groups([30, 30, 30], 30) == [[0], [1], [2]]
