"""What `gridkeep partition` answers, in words and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridkeep.show import table

if TYPE_CHECKING:
    from domain.migration import Migration


@dataclass(frozen=True)
class Migrated:
    """What became of the cells and customers of an older grid version: exact, for inside."""

    before: str
    after: str
    moved: int
    customers: int
    fates: Mapping[str, int]

    @classmethod
    def of(cls, way: "Migration | None") -> "Migrated | None":
        """The summary of a migration, if there is one."""
        if way is None:
            return None
        fates = way.fates["fate"].value_counts().sort_index().to_dict()
        both = int(way.flows["customers"].sum())
        return cls(way.before, way.after, way.moved, both, {str(k): n for k, n in fates.items()})

    def lines(self) -> Sequence[str]:
        """Customers who moved, and what became of the cells."""
        if self.before == self.after:
            return [f"nothing changed since {self.before}: this is the same version"]
        fates = ", ".join(f"{number:,} {fate}" for fate, number in self.fates.items())
        return [
            f"since {self.before}: {self.moved:,} of {self.customers:,} customers moved to another "
            f"cell; cells: {fates}"
        ]


@dataclass(frozen=True)
class Partitioned:
    """A grid version."""

    folder: Path
    report: Mapping[str, Any]
    migrated: Migrated | None = None
    customers_min: int | None = None  # of today's [publication]
    told_otherwise: Mapping[str, int] = field(default_factory=dict)  # version -> its own

    def lines(self) -> Sequence[str]:
        """Cells and customers by kind."""
        kinds = self.report["by_kind"]
        heads = ["kind", "cells", "customers", "smallest", "median", "largest"]
        rows = [
            [kind, *(row[key] for key in ("cells", "customers", "min", "median", "max"))]
            for kind, row in kinds.items()
        ]
        return [
            f"grid {self.report['version']}: {self.report['customers']:,} customers in "
            f"{self.report['cells']:,} cells, valid from {self.report['valid_from']}",
            table("", heads, rows),
            *self.report["notes"],
            *(self.migrated.lines() if self.migrated else []),
            *self._published(),
            *self._told_otherwise(),
            f"written to {self.folder}",
        ]

    def _told_otherwise(self) -> Sequence[str]:
        if not self.told_otherwise:
            return []
        rules = ", ".join(f"{name} with {least}" for name, least in self.told_otherwise.items())
        return [
            f"publication.customers_min is {self.customers_min} now, but was another when a "
            f"version was published ({rules}): a version is never changed, and what it told stays "
            "told; withdraw its files if that is too much, and make a new version with a later "
            "--valid-from"
        ]

    def _published(self) -> Sequence[str]:
        published = self.report.get("published")
        if not published:
            return []
        hidden, cells = published["hidden_cells"], self.report["cells"]
        least = f"no figure about fewer than {published['customers_min']} customers"
        return [
            f"map: {self.folder / 'index.html'} ({least}: {hidden:,} of {cells:,} cells not told "
            "alone)"
        ]
