"""Rows of a notebook and of segmentation, in memory; `training.rows.store` keeps them on disk."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from features.customer import customer_features
from features.engine import Tables
from features.history import data_days as days_with_data
from features.settings import LabelSettings
from training.rows.dataset import CutoffPlan, steady, with_cells
from training.rows.store import everyone_at, read_rows, write_rows

Progress = Callable[[str, float], None]


class DataRange(NamedTuple):
    """First and last day with data."""

    first: date
    last: date


def data_days(tables: Tables) -> DataRange:
    """First and last day with a transaction, in the bank's time zone."""
    return DataRange(*days_with_data(tables))


def feature_rows(tables: Tables, cells: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Keys and features of every customer at one cut-off, in order of customers."""
    frame = customer_features(tables, as_of).to_pandas()
    return with_cells(steady(_in_order(frame)), cells)


class LabelledRows(NamedTuple):
    """Rows of every cut-off's set, and all customers (in the set or not) at the last one."""

    rows: pd.DataFrame
    everyone: pd.DataFrame


def labelled_rows(
    tables: Tables,
    cells: pd.DataFrame,
    as_of: Sequence[date],
    label: LabelSettings,
    progress: Progress,
) -> LabelledRows:
    """Keys, features and `churned` of every customer in the set of each cut-off."""
    with tempfile.TemporaryDirectory() as folder:
        stored = write_rows(
            tables, cells, CutoffPlan(tuple(sorted(set(as_of))), ()), label, Path(folder), progress
        )
        last = max(as_of)
        return LabelledRows(read_rows(stored.train), everyone_at(stored.snapshot, last))


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    # the order of rows decides the folds, so it must not be the engine's
    ordered = frame.sort_values("customer_id", kind="stable", ignore_index=True)
    return ordered.assign(as_of=pd.to_datetime(ordered["as_of"]).dt.date)
