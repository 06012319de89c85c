"""A migration as it may be told: figures of groups that both versions tell."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from domain.migration import Migration
from domain.publication import Publication

Cells = tuple[str, ...]


@dataclass(frozen=True)
class Flow:
    """Customers who are in `before` cells on the old version and `after` on the new.

    `share`: of the old cells' customers who are counted on both versions.
    """

    before: Cells
    after: Cells
    customers: int
    share: float
    moved: bool


@dataclass(frozen=True)
class MigrationReport:
    """What became of the cells (exact) and of their customers (as far as it can be told)."""

    before: str
    after: str
    customers_min: int
    fates: Mapping[str, tuple[tuple[Cells, Cells], ...]]
    flows: tuple[Flow, ...]
    customers: int
    moved: int


def migration_report(
    way: Migration, told_before: "pd.Series[str]", after: Publication
) -> MigrationReport:
    """The report of `way`; `told_before` is the group of every customer the old version counts.

    Cells that are told together move together here: a flow is between groups of cells.
    """
    both = after.told.set_index("customer_id")["group"].rename("after").to_frame()
    both = both.join(told_before.rename("before"), how="inner")
    sizes = both.groupby(["before", "after"], sort=True).size()
    total = sizes.groupby(level="before").sum()
    olds = _members(way, told_before)
    flows = tuple(
        _flow(way, olds[old], after.groups[new], int(sizes[old, new]), sizes[old, new] / total[old])
        for old, new in sizes.index
    )
    return MigrationReport(
        way.before,
        way.after,
        after.customers_min,
        _fates(way),
        flows,
        len(both),
        sum(flow.customers for flow in flows if flow.moved),
    )


def _flow(way: Migration, before: Cells, after: Cells, customers: int, share: float) -> Flow:
    heirs = {way.heirs[cell] for cell in before if cell in way.heirs}
    return Flow(before, after, customers, round(float(share), 6), not heirs & set(after))


def _members(way: Migration, told_before: "pd.Series[str]") -> dict[str, Cells]:
    """Cells of each group of the old version, from its customers."""
    cells = way.customers.set_index("customer_id")["cell_before"]
    pairs = told_before.to_frame("group").join(cells, how="left").drop_duplicates()
    found: dict[str, set[str]] = {str(group): {str(group)} for group in pairs["group"].unique()}
    for group, cell in pairs.dropna().itertuples(index=False):
        found[group].add(cell)
    return {group: tuple(sorted(names)) for group, names in found.items()}


def _fates(way: Migration) -> dict[str, tuple[tuple[Cells, Cells], ...]]:
    table = way.fates
    pairs: dict[str, list[tuple[Cells, Cells]]] = {}
    for fate, before, after in zip(*(table[name] for name in table), strict=True):
        pairs.setdefault(fate, []).append((before, after))
    return {fate: tuple(found) for fate, found in pairs.items()}
