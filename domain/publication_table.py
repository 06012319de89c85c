"""Two-way tables that may be told: groups of cells by category, with both margins."""

import pandas as pd


def publish_table(counts: pd.DataFrame, customers_min: int) -> pd.DataFrame:
    """`counts` (a row per group that is told, a column per category) as it can be told.

    Row sums are told elsewhere and column sums here, so a hidden row must not be given back: a
    row is whole or hidden whole (null), and the hidden rows together have none or at least
    `customers_min` customers of every category. Categories of too few are told together first,
    named `a + b`. Raises ValueError when a row sum is itself too small to be told.

    >>> counts = pd.DataFrame({"farm": [3, 20, 40], "shop": [30, 11, 50]}, index=["a", "b", "c"])
    >>> publish_table(counts, 10).loc[["a", "c"], "farm"].tolist()
    [nan, 40.0]
    """
    totals = counts.sum(axis=1)
    if ((totals > 0) & (totals < customers_min)).any():
        raise ValueError("a row sum is too small to be told; tell rows together first")
    table = _wide_categories(counts, customers_min)
    return table.astype("float64").mask(_hidden_rows(table, customers_min))


def _wide_categories(counts: pd.DataFrame, least: int) -> pd.DataFrame:
    table = counts
    while len(table.columns) > 1:
        sums = table.sum().sort_values(kind="stable")
        sums = sums[sums > 0]
        if len(sums) < 2 or sums.iloc[0] >= least:
            break
        small, next_one = sums.index[:2]
        both = (table[small] + table[next_one]).rename(f"{small} + {next_one}")
        table = pd.concat([table.drop(columns=[small, next_one]), both], axis=1)
    return table


def _hidden_rows(table: pd.DataFrame, least: int) -> "pd.Series[bool]":
    """Rows with a small entry, and the smallest others until their sums are large."""
    hidden = ((table > 0) & (table < least)).any(axis=1)
    order = table.sum(axis=1).sort_values(kind="stable").index
    rest = [row for row in order if not hidden[row] and table.loc[row].sum() > 0]
    while hidden.any() and rest and not _covered(table[hidden], least):
        hidden[rest.pop(0)] = True
    return hidden


def _covered(rows: pd.DataFrame, least: int) -> bool:
    sums = rows.sum()
    return not ((sums > 0) & (sums < least)).any()
