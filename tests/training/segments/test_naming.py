"""Names stay while a segment is the same one, and the bank's own words come last."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from tests.training.behaviours import groups
from training.segmentation import SegmentModel
from training.segments.naming import Known, matched
from training.segments.policies import USUAL, served
from training.segments.scheme import SegmentScheme
from training.segments.stages import stage_words
from training.settings import PolicySettings, SegmentationSettings

QUICK = SegmentationSettings(clusters_min=3, clusters_max=3, rounds=1)
QUICK = QUICK.model_copy(update={"segment_share_min": 0.005})


def people(seed: int, rows: int = 1200) -> pd.DataFrame:
    """Customers of three behaviours, with an age."""
    ages = np.random.default_rng(100 + seed).uniform(18, 90, rows)
    return groups(rows, seed)[0].assign(age_years=ages)


@pytest.fixture(scope="module")
def first() -> SegmentModel:
    return SegmentModel(QUICK).fit(people(1))


def named(model: SegmentModel, frame: pd.DataFrame) -> np.ndarray:
    return np.asarray(model.names, dtype=object)[model.segments(frame)]


def called(known: Known, order: list[int]) -> Known:
    """The champion as if its clusters had come in another order, and had names of their own."""
    return known._replace(
        centres=known.centres[order],
        words=tuple(f"cluster {at}" for at in order),
        lookup=known.lookup[:, :, order],
    )


@pytest.mark.parametrize("seed", [2, 3])
def test_names_stay_when_the_model_is_made_of_customers_drawn_again(first, seed):
    frame = people(1)
    again = frame.sample(len(frame), replace=True, random_state=seed, ignore_index=True)
    retrained = SegmentModel(QUICK).fit(again, known=first.scheme.known())
    assert set(retrained.names) == set(first.names)
    assert (named(retrained, frame) == named(first, frame)).mean() > 0.95


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 0, 2]])
def test_names_do_not_depend_on_the_numbers_of_clusters(first, order):
    frame = people(1)
    known = called(first.scheme.known(), order)
    retrained = SegmentModel(QUICK).fit(frame, known=known)
    mine = first.rule.clusters(frame)
    for name, cluster in zip(named(retrained, frame), mine, strict=True):
        assert name.endswith(f"cluster {cluster}")


def test_segments_stay_while_they_have_half_the_floor(first):
    frame = people(1)
    known = first.scheme.known()
    joined = known._replace(lookup=np.where(known.lookup == 1, 0, known.lookup))
    compact = np.unique(joined.lookup, return_inverse=True)[1].reshape(joined.lookup.shape)
    kept = SegmentModel(QUICK).fit(frame, known=joined._replace(lookup=compact))
    assert len(kept.names) == len(first.names) - 1
    few = QUICK.model_copy(update={"segment_share_min": 0.2})
    anew = SegmentModel(few).fit(frame, known=known)
    assert np.bincount(anew.segments(frame)).min() >= 0.2 * len(frame)


def test_a_cluster_that_was_not_there_before_gets_words_of_its_own(first):
    known = first.scheme.known()
    elsewhere = known._replace(
        centres=np.array([[0.9, 0.1, 0.9], [0.1, 0.9, 0.1], [0.5, 0.5, 0.5]])
    )
    retrained = SegmentModel(QUICK).fit(people(1), known=elsewhere._replace(words=("x", "y", "z")))
    assert not any(name.endswith(("x", "y", "z")) for name in retrained.names)
    other = known._replace(behaviour=("another", *known.behaviour[1:]), words=("x", "y", "z"))
    assert SegmentModel(QUICK).fit(people(1), known=other).names == first.names


@settings(max_examples=30)
@given(st.permutations(range(4)), st.integers(0, 1000))
def test_centres_that_hardly_moved_are_matched_whatever_their_order(order, seed):
    old = np.array([[0.1, 0.1], [0.1, 0.9], [0.9, 0.1], [0.9, 0.9]])
    moved = old + np.random.default_rng(seed).uniform(-0.1, 0.1, old.shape)
    pairs = matched(moved[list(order)], old)
    assert pairs == {here: order[here] for here in range(4)}


def test_a_scheme_read_back_assigns_as_before(first):
    scheme = SegmentScheme.model_validate_json(first.scheme.model_dump_json())
    frame = people(4)
    np.testing.assert_array_equal(scheme.rule().assign(frame), first.segments(frame))
    assert scheme.policies == first.scheme.policies
    assert scheme.known().words == first.scheme.words


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ([0], "under 30"),
        ([1], "30 to 59"),
        ([1, 2], "30 and over"),
        ([0, 2], "under 30 or 60 and over"),
        ([0, 1, 2], "a person"),
        ([3, 4], "business or age unknown"),
        ([0, 1, 2, 3, 4], ""),
    ],
)
def test_stages_are_called_by_their_ages(group, words):
    assert stage_words(group, (30, 60), range(5)) == words


NAMES = ("low value · under 60", "middle value", "high value · frequent", "high value · regular")
TIERS = (0, 1, 2, 2)


def test_every_segment_is_served_by_its_tier_unless_the_bank_says_otherwise():
    assert served(NAMES, TIERS, {}).policies == (USUAL[0], USUAL[1], USUAL[2], USUAL[2])
    given = {
        "high value · frequent": PolicySettings(name="Gold", manager="private banker"),
        "high value": PolicySettings(manager="wealth", cadence_days=14),
        "frequent": PolicySettings(contact="mobile"),
    }
    found = served(NAMES, TIERS, given)
    assert found.names == (*NAMES[:2], "Gold", NAMES[3])
    assert found.policies[2] == ("mobile", 14, "private banker")
    assert found.policies[3] == (USUAL[2].contact, 14, "wealth")
    assert found.policies[0] == USUAL[0]
    assert found.notes == ()


def test_a_policy_for_nobody_is_told():
    found = served(NAMES, TIERS, {"hihg value": PolicySettings(contact="x")})
    assert "no segment is called that" in found.notes[0]
    part = served(NAMES, TIERS, {"high value": PolicySettings(name="Gold")})
    assert "give the whole generated name" in part.notes[0]
    assert part.names == NAMES


def test_two_segments_of_one_name_are_refused():
    twice = {name: PolicySettings(name="Gold") for name in NAMES[2:]}
    with pytest.raises(BadInput, match="gives two segments the name 'Gold'"):
        served(NAMES, TIERS, twice)


def test_the_bank_s_own_name_is_what_the_model_answers_with(first):
    generated = first.names[0]
    policies = {generated: PolicySettings(name="Everyday")}
    renamed = SegmentModel(QUICK.model_copy(update={"policies": policies})).fit(people(1))
    assert renamed.names[0] == "Everyday"
    assert renamed.scheme.generated == first.names
    # a retraining goes by the generated name, so that the bank may change its own
    assert SegmentModel(QUICK).fit(people(1), known=renamed.scheme.known()).names == first.names
