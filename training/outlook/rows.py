"""Rows to look ahead from: features at some cut-offs, and what became of each customer."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd
from ibis.expr.types import Table

from features.engine import Tables, frame_of
from features.snapshot import write_features
from training.report import Progress
from training.rows.dataset import KEYS, cells_for
from training.rows.store import PAIR, customer_draws, everyone_at


def write_snapshot(
    tables: Tables, cells: pd.DataFrame, days: Sequence[date], file: Path, progress: Progress
) -> Path:
    """Features of everyone at each of `days`, in `file`."""
    ids = frame_of(tables.customers.select("customer_id").distinct())["customer_id"]
    write_features(tables, sorted(set(days)), file, cells_for(ids, cells), progress)
    return file


def rows_at(
    snapshot: Path, days: Sequence[date], truth: pd.DataFrame, share: float = 1.0, seed: int = 0
) -> pd.DataFrame:
    """Keys, features and the columns of `truth`, of the customers whom it knows, in their order.

    `share` is that of the customers to read, drawn as a whole.
    """
    drawn = truth[customer_draws(truth["customer_id"], seed) >= 1 - share]
    found = [
        everyone_at(snapshot, day).merge(drawn, on=PAIR, how="inner", validate="1:1")
        for day in days
    ]
    return pd.concat(found).sort_values(["as_of", "customer_id"], ignore_index=True)


def truth_of(table: Table) -> pd.DataFrame:
    """What became of customers, in memory: `customer_id`, `as_of` (a date) and its columns."""
    found = frame_of(table)
    return found.assign(as_of=pd.to_datetime(found["as_of"]).dt.date)


def features_of(rows: pd.DataFrame, truth: Sequence[str]) -> pd.DataFrame:
    """The features of rows: neither keys nor what became of the customer."""
    return rows.drop(columns=[*KEYS, *truth])
