import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.segments.migration import (
    JOINED,
    LEFT,
    SMALL_CELLS,
    cell_migration,
    migration,
    month_migration,
    square,
)


def month(seed: int, customers: int = 80, of: int = 100) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    ids = np.sort(random.choice(of, customers, replace=False))
    return pd.DataFrame(
        {
            "customer_id": [f"C{one}" for one in ids],
            "as_of": f"month {seed}",
            "cell_id": [f"cell-{one % 4}" for one in ids],
            "segment": random.choice(np.array(["low", "middle", "high"]), customers),
        }
    )


def by_crosstab(before: pd.DataFrame, after: pd.DataFrame) -> dict[tuple[str, str], int]:
    then = before.set_index("customer_id")["segment"]
    now = after.set_index("customer_id")["segment"]
    ids = sorted({*then.index, *now.index})
    table = pd.crosstab(then.reindex(ids).fillna(JOINED), now.reindex(ids).fillna(LEFT))
    return {pair: int(count) for pair, count in table.stack().items() if count}


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 100), st.integers(1, 100))
def test_the_matrix_is_that_of_pandas_crosstab(one, other, some, many):
    before, after = month(one, some), month(other, many)
    found = migration(before, after)
    counted = {(row.before, row.after): row.customers for row in found.itertuples()}
    assert counted == by_crosstab(before, after)
    assert found.groupby("before")["share"].sum().to_numpy() == pytest.approx(1.0)


def test_cells_add_up_to_the_bank_and_small_ones_are_told_as_one():
    before, after = month(1), month(2)
    before.loc[:2, "cell_id"] = "tiny"
    found = cell_migration(before, after, customers_min=10)
    assert set(found["cell_id"]) == {"cell-0", "cell-1", "cell-2", "cell-3", SMALL_CELLS}
    whole = migration(before, after)
    both = found.groupby(["before", "after"])["customers"].sum().reset_index()
    pd.testing.assert_frame_equal(both, whole[["before", "after", "customers"]])
    inside = found[found["cell_id"] == "cell-2"]
    lived = before.loc[before["cell_id"] == "cell-2", "customer_id"]
    came = after.loc[after["cell_id"] == "cell-2", "customer_id"]
    assert inside["customers"].sum() == len({*lived, *(set(came) - set(before["customer_id"]))})


def test_every_month_is_compared_with_the_one_before_it():
    months = [month(seed) for seed in range(4)]
    found = month_migration(months)
    assert found["as_of"].unique().tolist() == ["month 1", "month 2", "month 3"]
    last = found[found["as_of"] == "month 3"].drop(columns="as_of").reset_index(drop=True)
    pd.testing.assert_frame_equal(last, migration(months[2], months[3]))


def test_the_square_has_every_segment_and_its_rows_add_up():
    found = square(migration(month(1), month(2)), ["low", "middle", "high", "nobody's"])
    assert found.columns.tolist() == ["low", "middle", "high", "nobody's", LEFT]
    assert found.sum(axis=1).tolist() == pytest.approx([1.0, 1.0, 1.0, 0.0])
