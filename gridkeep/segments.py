"""`gridkeep segments`: the customers of a cut-off by segment, and who moved and will move."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from domain.errors import BadInput
from features.atomic import replacing
from features.snapshot import read_features
from gridkeep.config import Config
from gridkeep.show import table
from gridkeep.workspace import cells_of, clean_tables, snapshot_of
from training.rows.frames import data_days
from training.segments.champion import SegmentTrees, champion_trees
from training.segments.lists import Segmented, segmented
from training.segments.migration import JOINED, LEFT
from training.segments.policies import Policy
from training.segments.rows import held_rows
from training.tracking import Store

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Segments:
    """How many customers each segment has, how they are served, and where the lists are."""

    as_of: date
    version: str
    segments: tuple[tuple[str, int, Policy], ...]  # name, customers, how they are served
    borderline: int
    moved: int
    joined: int
    left: int
    folder: Path

    def lines(self) -> Sequence[str]:
        """The segments, and what was written."""
        heads = ["segment", "customers", "contact", "days", "manager"]
        customers = sum(row[1] for row in self.segments)
        return [
            f"{customers:,} customers at {self.as_of} by segmentation {self.version}; "
            f"{self.borderline:,} borderline; since the month before {self.moved:,} moved, "
            f"{self.joined:,} joined, {self.left:,} left",
            table("", heads, [[name, count, *policy] for name, count, policy in self.segments]),
            f"customers, upgrades, downgrades and migration written to {self.folder}",
        ]


def segment_bank(config: Config, as_of: date, out: Path, progress: Progress) -> Segments:
    """Write the customers of a cut-off by the champion's segments, and who moved and will move."""
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is a file; name a folder with --out")
    trees = champion_trees(Store(config.tracking, config.home))
    tables = clean_tables(config, progress)
    now = read_features(snapshot_of(config, tables, as_of, progress))
    before, now = held_rows(
        tables, cells_of(config, tables), now, trees.scheme, data_days(tables).first
    )
    found = segmented(trees, before, now)
    _write(found, out)
    return _told(found, trees, as_of, out)


def _write(found: Segmented, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, frame in found._asdict().items():
        with replacing(out / f"{name}.parquet") as file:
            frame.to_parquet(file, index=False)


def _told(found: Segmented, trees: SegmentTrees, as_of: date, out: Path) -> Segments:
    counts = Counter(found.customers["segment"])
    rows = zip(trees.scheme.names, trees.scheme.policies, strict=True)
    customers = found.migration["customers"]
    joined, left = found.migration["before"] == JOINED, found.migration["after"] == LEFT
    moved = (found.migration["before"] != found.migration["after"]) & ~joined & ~left
    return Segments(
        as_of,
        trees.version,
        tuple((name, counts[name], policy) for name, policy in rows if counts[name]),
        int(found.customers["borderline"].sum()),
        int(customers[moved].sum()),
        int(customers[joined].sum()),
        int(customers[left].sum()),
        out,
    )
