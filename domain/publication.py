"""What may be told of how many customers are where: nothing about fewer than `customers_min`.

Cells that are too small alone are told together with a near one, so that no total gives them
back. What was told before counts: customers who can be told apart by the figures of all versions
together are a *class*, and a new figure never cuts a class into a piece under `customers_min`.
Every figure told is a sum of such pieces, and so is whatever anybody adds or subtracts from them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

NEW = -1  # the class of customers of whom nothing was ever told
Kin = Mapping[str, tuple[str, ...]]  # cell -> what it lies in, the nearest first


class PublicationSettings(BaseModel):
    """[publication]: what may be shown outside the circle that may see single customers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    customers_min: int = Field(default=10, ge=1)  # no figure about fewer customers


@dataclass(frozen=True)
class Publication:
    """What one grid version tells. `told`: one row per customer counted (customer_id, group).

    `groups` names the cells that are told together by the first of them; `sizes` holds the
    customers told of a group, None where nothing is.
    """

    customers_min: int
    groups: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, int | None]
    told: pd.DataFrame
    not_counted: int  # too few came to their cell since the last version
    still_counted: int  # too few left their class since the last version

    def customers(self, cells: Iterable[str]) -> int | None:
        """Customers told of a set of cells: None unless it is made of whole groups.

        >>> people = pd.DataFrame({"customer_id": range(35), "cell_id": ["a"] * 30 + ["b"] * 5})
        >>> found = publish(people, {"a": ("bank",), "b": ("bank",)}, None, 10)
        >>> found.customers(["a"]), found.customers(["a", "b"])
        (None, 35)
        """
        wanted = set(cells)
        groups = {self.group_of[cell] for cell in wanted}
        whole = wanted == {cell for group in groups for cell in self.groups[group]}
        told = [size for group in groups if (size := self.sizes[group]) is not None]
        unknown = sum(told) == 0 and len(told) < len(groups)
        return None if unknown or not whole else sum(told)

    @cached_property
    def group_of(self) -> dict[str, str]:
        """Cell -> the group that it is told in."""
        return {cell: group for group, cells in self.groups.items() for cell in cells}

    @property
    def hidden(self) -> tuple[str, ...]:
        """Cells that are not told alone."""
        return tuple(
            sorted(
                cell
                for group, cells in self.groups.items()
                for cell in cells
                if len(cells) > 1 or self.sizes[group] is None
            )
        )


def publish(
    placed: pd.DataFrame, kin: Kin, earlier: pd.DataFrame | None, customers_min: int
) -> Publication:
    """The figures of a version that can be told beside all that was told before.

    `placed`: one row per customer (customer_id, cell_id). `kin` names every cell. `earlier`: one
    column per earlier version, indexed by customer_id, the group in which that version counts
    the customer, null where it does not.
    """
    first = earlier is None or earlier.empty
    counted = _counted(placed, _classes(earlier), customers_min)
    groups = _Groups(counted, kin, customers_min, first)
    groups.merge()
    counted["group"] = counted["cell_id"].map(groups.name_of())
    new = (counted["seen"] == NEW) & ~counted["group"].isin(groups.with_new())
    told = counted.loc[~new & counted["group"].map(groups.is_told), ["customer_id", "group"]]
    sizes = told["group"].value_counts().to_dict()
    empty = {name for name in groups.cells if not groups.seen[name]}
    return Publication(
        customers_min,
        {name: tuple(sorted(cells)) for name, cells in sorted(groups.cells.items())},
        {name: sizes.get(name, 0 if name in empty else None) for name in sorted(groups.cells)},
        told.reset_index(drop=True),
        not_counted=int((~placed["customer_id"].isin(told["customer_id"])).sum()),
        still_counted=int((~told["customer_id"].isin(placed["customer_id"])).sum()),
    )


def _classes(earlier: pd.DataFrame | None) -> "pd.Series[int]":
    """Class of every customer who was counted before: alike in every version."""
    if earlier is None or earlier.empty:
        return pd.Series(dtype=np.int64)
    earlier = earlier.sort_index()
    label = np.zeros(len(earlier), dtype=np.int64)
    for version in earlier:
        codes = pd.factorize(earlier[version], sort=True)[0]
        label = pd.factorize(label * (len(earlier) + 1) + codes + 1)[0].astype(np.int64)
    known = earlier.notna().any(axis=1).to_numpy()
    return pd.Series(label[known], index=earlier.index[known])


def _counted(placed: pd.DataFrame, seen: "pd.Series[int]", least: int) -> pd.DataFrame:
    """Customers to count (customer_id, cell_id, seen): those here, and a few who went.

    Of a class that some have left, those who stay are counted when both sides reach `least`;
    else all are, or none is: whichever is nearer the truth.
    """
    here = placed.set_index("customer_id")["cell_id"]
    rows = pd.DataFrame({"cell_id": here.reindex(here.index.union(seen.index))})
    rows["seen"] = seen.reindex(rows.index).fillna(NEW).astype(np.int64)
    old = rows[rows["seen"] != NEW]
    here_too = old["cell_id"].notna().astype(np.int64)
    stay = here_too.groupby(old["seen"]).sum()
    gone = (1 - here_too).groupby(old["seen"]).sum()
    parted = stay.index[(gone >= least) & (stay >= least)]
    dropped = stay.index[(gone > stay) & ~stay.index.isin(parted)]
    went = rows["cell_id"].isna()
    rows = rows[~rows["seen"].isin(dropped) & ~(went & rows["seen"].isin(parted))]
    left = old.dropna().groupby("seen")["cell_id"].agg(lambda cells: cells.mode().iloc[0])
    rows = rows.assign(cell_id=rows["cell_id"].fillna(rows["seen"].map(left)))
    return rows.rename_axis("customer_id").reset_index()


class _Groups:
    """Groups of cells while they are merged, each named by its first cell."""

    def __init__(self, counted: pd.DataFrame, kin: Kin, least: int, first: bool) -> None:
        self.least, self.first = least, first
        self.cells = {cell: {cell} for cell in kin}
        self.seen: dict[str, dict[int, int]] = {cell: {} for cell in kin}
        sizes = counted.groupby("cell_id")["seen"].value_counts()
        for cell, seen in sizes.index:
            self.seen[cell][int(seen)] = int(sizes[cell, seen])
        self.kin = {cell: [{above} for above in kin[cell]] for cell in kin}
        self.holders: dict[int, set[str]] = {}
        for cell, counts in self.seen.items():
            for one in counts:
                self.holders.setdefault(one, set()).add(cell)

    def merge(self) -> None:
        """Merge until no class is cut too small and no group tells of too few."""
        waiting = sorted(self.seen, key=lambda cell: (-sum(self.seen[cell].values()), cell))
        while waiting:
            group = waiting.pop()  # the smallest first
            if group not in self.cells:
                continue
            partners = self._partners(group)
            if partners:
                partner = min(partners, key=lambda other: self._cost(group, other))
                waiting.append(self._join(group, partner))

    def is_told(self, group: str) -> bool:
        """Whether a group has enough customers to tell of."""
        return self._told(group) >= self._need(group)

    def with_new(self) -> set[str]:
        """Groups that count their new customers."""
        return {name for name, counts in self.seen.items() if self._counts_new(counts)}

    def name_of(self) -> dict[str, str]:
        """Cell -> its group."""
        return {cell: name for name, cells in self.cells.items() for cell in cells}

    def _partners(self, group: str) -> set[str]:
        """With whom a group must be merged; nobody when it can be told as it is."""
        for seen, size in sorted(self.seen[group].items()):
            others = self.holders[seen] - {group}
            if seen != NEW and size < self.least and others:
                return others
        if 0 < self._told(group) < self._need(group):
            return {name for name, counts in self.seen.items() if counts} - {group}
        return set()

    def _told(self, group: str) -> int:
        counts = self.seen[group]
        old = sum(size for seen, size in counts.items() if seen != NEW)
        return old + (counts.get(NEW, 0) if self._counts_new(counts) else 0)

    def _counts_new(self, counts: Mapping[int, int]) -> bool:
        return self.first or counts.get(NEW, 0) >= self.least

    def _need(self, group: str) -> int:
        """Customers a group must have for any of its cells to be, for a reader, not small.

        Everybody knows that a cell on the map has a customer.
        """
        return self.least + len(self.cells[group]) - 1

    def _cost(self, group: str, other: str) -> tuple[int, int, int, str]:
        """Near kin first; then what would be newly hidden, then size."""
        levels = zip(self.kin[group], self.kin[other], strict=False)
        near = [bool(mine & theirs) for mine, theirs in levels]
        size = sum(self.seen[other].values())
        alone = size if len(self.cells[other]) == 1 else 0
        return near.index(True) if True in near else len(near), alone, size, other

    def _join(self, one: str, two: str) -> str:
        name, lost = sorted((one, two))
        self.cells[name] |= self.cells.pop(lost)
        for level, above in zip(self.kin[name], self.kin.pop(lost), strict=False):
            level |= above
        for seen, size in self.seen.pop(lost).items():
            self.seen[name][seen] = self.seen[name].get(seen, 0) + size
            self.holders[seen] = (self.holders[seen] - {lost}) | {name}
        return name
