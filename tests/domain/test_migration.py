"""Between two grid versions: what became of the cells, and the same history on either."""

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.migration import migration, restate

names = st.sampled_from(["a", "b", "c", "d"])
people = st.lists(st.tuples(names, names, st.integers(0, 1000)), min_size=1, max_size=30)


def way_of(pairs):
    """A migration and the history of its customers, from old cell, new cell and spend."""
    table = pd.DataFrame(pairs, columns=["cell_id", "new", "spend"]).rename_axis("customer_id")
    table = table.reset_index()
    old = table[["customer_id", "cell_id"]]
    way = migration("v1", old, "v2", old.assign(cell_id=table["new"]))
    return way, table


@given(people)
def test_restating_by_customer_is_counting_again(pairs):
    way, table = way_of(pairs)
    found = restate(table[["customer_id", "cell_id", "spend"]], way, ["spend"])
    assert found.set_index("cell_id").spend.to_dict() == table.groupby("new").spend.sum().to_dict()
    assert found.exact.all()


@given(people)
def test_restating_by_share_keeps_the_total_and_exact_cells_are_exact(pairs):
    way, table = way_of(pairs)
    totals = table.groupby("cell_id", as_index=False).spend.sum()
    found = restate(totals, way, ["spend"]).set_index("cell_id")
    assert found.spend.sum() == pytest.approx(table.spend.sum())
    truth = table.groupby("new").spend.sum()
    exact = found.index[found.exact]
    assert found.spend[exact].to_dict() == truth[exact].to_dict()


@given(people)
def test_equal_customers_are_restated_by_share_as_they_are(pairs):
    """Where every customer of a cell is like the others, a share tells the truth."""
    way, table = way_of(pairs)
    counts = table.assign(spend=1).groupby("cell_id", as_index=False).spend.sum()
    found = restate(counts, way, ["spend"]).set_index("cell_id").spend
    pd.testing.assert_series_equal(
        found, table.groupby("new").size().astype(float), check_names=False
    )


@given(people)
def test_there_and_back_is_where_it_was(pairs):
    way, table = way_of(pairs)
    there = restate(table[["customer_id", "cell_id", "spend"]], way, ["spend"])
    by_customer = table[["customer_id", "spend"]].assign(cell_id=table["new"])
    back = restate(by_customer, way.reversed(), ["spend"]).set_index("cell_id").spend
    assert back.to_dict() == table.groupby("cell_id").spend.sum().to_dict()
    split_only = table.groupby("new").cell_id.nunique().max() == 1
    if split_only:  # then totals alone find back too
        home = restate(there[["cell_id", "spend"]], way.reversed(), ["spend"])
        assert home.set_index("cell_id").spend.to_dict() == back.to_dict()
        assert home.exact.all()


@given(people)
@settings(max_examples=50)
def test_each_day_is_restated_by_itself(pairs):
    way, table = way_of(pairs)
    days = pd.concat([table.assign(as_of=day) for day in ("2026-01-31", "2026-02-28")])
    found = restate(days, way, ["spend"], by=["as_of"])
    one = restate(table, way, ["spend"])
    for _, rows in found.groupby("as_of"):
        assert rows.spend.tolist() == one.spend.tolist()


@given(people)
def test_shares_and_moves_agree_with_counting(pairs):
    way, table = way_of(pairs)
    assert way.flows.groupby("cell_before").share.sum().tolist() == pytest.approx(
        [1.0] * table.cell_id.nunique()
    )
    heirs = table.cell_id.map(way.heirs)
    assert way.moved == (heirs != table["new"]).sum()
    same = table[table.cell_id == table["new"]]
    assert all(way.heirs[cell] == cell for cell in same.cell_id)


@given(people)
def test_every_cell_has_one_fate(pairs):
    way, table = way_of(pairs)
    for side, column in (("cell_before", "cell_id"), ("cell_after", "new")):
        cells = [cell for group in way.fates[side] for cell in group]
        assert sorted(cells) == sorted(table[column].unique())


@given(people)
@settings(max_examples=30)
def test_on_the_same_cells_nothing_happens(pairs):
    _, table = way_of(pairs)
    way = migration("v1", table, "v2", table)
    assert way.moved == 0
    assert set(way.fates.fate) == {"kept"}


def test_fates_have_their_names():
    old = ["kept", "split", "split", "m1", "m2", "r1", "r1", "r2", "gone", None]
    new = ["kept", "s1", "s2", "merged", "merged", "x", "y", "y", None, "new"]
    sides = [
        pd.DataFrame({"customer_id": range(10), "cell_id": cells}).dropna() for cells in (old, new)
    ]
    fates = migration("v1", sides[0], "v2", sides[1]).fates
    assert fates.set_index("fate").to_dict("index") == {
        "kept": {"cell_before": ("kept",), "cell_after": ("kept",)},
        "split": {"cell_before": ("split",), "cell_after": ("s1", "s2")},
        "merged": {"cell_before": ("m1", "m2"), "cell_after": ("merged",)},
        "redrawn": {"cell_before": ("r1", "r2"), "cell_after": ("x", "y")},
        "gone": {"cell_before": ("gone",), "cell_after": ()},
        "new": {"cell_before": (), "cell_after": ("new",)},
    }


def test_a_customer_who_is_gone_is_divided_like_the_cell_and_it_is_said():
    old = pd.DataFrame({"customer_id": [1, 2, 3], "cell_id": ["a", "a", "a"], "spend": [4, 5, 6]})
    new = pd.DataFrame({"customer_id": [1, 2], "cell_id": ["x", "y"]})
    found = restate(old, migration("v1", old, "v2", new), ["spend"]).set_index("cell_id")
    assert found.spend.to_dict() == {"x": 7, "y": 8}
    assert not found.exact.any()


def test_a_cell_of_another_version_is_refused():
    way, _ = way_of([("a", "b", 1)])
    with pytest.raises(BadInput, match=r"first: z.*v1 and v2"):
        restate(pd.DataFrame({"cell_id": ["z"], "spend": [1.0]}), way, ["spend"])


@given(people)
@settings(max_examples=30)
def test_the_table_is_not_changed(pairs):
    assume(len(pairs) > 1)
    way, table = way_of(pairs)
    before = table.copy()
    restate(table, way, ["spend"])
    pd.testing.assert_frame_equal(table, before)
