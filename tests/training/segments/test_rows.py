"""Rows of the segments on a small bank: what became of customers, and by what tiers are held."""

from datetime import date, timedelta
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from features.settings import LabelSettings
from training.rows.frames import data_days
from training.segmentation import SegmentModel
from training.segments.champion import SegmentTrees
from training.segments.lists import segmented
from training.segments.rows import held_rows, outcomes_of, rows_at
from training.segments.tiers import HELD
from training.settings import SegmentationSettings

DAY, LATER = date(2025, 1, 1), date(2025, 4, 1)
NAMES = ["transactions_90d", "balance_usual", "channels_365d", "age_years", "customer_kind"]
QUICK = SegmentationSettings(clusters_min=2, clusters_max=3, rounds=10, threads=1)


@pytest.fixture(scope="module")
def months(small_bank: Any) -> dict[date, pd.DataFrame]:
    days = (date(2024, 10, 1), date(2024, 11, 1), date(2024, 12, 1), DAY, LATER)
    return rows_at(small_bank.tables, small_bank.cells, days, NAMES)


@pytest.fixture(scope="module")
def model(months: dict[date, pd.DataFrame]) -> SegmentModel:
    now, later = months[DAY], months[LATER]
    ids = (list(now["customer_id"]), list(later["customer_id"]))
    return SegmentModel(QUICK).fit(now[NAMES], later[NAMES], *ids)


def test_what_became_of_customers_is_what_the_tables_say(small_bank: Any, months: Any) -> None:
    label = small_bank.label
    found = outcomes_of(small_bank.tables, months[DAY], months[LATER], QUICK, label)
    ids = months[DAY]["customer_id"]
    closed = small_bank.tables.closures.to_pandas().set_index("customer_id")["closed_on"]
    left = pd.to_datetime(ids.map(closed))
    begins = pd.Timestamp(DAY) + timedelta(label.gap_days)
    ends = begins + timedelta(label.outcome_days)
    lost = np.where(left < begins, np.nan, (left < ends).astype(float))
    np.testing.assert_array_equal(found.lost, lost)
    assert 0 < np.nansum(lost) < len(lost)
    then = months[LATER].set_index("customer_id")["balance_usual"].reindex(ids)
    gone = ~ids.isin(months[LATER]["customer_id"])
    expected = np.where(gone, 0.0, then.to_numpy())
    np.testing.assert_array_equal(found.value, expected)
    assert gone.any()


def test_losses_that_are_not_known_yet_are_not_counted(small_bank: Any, months: Any) -> None:
    known = (small_bank.tables, months[DAY], months[LATER], QUICK)
    late = LabelSettings(kind="closed", outcome_days=300)
    assert np.isnan(outcomes_of(*known, late).lost).all()
    assert np.isnan(outcomes_of(*known, None).lost).all()


def test_the_months_before_hold_the_tier(small_bank: Any, months: Any, model: Any) -> None:
    first = data_days(small_bank.tables).first
    before, now = held_rows(small_bank.tables, small_bank.cells, months[DAY], model.scheme, first)
    values = [months[day].set_index("customer_id")["balance_usual"] for day in sorted(months)[:4]]
    wide = pd.concat(values, axis=1)
    here, then = wide.iloc[:, 1:4].max(axis=1), wide.iloc[:, 0:3].max(axis=1)
    assert now["customer_id"].tolist() == months[DAY]["customer_id"].tolist()
    np.testing.assert_array_equal(now[HELD], here.reindex(now["customer_id"]))
    np.testing.assert_array_equal(before[HELD], then.reindex(before["customer_id"]))
    assert (now[HELD] > now["balance_usual"]).any()
    begins = months[DAY].assign(as_of=first + timedelta(20))
    assert held_rows(small_bank.tables, small_bank.cells, begins, model.scheme, first)[0] is None


def test_lists_hold_who_can_move_and_the_borderline_is_marked(months: Any, model: Any) -> None:
    now = months[DAY].assign(**{HELD: months[DAY]["balance_usual"]})
    following = lgb.Booster(model_str=model.next_booster.model_to_string())
    trees = SegmentTrees("1", model.scheme, model.manifest, model.booster, following)
    found = segmented(trees, None, now)
    shares = model.predict_proba(now)
    customers = found.customers.set_index("customer_id")
    assert customers["segment"].tolist() == [model.names[at] for at in model.segments(now)]
    np.testing.assert_array_equal(customers["borderline"], shares.max(axis=1) < 0.5)
    assert 0 < customers["borderline"].mean() < 1
    tiers = [model.rule.parts[at].tier + 1 for at in model.segments(now)]
    assert customers["value_tier"].tolist() == tiers
    for listed, name in ((found.upgrades, "up"), (found.downgrades, "down")):
        top = customers.loc[listed["customer_id"]]
        stuck = 3 if name == "up" else 1
        others = customers[customers["value_tier"] != stuck]
        assert len(listed) == round(0.05 * len(others))
        assert (top["value_tier"] != stuck).all()
        least = top[f"{name}_probability"].min()
        assert least >= others.drop(top.index)[f"{name}_probability"].max()
    served = dict(zip(model.names, model.scheme.policies, strict=True))
    told = zip(customers["contact"], customers["cadence_days"], customers["manager"], strict=True)
    assert list(told) == [tuple(served[name]) for name in customers["segment"]]
    assert found.migration.empty
