"""The Complete Journey: a retailer's loyalty panel of 2017; the customer is the household.

A transaction is one line of a basket: its id is basket and product (which never repeat), its
amount is minus the sales value (a line given away for coupons is 0), its category the
product's department, its channel "store". The timestamps are UTC: only then does the year end
at 23:01 on 31 December in New York, and only then do shopping hours not move with the clocks;
`America/New_York` is the bank's time zone to set. The home outlet is the store of the
household's first basket, and the first day as a customer the day of that basket: both are
known from the first day on, so neither tells the future. Of 801 households that were asked,
the income band, and the composition of the household as `kind`. A campaign sent to a household
is a service event of kind "contact" on its first day, its type the channel. There are no
balances, holdings or closures.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from domain.errors import BadInput
from features.readers import parquet
from features.readers.batch import Batch, file_marks, present
from features.settings import SourceSettings

FILES = (
    "transactions.parquet",
    "products.parquet",
    "demographics.parquet",
    "campaigns.parquet",
    "campaign_descriptions.parquet",
)
LINE_COLUMNS = (
    "household_id",
    "basket_id",
    "product_id",
    "sales_value",
    "transaction_timestamp",
)


def read(settings: SourceSettings, folder: Path, timezone: str) -> Iterator[Batch]:
    """Batches of customers, service events and transactions."""
    present(folder, *FILES)
    yield Batch("customers", "transactions.parquet", 1, _customers(folder))
    yield Batch("service_events", "campaigns.parquet", 1, _contacts(folder))
    products = _whole(folder, "products.parquet", "product_id", "department")
    departments = products.set_index("product_id")["department"]
    for first_row, frame, done in parquet.rows(folder / "transactions.parquet", LINE_COLUMNS):
        lines = _transactions(frame, departments)
        yield Batch("transactions", "transactions.parquet", first_row, lines, done)


def marks(settings: SourceSettings, folder: Path) -> dict[str, str]:
    """Size and hash of every file."""
    return file_marks(present(folder, *FILES), folder)


def places(settings: SourceSettings, folder: Path) -> list[Path]:
    """The files of the panel."""
    return [folder / name for name in FILES]


def _whole(folder: Path, name: str, *columns: str) -> pd.DataFrame:
    absent = set(columns) - set(parquet.column_names(folder / name))
    if absent:
        raise BadInput(f"{name} has no column {', '.join(map(repr, sorted(absent)))}")
    return parquet.to_frame(pq.read_table(folder / name, columns=list(columns)))


def _customers(folder: Path) -> pd.DataFrame:
    first = _first_baskets(folder / "transactions.parquet")
    asked = _whole(folder, "demographics.parquet", "household_id", "income", "household_comp")
    joined = first.merge(asked, on="household_id", how="left", validate="1:1")
    return pd.DataFrame(
        {
            "customer_id": joined["household_id"],
            "onboarded_on": joined["first_at"].dt.tz_localize("UTC"),
            "income_band": joined["income"],
            "outlet_id": joined["store_id"],
            "kind": joined["household_comp"],
        }
    )


def _first_baskets(path: Path) -> pd.DataFrame:
    """One row per household: time and store of its first basket (ties: the smallest basket)."""
    with duckdb.connect(":memory:") as duck:
        duck.register("lines", ds.dataset(path))
        first = duck.sql(
            "SELECT household_id, min(transaction_timestamp) AS first_at, "
            "arg_min(store_id, (transaction_timestamp, basket_id)) AS store_id "
            "FROM lines GROUP BY household_id ORDER BY household_id"
        )
        return parquet.to_frame(first.to_arrow_table())


def _contacts(folder: Path) -> pd.DataFrame:
    sent = _whole(folder, "campaigns.parquet", "campaign_id", "household_id")
    described = ("campaign_id", "campaign_type", "start_date")
    joined = sent.merge(_whole(folder, "campaign_descriptions.parquet", *described), how="left")
    event = joined["campaign_id"].astype("string") + "-" + joined["household_id"].astype("string")
    return pd.DataFrame(
        {
            "event_id": event,
            "customer_id": joined["household_id"],
            "occurred_at": joined["start_date"],
            "kind": "contact",
            "channel": joined["campaign_type"],
        }
    )


def _transactions(lines: pd.DataFrame, departments: pd.Series) -> pd.DataFrame:
    basket, product = lines["basket_id"].astype("string"), lines["product_id"].astype("string")
    return pd.DataFrame(
        {
            "transaction_id": basket + "-" + product,
            "customer_id": lines["household_id"],
            "posted_at": lines["transaction_timestamp"].dt.tz_localize("UTC"),
            "amount": 0.0 - lines["sales_value"],
            "channel": "store",
            "category": lines["product_id"].map(departments),
            "initiated_by_customer": True,
        }
    )
