"""Rows to train on, read from the contract tables cut-off by cut-off."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

import pandas as pd

from domain.precision import rounded
from features.customer import customer_features
from features.engine import Tables
from features.history import data_days as days_with_data
from features.labels import churn_labels
from features.settings import LabelSettings
from training.dataset import TARGET, with_cells

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


def steady(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers to nine digits: sums on several threads differ in the last ones from run to run.

    The same tables then give the same model, figures and profile, byte for byte.

    >>> steady(pd.DataFrame({"f": [0.1 + 0.2, 0.3]}))["f"].nunique()
    1
    """
    floats = frame.select_dtypes("float64").columns
    return frame.assign(**{name: rounded(frame[name].to_numpy()) for name in floats})


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
    parts = []
    for at, day in enumerate(as_of):
        progress(f"features and labels of {day}", at / len(as_of))
        labels = churn_labels(tables, day, label).to_pandas()[["customer_id", TARGET]]
        everyone = feature_rows(tables, cells, day)
        parts.append(everyone.merge(labels, on="customer_id", how="inner", validate="1:1"))
    # one cut-off after the other: as fast as all in one query, with a bounded memory
    return LabelledRows(pd.concat(parts, ignore_index=True), everyone)


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    # the order of rows decides the folds, so it must not be the engine's
    ordered = frame.sort_values("customer_id", kind="stable", ignore_index=True)
    return ordered.assign(as_of=pd.to_datetime(ordered["as_of"]).dt.date)
