"""The feature query, compiled once and asked about many banks.

What it costs to write a statement is many times what it costs to run it on the few rows of a test;
that it depends on no row is a test of `test_customer`.
"""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import pandas as pd

from features.customer import customer_features
from features.engine import Tables, tables_of

NOBODY = pd.DataFrame({"customer_id": [], "onboarded_on": []})


class Statement(NamedTuple):
    """A query with the small tables that it brings along, and its SQL."""

    query: Any
    sql: str


@cache
def statement(zone: str, days: tuple[date, ...], customers: tuple[str, ...] | None) -> Statement:
    """The feature query over tables of the contracts' names, whichever connection has them."""
    tables = tables_of({"customers": NOBODY}, zone)
    query = customer_features(tables, list(days), customers)
    return Statement(query, tables.connection.compile(query))


def feature_rows(
    tables: Tables, days: Sequence[date], customers: Sequence[str] | None = None
) -> pd.DataFrame:
    """What `frame_of(customer_features(...))` gives of the tables of frames."""
    narrowed = None if customers is None else tuple(customers)
    query, sql = statement(tables.timezone, tuple(days), narrowed)
    tables.connection._run_pre_execute_hooks(query)
    found: pd.DataFrame = tables.connection.con.sql(sql).to_arrow_table().to_pandas()
    return found
