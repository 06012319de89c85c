"""From one grid version to another: what became of every cell, and history on either of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from domain.errors import BadInput

CELLS = ["cell_before", "cell_after"]

Fate = Literal["kept", "split", "merged", "redrawn", "gone", "new"]


@dataclass(frozen=True)
class Migration:
    """`customers`: one row per customer of either version (customer_id, cell_before, cell_after).

    A customer who is on one version only has null for the other.
    """

    before: str
    after: str
    customers: pd.DataFrame

    @cached_property
    def flows(self) -> pd.DataFrame:
        """One row per old and new cell that share customers.

        Columns cell_before, cell_after, customers, share (of the old cell's customers that are
        on both versions).
        """
        both = self.customers.dropna(subset=CELLS)
        sizes = both.groupby(CELLS, sort=True).size()
        rows = sizes.rename("customers").reset_index()
        total = rows.groupby("cell_before")["customers"].transform("sum")
        return rows.assign(share=rows["customers"] / total)

    @cached_property
    def heirs(self) -> dict[str, str]:
        """Old cell -> the new cell that goes on with it; a cell that was taken in has none.

        The one of the same name; else pairs that share the most customers, each cell once.
        """
        rows = self.flows.sort_values("customers", ascending=False, kind="stable")
        kept = set(rows["cell_before"]) & set(rows["cell_after"])
        heirs = {cell: cell for cell in kept}
        taken = set(kept)
        for old, new in rows[CELLS].itertuples(index=False):
            if old not in heirs and new not in taken:
                heirs[str(old)] = str(new)
                taken.add(str(new))
        return heirs

    @property
    def moved(self) -> int:
        """Customers who are not in the cell that goes on with theirs."""
        rows = self.flows
        return int(
            rows["customers"][rows["cell_before"].map(self.heirs) != rows["cell_after"]].sum()
        )

    @cached_property
    def fates(self) -> pd.DataFrame:
        """One row per cell that changed or stayed: `fate`, `cell_before`, `cell_after` (tuples).

        kept: one old cell is one new cell; split: one became several; merged: several became one;
        redrawn: several became several others; gone: none of its customers is on the new version;
        new: none of its customers was on the old one.
        """
        pieces = [(_fate(old, new), old, new) for old, new in self._pieces()]
        found = pd.DataFrame(pieces, columns=["fate", "cell_before", "cell_after"])
        return found.sort_values(["fate", "cell_before", "cell_after"], ignore_index=True)

    def reversed(self) -> "Migration":
        """The way back."""
        names = {"cell_before": "cell_after", "cell_after": "cell_before"}
        return Migration(self.after, self.before, self.customers.rename(columns=names))

    def _pieces(self) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Old and new cells that hang together by their customers."""
        old, new = (pd.Index(self.customers[name].dropna().unique()) for name in CELLS)
        left = old.get_indexer(pd.Index(self.flows["cell_before"]))
        right = new.get_indexer(pd.Index(self.flows["cell_after"])) + len(old)
        count = len(old) + len(new)
        links = coo_array((np.ones(len(left)), (left, right)), shape=(count, count))
        piece = connected_components(links, directed=False)[1]
        pieces: dict[int, tuple[list[str], list[str]]] = {at: ([], []) for at in sorted(set(piece))}
        for at, cell in enumerate([*old, *new]):
            pieces[piece[at]][at >= len(old)].append(str(cell))
        return [(tuple(sorted(one)), tuple(sorted(two))) for one, two in pieces.values()]


def migration(
    before: str, cells_before: pd.DataFrame, after: str, cells_after: pd.DataFrame
) -> Migration:
    """The migration between two versions, from the cell of every customer on each.

    Both tables: one row per customer (customer_id, cell_id).

    >>> old = pd.DataFrame({"customer_id": [1, 2, 3], "cell_id": ["a", "a", "b"]})
    >>> found = migration("v1", old, "v2", old.assign(cell_id=["a", "c", "c"]))
    >>> found.moved, found.heirs
    (1, {'a': 'a', 'b': 'c'})
    """
    old, new = (
        table[["customer_id", "cell_id"]].rename(columns={"cell_id": name})
        for table, name in zip((cells_before, cells_after), CELLS, strict=True)
    )
    both = old.merge(new, on="customer_id", how="outer", validate="1:1")
    return Migration(before, after, both)


def restate(
    table: pd.DataFrame,
    migration: Migration,
    figures: Sequence[str],
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """Additive figures by old cell as figures by new cell; one row per `by` and new cell.

    With a `customer_id` column (one row per customer and `by`) every customer's figures go to
    the customer's new cell: exact. Without, an old cell's figures are divided by its customers'
    shares. `exact` says of each row whether nothing had to be divided. A customer or cell
    that is on the old version only is divided like its old cell, and is not exact.

    >>> old = pd.DataFrame({"customer_id": [1, 2, 3], "cell_id": ["a", "a", "b"]})
    >>> way = migration("v1", old, "v2", old.assign(cell_id=["a", "c", "c"]))
    >>> restate(pd.DataFrame({"cell_id": ["a", "b"], "spend": [10.0, 3.0]}), way, ["spend"])
      cell_id  spend  exact
    0       a    5.0  False
    1       c    8.0  False
    """
    rows, exact = table[[*by, "cell_id", *figures]], pd.Series(False, index=table.index)
    if "customer_id" in table:
        new = migration.customers.set_index("customer_id")["cell_after"]
        cells = table["customer_id"].map(new)
        exact = cells.notna()
        known = rows[exact].assign(cell_id=cells[exact], exact=True)
        rows = pd.concat([known, _divided(rows[~exact], migration, figures)])
    else:
        rows = _divided(rows, migration, figures)
    how: Mapping[str, Any] = {**dict.fromkeys(figures, "sum"), "exact": "all"}
    return rows.groupby([*by, "cell_id"], sort=True, dropna=False).agg(how).reset_index()


def _divided(rows: pd.DataFrame, migration: Migration, figures: Sequence[str]) -> pd.DataFrame:
    shares = migration.flows[["cell_before", "cell_after", "share"]]
    unknown = sorted(set(rows["cell_id"]) - set(shares["cell_before"]))
    if unknown:
        raise BadInput(
            f"{len(unknown)} cells (first: {unknown[0]}) have no customer on both "
            f"{migration.before} and {migration.after}; restate by customer_id, or name the "
            "version that the table is on"
        )
    parts = rows.merge(shares, left_on="cell_id", right_on="cell_before")
    parts[list(figures)] = parts[list(figures)].mul(parts["share"], axis=0)
    parts = parts.assign(cell_id=parts["cell_after"], exact=parts["share"] == 1.0)
    return parts.drop(columns=[*CELLS, "share"])


def _fate(old: tuple[str, ...], new: tuple[str, ...]) -> Fate:
    if not old or not new:
        return "gone" if old else "new"
    if len(new) == 1:
        return "kept" if len(old) == 1 else "merged"
    return "split" if len(old) == 1 else "redrawn"
