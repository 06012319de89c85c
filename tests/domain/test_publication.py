"""What is told of a grid: an attacker who adds, subtracts and solves finds nobody."""

from itertools import chain, combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.publication import PublicationSettings, publish
from domain.publication_table import publish_table
from tests.domain.attacker import Attacker, too_small

LEAST = 4
CELLS = ("a", "b", "c", "d", "e", "f")
AREAS = {cell: (f"area-{cell < 'c'}", f"outlet-{cell < 'e'}") for cell in CELLS}

sizes_of_cells = st.lists(st.integers(0, 12), min_size=6, max_size=6)
moves = st.lists(
    st.tuples(st.sampled_from([*CELLS, None]), st.sampled_from([*CELLS, None]), st.integers(1, 9)),
    min_size=1,
    max_size=9,
    unique_by=lambda move: move[:2],
).filter(lambda rows: any(old for old, _, _ in rows) and any(new for _, new, _ in rows))


def people_of(sizes):
    cells = np.repeat(CELLS, sizes)
    return pd.DataFrame({"customer_id": np.arange(len(cells)), "cell_id": cells})


def sets_told(publication, kin):
    """Every set of cells that a page could give a figure of: cells, groups, areas, outlets, all."""
    above = {name for names in kin.values() for name in names}
    parents = [[cell for cell in kin if name in kin[cell]] for name in above]
    sets = [[cell] for cell in kin] + list(publication.groups.values()) + parents + [list(kin)]
    return [cells for cells in sets if publication.customers(cells) is not None]


def figures_over(parts, publication, kin):
    """The 0/1 rows of all figures told, over parts given as sets of customers."""
    told = publication.told.set_index("customer_id").group
    rows = []
    for cells in sets_told(publication, kin):
        groups = {
            group for group, members in publication.groups.items() if set(members) <= set(cells)
        }
        counted = set(told.index[told.isin(groups)])
        assert publication.customers(cells) == len(counted)
        assert all(part <= counted or not part & counted for part in parts)
        rows.append([float(part <= counted) for part in parts])
    return rows


def parts_of(*labels):
    """Customers alike in every series of labels, as sets."""
    table = pd.concat(labels, axis=1).astype("string").fillna("-")
    return [set(rows.index) for _, rows in table.groupby(list(table.columns))]


def label(frame, column, name):
    return frame.set_index("customer_id")[column].rename(name)


@given(sizes_of_cells)
@settings(max_examples=60)
def test_no_small_cell_is_given_back_by_its_parents(sizes):
    people = people_of(sizes)
    assume(len(people))
    found = publish(people, AREAS, None, LEAST)
    parts = parts_of(label(people, "cell_id", "cell"))
    rows = figures_over(parts, found, AREAS)
    attacker = Attacker([len(part) for part in parts], rows, at_least=1)
    assert too_small(attacker.derivable(), LEAST) == set()
    if rows:
        names = people.set_index("customer_id").cell_id
        for at, part in enumerate(parts):
            cell = names[min(part)]
            low, high = attacker.interval(at)
            assert (low == high) == (cell not in found.hidden)
            assert high >= LEAST


@given(sizes_of_cells)
def test_everybody_is_in_the_total_of_a_first_version_unless_too_few(sizes):
    people = people_of(sizes)
    assume(len(people))
    told = publish(people, AREAS, None, LEAST).customers(CELLS)
    populated = sum(size > 0 for size in sizes)
    if len(people) >= LEAST + populated - 1:
        assert told == len(people)
    else:
        assert told in (None, len(people))


@given(sizes_of_cells)
@settings(max_examples=60)
def test_nothing_is_hidden_that_need_not_be(sizes):
    if min(sizes) >= LEAST:
        assert publish(people_of(sizes), AREAS, None, LEAST).hidden == ()


def versions_of(rows):
    """Two versions of a grid: customers by old and new cell; None is not yet there, or gone."""
    start = np.cumsum([0, *(size for _, _, size in rows)])
    before, after = [], []
    for (old, new, size), first in zip(rows, start, strict=False):
        ids = range(first, first + size)
        before += [(one, old) for one in ids if old]
        after += [(one, new) for one in ids if new]
    return [pd.DataFrame(found, columns=["customer_id", "cell_id"]) for found in (before, after)]


def chained(*versions):
    """Each version published beside all before it, and the groups of each as columns."""
    earlier, found = None, []
    for placed in versions:
        one = publish(placed, AREAS, earlier, LEAST)
        column = label(one.told, "group", str(len(found))).astype("string")
        earlier = column.to_frame() if earlier is None else pd.concat([earlier, column], axis=1)
        found.append(one)
    return found


def attack(versions, published):
    """An attacker on all versions, who knows of every group of movers that there is."""
    cells = [label(placed, "cell_id", f"c{at}") for at, placed in enumerate(versions)]
    told = [label(one.told, "group", f"t{at}") for at, one in enumerate(published)]
    parts = parts_of(*cells, *told)
    rows = [row for one in published for row in figures_over(parts, one, AREAS)]
    return Attacker([len(part) for part in parts], rows, at_least=1)


@given(moves)
@settings(max_examples=60)
def test_no_small_group_is_given_back_by_two_versions(rows):
    versions = versions_of(rows)
    attacker = attack(versions, chained(*versions))
    assert too_small(attacker.derivable(), LEAST) == set()


@given(moves, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_no_small_group_is_given_back_by_three_versions(rows, random):
    before, after = versions_of(rows)
    last = after[[random.random() < 0.8 for _ in range(len(after))]]
    assume(len(last))
    last = last.assign(cell_id=[random.choice([cell, "a"]) for cell in last["cell_id"]])
    versions = [before, after, last]
    published = chained(*versions)
    told = [label(one.told, "group", f"t{at}") for at, one in enumerate(published)]
    parts = parts_of(*told)
    known = [part for part in parts if any(part & set(one.index) for one in told)]
    for part in known:
        assert len(part) >= LEAST  # every combination of figures is made of these
    assert subset_differences(published) == set()


def subset_differences(published):
    """Sizes under LEAST of differences of what two versions tell, one set inside the other."""
    sets = []
    for one in published:
        groups = [set(rows.customer_id) for _, rows in one.told.groupby("group")]
        some = chain.from_iterable(combinations(groups, n) for n in range(len(groups) + 1))
        sets.append([set().union(*chosen) for chosen in some])
    found = {
        len(large - small)
        for one in sets
        for two in sets
        for large in one
        for small in two
        if small <= large
    }
    return too_small(found, LEAST)


@given(moves)
@settings(max_examples=60)
def test_the_difference_of_two_versions_is_nobody_or_enough(rows):
    assert subset_differences(chained(*versions_of(rows))) == set()


def test_a_version_that_moves_three_customers_tells_both_cells_together():
    before, after = versions_of([("a", "a", 50), ("a", "b", 3), ("b", "b", 40), ("c", "c", 9)])
    found = chained(before, after)[1]
    assert found.groups["a"] == ("a", "b")
    assert found.customers(["a"]) is None
    assert found.customers(["a", "b"]) == 93
    assert found.customers(["c"]) == 9


def test_newcomers_are_counted_when_there_are_enough_of_them():
    few, many = (
        chained(*versions_of([("a", "a", 50), (None, "a", size), ("b", "b", 40)]))[1]
        for size in (3, 4)
    )
    assert (few.customers(["a"]), few.not_counted, few.hidden) == (50, 3, ())
    assert (many.customers(["a"]), many.not_counted, many.hidden) == (54, 0, ())


def test_customers_who_left_are_counted_until_enough_have():
    few, many = (
        chained(*versions_of([("a", "a", 50), ("a", None, size), ("b", "b", 40)]))[1]
        for size in (3, 4)
    )
    assert (few.customers(["a"]), few.still_counted) == (53, 3)
    assert (many.customers(["a"]), many.still_counted) == (50, 0)


def test_a_near_cell_is_hidden_rather_than_a_small_one_far_away():
    people = people_of([2, 9, 7, 5, 4, 4])  # a and b lie in one area, the others elsewhere
    assert publish(people, AREAS, None, LEAST).groups["a"] == ("a", "b")


def test_too_few_in_all_are_not_told_at_all():
    found = publish(people_of([1, 1, 1, 0, 0, 0]), AREAS, None, LEAST)
    assert found.customers(CELLS) is None
    assert found.told.empty
    assert set(found.hidden) == {"a", "b", "c"}


def test_ten_customers_are_the_floor_unless_it_is_set():
    assert PublicationSettings().customers_min == 10
    with pytest.raises(ValueError, match="customers_min"):
        PublicationSettings(customers_min=0)


tables = st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=1, max_size=4).map(
    lambda rows: pd.DataFrame(rows, columns=["x", "y", "z"])
)


@given(tables)
@settings(max_examples=80)
def test_no_small_entry_is_given_back_by_the_margins_of_a_table(counts):
    counts = counts[(counts.sum(axis=1) == 0) | (counts.sum(axis=1) >= LEAST)]
    assume(len(counts))
    told = publish_table(counts, LEAST)
    parts = [(row, column) for row in counts.index for column in counts.columns]
    of_columns = {name: set(name.split(" + ")) for name in told.columns}
    sets = [{part for part in parts if part[0] == row} for row in counts.index]
    sets += [{part for part in parts if part[1] in names} for names in of_columns.values()]
    sets += [
        {(row, column) for column in of_columns[name]}
        for row in told.index
        for name in told.columns
        if pd.notna(told.loc[row, name])
    ]
    sizes = [counts.loc[part] for part in parts]
    attacker = Attacker(sizes, [[float(part in one) for part in parts] for one in sets])
    assert too_small(attacker.derivable(), LEAST) == set()
    for row in told.index[told.isna().any(axis=1)]:
        for at, part in enumerate(parts):
            if part[0] == row and 0 < sizes[at] < LEAST:
                low, high = attacker.interval(at)
                assert low < high


def test_a_table_of_large_entries_is_told_as_it_is():
    counts = pd.DataFrame({"x": [10, 0], "y": [12, 30]})
    pd.testing.assert_frame_equal(publish_table(counts, 10), counts.astype(float))


def test_a_category_of_too_few_is_told_with_the_next():
    told = publish_table(pd.DataFrame({"x": [1, 2], "y": [20, 30], "z": [40, 50]}), 10)
    assert sorted(told.columns) == ["x + y", "z"]
    assert told["x + y"].tolist() == [21, 32]


def test_a_row_sum_of_too_few_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="row sum is too small"):
        publish_table(pd.DataFrame({"x": [1], "y": [2]}), 10)
