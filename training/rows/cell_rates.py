"""The rate of loss of each cell, fitted on training rows, and out of fold for those rows.

A cell's rate is the share of its rows that were lost, drawn towards the bank's: the posterior mean
of a beta-binomial whose prior is that of the bank's cells (empirical Bayes). A customer weighs one
observation, at however many cut-offs it is seen: its rows tell the same story nearly over again
(Rao and Scott, 1992, with the largest design effect there can be). The prior's strength is
Kleinman's moment estimate (1973).

The rate beside a training row is fitted on the labels of the customers of the other folds alone.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.cell_rates import CELL, CELL_LEAVING_RATE, CellRates
from domain.errors import BadInput
from features.atomic import replacing
from training.rows.dataset import DRAW, NO_CELL, TARGET

Floats = NDArray[np.float64]
FOLD = "fold"
SUMS = ["rows", "lost", "customers"]


class FoldRates(NamedTuple):
    """Rates fitted on all customers, and without those of each fold."""

    whole: CellRates
    without: tuple[CellRates, ...]

    def beside(self, cells: Sequence[str | None], folds: NDArray[np.int64]) -> Floats:
        """The rate beside each training row: that of its cell without its own fold.

        Told as its distance from the bank's rate without that fold, from one bank's rate for all:
        a fold with many lost leaves few to the others, and trees would read that off the rate.
        """
        bank = self.whole.bank_rate
        every = np.stack([rates.of(cells) - rates.bank_rate + bank for rates in self.without])
        return np.asarray(every[folds, np.arange(len(folds))])


class CellCounter:
    """Counts rows, lost rows and customers by cell and fold; rows come in order of customers."""

    def __init__(self, folds: int) -> None:
        self.folds = folds
        self._sums = pd.DataFrame(columns=SUMS, index=pd.MultiIndex.from_arrays([[], []]))
        self._last = ""

    def add(self, rows: pd.DataFrame) -> None:
        """Count rows (customer_id, cell_id, churned, customer_draw) that follow the last ones."""
        if rows.empty:
            return
        ids = rows["customer_id"]
        told = {
            "rows": 1,
            "lost": rows[TARGET].to_numpy(np.int64),
            "customers": (ids != ids.shift(fill_value=self._last)).to_numpy(np.int64),
        }
        keys = [rows[CELL].to_numpy(object), folds_of(rows[DRAW].to_numpy(), self.folds)]
        found = pd.DataFrame(told, index=range(len(rows))).groupby(keys).sum()
        self._sums = found if self._sums.empty else self._sums.add(found, fill_value=0)
        self._last = ids.iloc[-1]

    @property
    def table(self) -> pd.DataFrame:
        """One row per cell and fold (cell_id, fold, rows, lost, customers)."""
        return self._sums.astype(np.int64).rename_axis([CELL, FOLD]).reset_index()


def folds_of(draws: Floats, folds: int) -> NDArray[np.int64]:
    """The fold of customers by their draw in [0, 1); no label decides it.

    >>> folds_of(np.array([0.0, 0.39, 0.99]), 5).tolist()
    [0, 1, 4]
    """
    return np.asarray(draws * folds, dtype=np.int64)


def fold_rates(
    counts: pd.DataFrame, folds: int, grid_version: str, customers_min: int
) -> FoldRates:
    """The rates of all customers and of those without each fold; `counts` as a counter's table.

    Raises BadInput when a fold holds every customer.
    """
    without = [counts[counts[FOLD] != fold] for fold in range(folds)]
    return FoldRates(
        cell_rates(counts, grid_version, customers_min),
        tuple(cell_rates(others, grid_version, customers_min) for others in without),
    )


def cell_rates(counts: pd.DataFrame, grid_version: str, customers_min: int) -> CellRates:
    """Rates of loss from rows (cell_id, rows, lost, customers); BadInput without a customer.

    The rate of a cell is (customers x share lost + prior x bank rate) / (customers + prior).

    >>> counts = pd.DataFrame({"cell_id": ["a", "b"], "rows": [100, 100], "lost": [30, 10],
    ...                        "customers": [100, 100]})
    >>> found = cell_rates(counts, "g", customers_min=10)
    >>> found.bank_rate, {cell: round(rate, 3) for cell, rate in found.rates.items()}
    (0.2, {'a': 0.293, 'b': 0.107})
    """
    if counts.empty:
        raise BadInput(
            "too few customers to fit rates of cells on others than themselves; deliver more "
            "customers, or set retention.cell_rates = false"
        )
    cells = counts.groupby(CELL)[SUMS].sum()
    share, customers = cells["lost"] / cells["rows"], cells["customers"]
    bank = float(np.average(share, weights=customers))
    prior = prior_customers(share.to_numpy(), customers.to_numpy(np.float64))
    told = (cells.index != NO_CELL) & (customers >= customers_min) & (prior is not None)
    drawn = (customers * share + (prior or 0) * bank) / (customers + (prior or 0))
    return CellRates(
        grid_version=grid_version,
        bank_rate=bank,
        prior_customers=prior,
        customers_min=customers_min,
        rates={str(cell): float(rate) for cell, rate in drawn[told].items()},
    )


def prior_customers(share: Floats, customers: Floats) -> float | None:
    """Customers whose weight the prior of a cell's rate has; None when cells do not differ.

    `share` lost of `customers` in each cell. With rho the correlation of two customers of a cell
    that explains how far the shares lie apart, the prior weighs (1 - rho) / rho.

    >>> round(prior_customers(np.array([0.3, 0.1]), np.array([100.0, 100.0])), 1)
    7.6
    >>> prior_customers(np.array([0.2, 0.2]), np.array([100.0, 100.0])) is None
    True
    """
    total = customers.sum()
    bank = float((share * customers).sum() / total)
    chance = bank * (1 - bank)
    free = 1 - customers / total
    pairs = float((free * (customers - 1)).sum())
    if chance == 0 or pairs <= 0:
        return None
    apart = float((customers * (share - bank) ** 2).sum()) / chance - float(free.sum())
    rho = min(apart / pairs, 1.0)
    return (1 - rho) / rho if rho > 0 else None


def add_cell_rates(parts: Sequence[Path], rates: FoldRates) -> None:
    """Add the column `cell_leaving_rate` to files of rows to train on, out of fold."""
    for part in parts:
        rows = pq.read_table(part)
        folds = folds_of(rows[DRAW].to_numpy(), len(rates.without))
        found = rates.beside(rows[CELL].to_pylist(), folds)
        with replacing(part) as file:
            pq.write_table(rows.append_column(CELL_LEAVING_RATE, [found]), file, compression="zstd")
