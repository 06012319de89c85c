"""The shorter ways of the dialect find what the plain ones find."""

import ibis
import numpy as np
import pandas as pd

from features.dialect import last_in_place, last_row

LAST = (("posted_at", "place"), ("balance_after",))


def test_the_last_row_by_its_place_is_the_last_by_time_also_without_a_balance() -> None:
    draw = np.random.default_rng(7)
    rows = pd.DataFrame(
        {
            "customer_id": draw.integers(0, 300, 2000),
            "posted_at": np.datetime64("2026-01-01", "us")
            + draw.integers(0, 5, 2000).astype("m8[D]"),  # many at one moment
            "balance_after": np.where(draw.random(2000) < 0.4, np.nan, draw.normal(0, 9, 2000)),
        }
    ).sort_values(["customer_id", "posted_at"], ignore_index=True)
    rows["place"] = np.arange(len(rows))
    table = ibis.memtable(rows).mutate(
        balance_after=lambda one: one.balance_after.isnan().ifelse(None, one.balance_after)
    )
    found = table.group_by("customer_id").aggregate(
        short=last_in_place(table, *LAST), plain=last_row(table, *LAST)
    )
    both = found.order_by("customer_id").to_pyarrow().to_pydict()
    assert both["short"] == both["plain"]
    assert sum(one["balance_after"] is None for one in both["plain"]) > 50
