"""Canonical features: the feature query against plain pandas, same values side by side.

    python -m benchmarks.features_pandas --customers 20000 --transactions 3000000 --cutoffs 10

Both read the same Parquet files and give the same rows; every value is compared to 1e-9. The
query makes every registered feature, pandas only the canonical ones.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from domain.cutoffs import month_starts, months_before
from domain.tables import CONTRACTS
from features.customer import customer_features
from features.engine import frame_of, open_tables, tables_of
from features.registry import FEATURES, WINDOWS
from features.settings import EngineSettings

FIRST, LAST = date(2024, 1, 1), date(2026, 1, 1)
KEY = ["customer_id", "as_of"]


def simulated(customers: int, transactions: int, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Random rows of two years: two decimals of money, whole seconds, a day's delay at most."""
    draw = np.random.default_rng(seed)
    ids = np.array([f"C{at:07d}" for at in range(customers)])
    seconds = np.sort(draw.integers(0, (LAST - FIRST).days * 86400, transactions))
    posted = np.datetime64(FIRST, "us") + seconds.astype("timedelta64[s]")
    rows = pd.DataFrame(
        {
            "transaction_id": np.char.mod("T%09d", np.arange(transactions)),
            "customer_id": ids[draw.integers(0, customers, transactions)],
            "posted_at": posted,
            "amount": np.round(draw.normal(0, 500, transactions), 2),
            "balance_after": np.round(draw.normal(5000, 2000, transactions), 2),
            "channel": draw.choice(["counter", "atm", "mobile", "web"], transactions),
            "category": draw.choice(["salary", "rent", "food", "fees", "cash"], transactions),
            "counterparty_id": np.char.mod("P%04d", draw.integers(0, 5000, transactions)),
            "available_at": posted + draw.integers(0, 86400, transactions).astype("timedelta64[s]"),
        }
    )
    return {
        "customers": pd.DataFrame({"customer_id": ids, "onboarded_on": FIRST}),
        "transactions": rows,
    }


def pandas_features(folder: Path, days: Sequence[date]) -> pd.DataFrame:
    """The canonical features as one would write them for UTC, one cut-off after the other."""
    customers = pd.read_parquet(folder / "customers.parquet")
    rows = pd.read_parquet(folder / "transactions.parquet").sort_values(
        ["posted_at", "transaction_id"]
    )
    return pd.concat([_at(rows, customers, day) for day in days], ignore_index=True)


def _at(rows: pd.DataFrame, customers: pd.DataFrame, day: date) -> pd.DataFrame:
    at = pd.Timestamp(day)
    arrived = rows["available_at"].isna() | (rows["available_at"] <= at)
    seen = rows[(rows["posted_at"] < at) & arrived]
    last = seen.groupby("customer_id").tail(1).set_index("customer_id")
    found = {
        "recency_days": (at - last["posted_at"]) / pd.Timedelta(days=1),
        "balance_last": last["balance_after"],
    }
    for days in WINDOWS:
        found |= _window(seen[seen["posted_at"] >= at - pd.Timedelta(days=days)], days)
    found |= _year(seen[seen["posted_at"] >= at - pd.Timedelta(days=365)])
    made = customers[["customer_id", "onboarded_on"]].set_index("customer_id").assign(**found)
    made["tenure_days"] = (at - pd.to_datetime(made.pop("onboarded_on"))).dt.days
    counted = [name for name in made if FEATURES[name].empty == 0]
    made[counted] = made[counted].fillna(0)
    return made.reset_index().assign(as_of=day)


def _window(rows: pd.DataFrame, days: int) -> dict[str, pd.Series]:
    who = rows["customer_id"]
    amounts = rows.groupby("customer_id")["amount"].agg(["count", "mean", "std"])
    return {
        f"transactions_{days}d": amounts["count"],
        f"credit_{days}d": rows["amount"].clip(lower=0).groupby(who).sum(),
        f"debit_{days}d": (-rows["amount"]).clip(lower=0).groupby(who).sum(),
        f"amount_mean_{days}d": amounts["mean"],
        f"amount_std_{days}d": amounts["std"],
        f"amount_max_{days}d": rows["amount"].abs().groupby(who).max(),
        f"balance_mean_{days}d": rows.groupby("customer_id")["balance_after"].mean(),
    }


def _year(rows: pd.DataFrame) -> dict[str, pd.Series]:
    grouped = rows.groupby("customer_id")
    gaps = grouped["posted_at"].diff() / pd.Timedelta(days=1)
    months = rows["posted_at"].dt.year * 12 + rows["posted_at"].dt.month
    return {
        "active_months_365d": months.groupby(rows["customer_id"]).nunique(),
        "channels_365d": grouped["channel"].nunique(),
        "categories_365d": grouped["category"].nunique(),
        "counterparties_365d": grouped["counterparty_id"].nunique(),
        "gap_mean_365d": gaps.groupby(rows["customer_id"]).mean(),
        "gap_std_365d": gaps.groupby(rows["customer_id"]).std(),
    }


def compare(ours: pd.DataFrame, theirs: pd.DataFrame) -> float:
    """Largest relative difference of a canonical feature; an error above 1e-9."""
    names = [name for name in theirs.columns if name in FEATURES]
    ours = ours.sort_values(KEY, ignore_index=True)
    theirs = theirs.sort_values(KEY, ignore_index=True)
    assert ours[KEY].equals(theirs[KEY])
    a, b = ours[names].to_numpy("float64"), theirs[names].to_numpy("float64")
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    return float(np.nanmax(np.abs(a - b) / np.maximum(np.abs(b), 1)))


def main() -> None:
    """Time both, assert that they agree, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, size in (("customers", 20_000), ("transactions", 3_000_000), ("cutoffs", 10)):
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--threads", type=int, default=2)
    sizes = parser.parse_args()
    days = month_starts(months_before(LAST, sizes.cutoffs - 1), LAST)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        deliver(simulated(sizes.customers, sizes.transactions), folder)
        start = _clock()
        tables = open_tables(folder, EngineSettings(threads=sizes.threads))
        ours = frame_of(customer_features(tables, days))
        middle = _clock()
        theirs = pandas_features(folder, days)
        end = _clock()
    difference = compare(ours, theirs)
    _report(ours, theirs, middle - start, end - middle)
    print(f"same values: largest relative difference {difference:.1e}")
    wall, processor = (end - middle) / (middle - start)
    print(f"pandas takes {wall:.1f} times as long and {processor:.1f} times the processor")


def deliver(frames: dict[str, pd.DataFrame], folder: Path) -> None:
    """Write the frames as contract tables."""
    tables = tables_of(frames)
    for name in CONTRACTS:
        pq.write_table(tables._asdict()[name].to_pyarrow(), folder / f"{name}.parquet")


def _clock() -> np.ndarray:
    """Seconds of the wall and of the processor, all threads: the second stands a busy machine."""
    return np.array([time.perf_counter(), time.process_time()])


def _report(ours: pd.DataFrame, theirs: pd.DataFrame, query: np.ndarray, plain: np.ndarray) -> None:
    print(f"{'':14}{'rows':>10}{'features':>10}{'seconds':>10}{'CPU s':>10}{'features/s':>14}")
    canonical = sum(name in FEATURES for name in theirs.columns)
    for label, rows, features, seconds in (
        ("feature query", ours, len(FEATURES), query),
        ("plain pandas", theirs, canonical, plain),
    ):
        size, rate = f"{len(rows):>10,}{features:>10}", len(rows) * features / seconds[0]
        print(f"{label:14}{size}{seconds[0]:>10.1f}{seconds[1]:>10.1f}{rate:>14,.0f}")


if __name__ == "__main__":
    main()
