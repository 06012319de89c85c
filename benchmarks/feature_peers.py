"""The canonical features at one cut-off as a good user of each tool would write them, for UTC.

Each function reads `customers.parquet` and `transactions.parquet` of a folder and writes one row
per customer to a Parquet file. Definitions: docs/features.md.
"""

from datetime import date, timedelta
from pathlib import Path

WINDOWS = (30, 90, 180, 365)
CANONICAL = (
    "recency_days",
    "tenure_days",
    "balance_last",
    *(
        f"{name}_{days}d"
        for days in WINDOWS
        for name in (
            "transactions",
            "credit",
            "debit",
            "amount_mean",
            "amount_std",
            "amount_max",
            "balance_mean",
        )
    ),
    "active_months_365d",
    "channels_365d",
    "categories_365d",
    "counterparties_365d",
    "gap_mean_365d",
    "gap_std_365d",
)


def duckdb_sql(folder: Path, out: Path, as_of: date, threads: int, memory: str) -> None:
    """One statement: a window for the gaps, one group-by with filters, the last row by arg_max."""
    import duckdb

    at = f"TIMESTAMP '{as_of}'"
    windowed = ", ".join(_window_sql(days) for days in WINDOWS)
    within = ", ".join(f"posted_at >= {at} - INTERVAL {d} DAY AS w{d}" for d in WINDOWS)
    statement = f"""
    WITH seen AS (
        SELECT *, {within} FROM '{folder}/transactions.parquet'
        WHERE posted_at < {at} AND (available_at IS NULL OR available_at <= {at})),
    year AS (
        SELECT *, epoch_us(posted_at) - epoch_us(lag(posted_at) OVER (
            PARTITION BY customer_id ORDER BY posted_at)) AS gap
        FROM seen WHERE w365),
    measured AS (
        SELECT customer_id, {windowed},
            count(DISTINCT year(posted_at) * 12 + month(posted_at)) AS active_months_365d,
            count(DISTINCT channel) AS channels_365d, count(DISTINCT category) AS categories_365d,
            count(DISTINCT counterparty_id) AS counterparties_365d,
            avg(gap) / 86400e6 AS gap_mean_365d, stddev_samp(gap) / 86400e6 AS gap_std_365d
        FROM year GROUP BY customer_id),
    last AS (
        SELECT customer_id, max({{'t': posted_at, 'i': transaction_id, 'b': balance_after}}) AS row
        FROM seen GROUP BY customer_id)
    SELECT customer_id, * EXCLUDE (customer_id, row, onboarded_on),
        epoch_us({at} - row.t) / 86400e6 AS recency_days, row.b AS balance_last,
        DATE '{as_of}' - onboarded_on AS tenure_days
    FROM (SELECT customer_id, onboarded_on FROM '{folder}/customers.parquet')
    LEFT JOIN measured USING (customer_id) LEFT JOIN last USING (customer_id)"""
    engine = duckdb.connect()
    engine.execute(f"SET threads = {threads}; SET memory_limit = '{memory}'")
    engine.execute("SET enable_progress_bar = false")
    engine.execute(f"COPY ({statement}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")


def _window_sql(days: int) -> str:
    inside = f"FILTER (WHERE w{days})"
    return f"""count(*) {inside} AS transactions_{days}d,
        coalesce(sum(amount) FILTER (WHERE w{days} AND amount > 0), 0) AS credit_{days}d,
        coalesce(sum(-amount) FILTER (WHERE w{days} AND amount < 0), 0) AS debit_{days}d,
        avg(amount) {inside} AS amount_mean_{days}d,
        stddev_samp(amount) {inside} AS amount_std_{days}d,
        max(abs(amount)) {inside} AS amount_max_{days}d,
        avg(balance_after) {inside} AS balance_mean_{days}d"""


def polars_lazy(folder: Path, out: Path, as_of: date, threads: int, memory: str) -> None:
    """A lazy query, streamed; threads by POLARS_MAX_THREADS, memory is not bound."""
    import polars as pl

    at = pl.lit(as_of).cast(pl.Datetime("us"))
    rows = pl.scan_parquet(folder / "transactions.parquet")
    arrived = pl.col("available_at").is_null() | (pl.col("available_at") <= at)
    seen = rows.filter((pl.col("posted_at") < at) & arrived)
    last = seen.group_by("customer_id").agg(
        pl.col("posted_at").max().alias("last"),
        pl.col("balance_after").sort_by("posted_at", "transaction_id").last().alias("balance_last"),
    )
    year = seen.filter(pl.col("posted_at") >= at - timedelta(days=365)).select(
        "customer_id",
        "posted_at",
        "amount",
        "balance_after",
        "channel",
        "category",
        "counterparty_id",
    )
    gap = pl.col("posted_at").sort().diff().dt.total_microseconds() / 86400e6
    measured = year.group_by("customer_id").agg(
        *(one for days in WINDOWS for one in _window_polars(days, at)),
        (pl.col("posted_at").dt.year() * 12 + pl.col("posted_at").dt.month())
        .n_unique()
        .alias("active_months_365d"),
        pl.col("channel").drop_nulls().n_unique().alias("channels_365d"),
        pl.col("category").drop_nulls().n_unique().alias("categories_365d"),
        pl.col("counterparty_id").drop_nulls().n_unique().alias("counterparties_365d"),
        gap.mean().alias("gap_mean_365d"),
        gap.std().alias("gap_std_365d"),
    )
    customers = pl.scan_parquet(folder / "customers.parquet").select("customer_id", "onboarded_on")
    made = customers.join(measured, on="customer_id", how="left")
    made = made.join(last, on="customer_id", how="left").with_columns(
        ((at - pl.col("last")).dt.total_microseconds() / 86400e6).alias("recency_days"),
        (pl.lit(as_of) - pl.col("onboarded_on")).dt.total_days().alias("tenure_days"),
    )
    made.drop("last", "onboarded_on").sink_parquet(out, compression="zstd")


def _window_polars(days: int, at):
    import polars as pl

    inside = pl.col("posted_at") >= at - timedelta(days=days)
    amount = pl.col("amount").filter(inside)
    return (
        amount.len().alias(f"transactions_{days}d"),
        amount.clip(lower_bound=0).sum().alias(f"credit_{days}d"),
        (-amount).clip(lower_bound=0).sum().alias(f"debit_{days}d"),
        amount.mean().alias(f"amount_mean_{days}d"),
        amount.std().alias(f"amount_std_{days}d"),
        amount.abs().max().alias(f"amount_max_{days}d"),
        pl.col("balance_after").filter(inside).mean().alias(f"balance_mean_{days}d"),
    )


def pandas_frames(folder: Path, out: Path, as_of: date, threads: int, memory: str) -> None:
    """Group-bys on one frame; pandas has one thread and no bound of memory."""
    import pandas as pd

    at = pd.Timestamp(as_of)
    customers = pd.read_parquet(
        folder / "customers.parquet", columns=["customer_id", "onboarded_on"]
    )
    rows = pd.read_parquet(folder / "transactions.parquet")
    arrived = rows["available_at"].isna() | (rows["available_at"] <= at)
    seen = rows[(rows["posted_at"] < at) & arrived]
    seen = seen.sort_values(["customer_id", "posted_at", "transaction_id"])
    last = seen.drop_duplicates("customer_id", keep="last").set_index("customer_id")
    found = {
        "recency_days": (at - last["posted_at"]) / pd.Timedelta(days=1),
        "balance_last": last["balance_after"],
    }
    for days in WINDOWS:
        found |= _window_pandas(seen[seen["posted_at"] >= at - pd.Timedelta(days=days)], days)
    found |= _year_pandas(seen[seen["posted_at"] >= at - pd.Timedelta(days=365)])
    made = customers.set_index("customer_id").assign(**found)
    made["tenure_days"] = (at - pd.to_datetime(made.pop("onboarded_on"))).dt.days
    made.reset_index().to_parquet(out, compression="zstd", index=False)


def _window_pandas(rows, days: int) -> dict:
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


def _year_pandas(rows) -> dict:
    import pandas as pd

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


PEERS = {"duckdb": duckdb_sql, "polars": polars_lazy, "pandas": pandas_frames}
