"""Which cells are tested alone, which together with their neighbours, and which not at all."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from monitoring.settings import MonitoringSettings

BANK = "bank"
REST = "bank:rest"
PARENT = "parent:"


class Untested(NamedTuple):
    """A cell without a test, and why."""

    cell_id: str
    reason: str
    n_reference: int
    n_current: int


class Pooling(NamedTuple):
    """Cell -> the group it is tested in, and the cells that are in no group."""

    group_of: dict[str, str]
    untested: tuple[Untested, ...]

    @property
    def groups(self) -> list[str]:
        """Names of the groups, sorted: cells, then pools of a parent, then the rest."""
        return sorted(
            set(self.group_of.values()), key=lambda name: (name == REST, is_pool(name), name)
        )

    @property
    def pools(self) -> dict[str, list[str]]:
        """Pool -> its cells."""
        pools: dict[str, list[str]] = {}
        for cell, group in sorted(self.group_of.items()):
            if is_pool(group):
                pools.setdefault(group, []).append(cell)
        return pools


def is_pool(group: str) -> bool:
    """Whether a name in the drift table is a pool of small cells.

    >>> is_pool("parent:O7"), is_pool("C12")
    (True, False)
    """
    return group == REST or group.startswith(PARENT)


def pool(
    reference: "pd.Series[str]",
    current: "pd.Series[str]",
    parents: Mapping[str, str],
    settings: MonitoringSettings,
) -> Pooling:
    """Groups of cells with enough rows in both months, from the cell of every row.

    A cell under `settings.cell_floor` joins the other small cells of its parent, a pool still
    under the floor the rest of the bank. A cell with no row in one of the months has nothing
    to be compared with and is not tested.

    >>> small = MonitoringSettings(cell_floor=3, untestable=2)
    >>> cells = pd.Series(["A", "A", "A", "B", "B", "C"])
    >>> pool(cells, cells, {"B": "X", "C": "X"}, small).group_of
    {'A': 'A', 'B': 'parent:X', 'C': 'parent:X'}
    """
    rows = _rows(reference, current)
    small = rows.index[rows.min(axis=1) < settings.cell_floor]
    empty = rows.index[rows.min(axis=1) == 0]
    group = pd.Series(rows.index, index=rows.index, dtype=object)
    group[small] = [PARENT + parents.get(cell, BANK) for cell in small]
    group = group.drop(empty)
    group = _regroup(group, rows, settings.cell_floor)
    last = rows.loc[group.index[group == REST]].sum().min()
    too_few = group.index[group == REST] if last < settings.untestable else group.index[:0]
    untested = [_untested(cell, rows, "no rows in one of the months") for cell in empty]
    reason = f"fewer than {settings.untestable} rows even together with all other small cells"
    untested += [_untested(cell, rows, reason) for cell in too_few]
    return Pooling(dict(group.drop(too_few)), tuple(untested))


def _rows(reference: "pd.Series[str]", current: "pd.Series[str]") -> pd.DataFrame:
    counts = {"reference": reference.value_counts(), "current": current.value_counts()}
    return pd.DataFrame(counts).fillna(0).astype(int).sort_index()


def _regroup(group: "pd.Series[str]", rows: pd.DataFrame, floor: int) -> "pd.Series[str]":
    """Pools of one parent that are still under the floor go to the rest of the bank."""
    totals = rows.loc[group.index].groupby(group).sum().min(axis=1)
    short = [name for name in totals.index[totals < floor] if is_pool(name)]
    return group.where(~group.isin(short), REST)


def _untested(cell: str, rows: pd.DataFrame, reason: str) -> Untested:
    counts = rows.loc[cell]
    return Untested(cell, reason, int(counts["reference"]), int(counts["current"]))
