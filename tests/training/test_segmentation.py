import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from domain.errors import BadInput
from tests.training.behaviours import BEHAVIOUR, groups
from training.segmentation import SegmentModel, match, value_feature
from training.segments.dimensions import fit_rule
from training.settings import SegmentationSettings
from training.train_segments import learned

QUICK = SegmentationSettings(clusters_min=2, rounds=30, threads=1)


def test_planted_behaviours_are_found_and_named_for_what_they_are() -> None:
    frame, kind = groups(1200)
    model = SegmentModel(QUICK).fit(frame)
    cluster = model.rule.clusters(frame)
    assert adjusted_rand_score(kind, cluster) > 0.95
    named = {k: {model.names[s] for s in model.segments(frame[kind == k])} for k in range(3)}
    assert any("frequent" in name for name in named[1])
    assert any("seldom active" in name for name in named[0])
    assert any("many channels" in name for name in named[2])
    assert len(model.names) == 9


def test_tiers_have_the_shares_asked_for() -> None:
    frame, _ = groups(2000)
    rule = fit_rule(frame, "balance_usual", BEHAVIOUR, QUICK).rule
    assert np.bincount(rule.tiers(frame)) / 2000 == pytest.approx([0.5, 0.3, 0.2], abs=0.002)
    poor = frame.assign(balance_usual=np.nan)
    assert (rule.tiers(poor) == 0).all()


def test_trees_assign_customers_they_never_saw() -> None:
    model = SegmentModel(QUICK).fit(groups(1500)[0])
    fresh = groups(600, seed=9)[0]
    found = model.agreement(fresh)
    assert found.accuracy > 0.95 > 0.6 > found.baseline
    by_hand = np.array(model.assign(fresh)) == np.array(model.names)[model.segments(fresh)]
    assert found.accuracy == by_hand.mean() < 1
    assert model.predict_proba(fresh).sum(axis=1) == pytest.approx(1.0)
    assert model.assign(fresh)[0] in model.names


def test_the_next_quarter_is_learnt_where_it_can_be() -> None:
    now, kind = groups(1500)
    later, _ = groups(1500)
    turned = kind == 0
    later.loc[turned, list(BEHAVIOUR)] = now.loc[kind == 1, list(BEHAVIOUR)].iloc[0].to_numpy()
    model = SegmentModel(QUICK).fit(now, later)
    found = model.next_agreement(now, later)
    assert found.accuracy > 0.9
    assert found.baseline < 0.75
    with pytest.raises(BadInput, match="without a later cut-off"):
        SegmentModel(QUICK).fit(now).predict_next_proba(now)


def test_the_same_customers_make_the_same_segments() -> None:
    frame, _ = groups(400)
    one, two = SegmentModel(QUICK).fit(frame), SegmentModel(QUICK).fit(frame)
    assert one.names == two.names
    assert one.booster.model_to_string() == two.booster.model_to_string()


@settings(max_examples=8, deadline=None)
@given(st.integers(60, 200), st.integers(0, 1000), st.booleans())
def test_names_are_unique_and_everyone_has_a_segment(rows: int, seed: int, gaps: bool) -> None:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.poisson(1.5, (rows, 3)).astype(float), columns=list(BEHAVIOUR))
    frame["debit_365d"] = random.poisson(1, rows).astype(float)  # mostly ties
    if gaps:
        frame = frame.mask(random.random(frame.shape) < 0.3)
    quick = QUICK.model_copy(update={"rounds": 1, "clusters_max": 3})
    model = SegmentModel(quick).fit(frame)
    rule, names = model.rule, model.names
    assert len(set(names)) == len(names)
    assert set(rule.assign(frame)) <= set(range(len(rule.parts)))
    assert ((rule.ranks(frame) >= 0) & (rule.ranks(frame) <= 1)).all()


def test_a_small_segment_joins_its_neighbour() -> None:
    frame, kind = groups(1000)
    few = frame[(kind != 2) | (np.arange(1000) < 12)]
    wide = QUICK.model_copy(update={"segment_share_min": 0.05, "clusters_min": 3})
    rule = fit_rule(few, "balance_usual", BEHAVIOUR, wide).rule
    sizes = np.bincount(rule.assign(few), minlength=len(rule.parts))
    assert sizes.min() >= 0.05 * len(few)
    assert sizes.sum() == len(few)


def test_a_customer_gone_quiet_keeps_the_tier_of_the_last_balance() -> None:
    frame, _ = groups(1500)
    # nobody was quiet when the trees were grown: both balances were the same
    frame.insert(0, "balance_mean_90d", frame["balance_usual"])
    model = SegmentModel(QUICK).fit(frame)
    quiet = groups(300, seed=4)[0].assign(balance_mean_90d=np.nan)
    found = [name.split(" · ")[0] for name in model.assign(quiet)]
    expected = [model.names[at].split(" · ")[0] for at in model.segments(quiet)]
    agreed = [one == other for one, other in zip(found, expected, strict=True)]
    assert np.mean(agreed) > 0.95


def test_the_number_of_clusters_is_the_planted_one() -> None:
    frame, _ = groups(900)
    assert len(fit_rule(frame, "balance_usual", BEHAVIOUR, QUICK).rule.centres) == 3


def test_value_is_the_balance_where_known_and_the_debits_elsewhere() -> None:
    frame = pd.DataFrame({"balance_usual": [None, None, 1.0], "debit_365d": [1.0, 2.0, 3.0]})
    assert value_feature(frame) == "debit_365d"
    assert value_feature(frame.bfill()) == "balance_usual"
    with pytest.raises(BadInput, match=r"segmentation\.value_feature"):
        value_feature(pd.DataFrame({"other": [1.0]}))


def test_customers_are_matched_by_id_and_leavers_left_out() -> None:
    here, later = match(["c", "a", "b"], ["b", "c", "d"], 3, 3)
    assert [("c", "a", "b")[at] for at in here] == [("b", "c", "d")[at] for at in later]
    assert len(here) == 2


def test_a_behaviour_that_is_no_feature_is_refused() -> None:
    frame = groups(100)[0].assign(customer_kind="person")
    for told, changes in {
        "behaviour names no feature: typo": {"behaviour": ("typo",)},
        "behaviour names what is no number: customer_kind": {"behaviour": ("customer_kind",)},
        "value_feature names no feature: typo": {"value_feature": "typo"},
        "value_feature names what is no number": {"value_feature": "customer_kind"},
    }.items():
        with pytest.raises(BadInput, match=told):
            SegmentModel(QUICK.model_copy(update=changes)).fit(frame)
    same = pd.DataFrame({"balance_usual": range(60), "transactions_90d": [1.0] * 60})
    with pytest.raises(BadInput, match="no behaviour feature varies"):
        SegmentModel(QUICK).fit(same)


@pytest.mark.parametrize(("share", "aside"), [(0.001, 0), (0.999, 60)])
def test_a_share_that_leaves_nobody_on_a_side_is_told(share: float, aside: int) -> None:
    few = QUICK.model_copy(update={"held_out": share})
    with pytest.raises(BadInput, match=f"held_out = {share} keeps {aside} of 60 customers aside"):
        learned(pd.Series(range(60)), few)
