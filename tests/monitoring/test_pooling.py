"""Small cells are tested together or not at all, and every cell is accounted for."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from monitoring.pooling import REST, is_pool, pool
from monitoring.settings import MonitoringSettings

SETTINGS = MonitoringSettings()


def cells(**rows: int) -> pd.Series:
    return pd.Series([name for name, count in rows.items() for _ in range(count)], dtype=object)


def test_a_cell_with_enough_rows_in_both_months_is_tested_alone() -> None:
    assert pool(cells(A=100), cells(A=100), {}, SETTINGS).group_of == {"A": "A"}


def test_small_cells_of_a_parent_are_tested_together() -> None:
    rows = cells(A=60, B=60, C=500)
    found = pool(rows, rows, {"A": "X", "B": "X", "C": "X"}, SETTINGS)
    assert found.group_of == {"A": "parent:X", "B": "parent:X", "C": "C"}
    assert found.pools == {"parent:X": ["A", "B"]}


def test_a_cell_that_is_small_in_one_month_only_is_pooled() -> None:
    found = pool(cells(A=400, B=90), cells(A=99, B=90), {"A": "X", "B": "X"}, SETTINGS)
    assert set(found.group_of.values()) == {"parent:X"}


def test_a_pool_under_the_floor_goes_to_the_rest_of_the_bank() -> None:
    rows = cells(A=40, B=20)
    assert pool(rows, rows, {"A": "X", "B": "Y"}, SETTINGS).group_of == {"A": REST, "B": REST}


def test_a_rest_under_thirty_rows_is_not_tested_and_said_so() -> None:
    rows = cells(A=20, B=9)
    found = pool(rows, rows, {}, SETTINGS)
    assert found.group_of == {}
    assert [(each.cell_id, each.n_current) for each in found.untested] == [("A", 20), ("B", 9)]
    assert "fewer than 30 rows" in found.untested[0].reason


def test_new_and_vanished_cells_are_not_tested_and_said_so() -> None:
    found = pool(cells(A=200, OLD=300), cells(A=200, NEW=300), {}, SETTINGS)
    assert found.group_of == {"A": "A"}
    assert {each.cell_id for each in found.untested} == {"NEW", "OLD"}


SIZES = st.dictionaries(st.sampled_from("ABCDEFGH"), st.integers(0, 220), min_size=1)


@given(SIZES, SIZES, st.dictionaries(st.sampled_from("ABCDEFGH"), st.sampled_from("XY")))
def test_every_cell_is_in_one_group_or_untested_and_no_group_is_too_small(
    before: dict[str, int], after: dict[str, int], parents: dict[str, str]
) -> None:
    one, two = cells(**before), cells(**after)
    found = pool(one, two, parents, SETTINGS)
    untested = {each.cell_id for each in found.untested}
    assert untested.isdisjoint(found.group_of)
    assert untested | set(found.group_of) == set(one) | set(two)
    for group in found.groups:
        floor = SETTINGS.untestable if group == REST else SETTINGS.cell_floor
        members = [cell for cell, name in found.group_of.items() if name == group]
        assert min(one.isin(members).sum(), two.isin(members).sum()) >= floor
        assert is_pool(group) or members == [group]
