"""Finished snapshots: `snapshots/DATE-HASH.parquet`, immutable, named by the hash of the content.

The same tables, grid and definitions give the same bytes, and so the same name. What a snapshot
was made of stands in the file itself (see `features.snapshot`).
"""

import os
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from domain.errors import BadInput
from domain.layout import Layout
from features.file_hash import sha256
from features.snapshot import Progress, is_fresh, write_features

if TYPE_CHECKING:
    from features.engine import Tables

HEX = 12  # digits of the hash in a name
ANY = "????-??-??-" + "?" * HEX + ".parquet"


def snapshot_at(
    layout: Layout,
    tables: "Tables",
    as_of: date,
    cells: Callable[[], pd.DataFrame],
    progress: Progress,
    *,
    grid_version: str,
    data_hashes: Mapping[str, str],
) -> Path:
    """The snapshot of a cut-off, written unless one of the same data, grid and features is there.

    Raises BadInput when the one that is there was altered, and as `write_features` does.
    """
    for path in sorted(layout.snapshots.glob(f"{as_of.isoformat()}{ANY[10:]}")):
        if is_fresh(
            path, grid_version=grid_version, data_hashes=data_hashes, timezone=tables.timezone
        ):
            return _unaltered(path)
    grown = layout.snapshots / f"{as_of.isoformat()}.parquet"
    write_features(
        tables,
        [as_of],
        grown,
        cells(),
        progress,
        grid_version=grid_version,
        data_hashes=data_hashes,
    )
    path = grown.with_name(f"{as_of.isoformat()}-{sha256(grown)[:HEX]}.parquet")
    os.replace(grown, path)
    return path


def snapshot_days(layout: Layout) -> list[date]:
    """The cut-offs with a snapshot, in order."""
    return sorted({date.fromisoformat(path.name[:10]) for path in layout.snapshots.glob(ANY)})


def _unaltered(path: Path) -> Path:
    if sha256(path)[:HEX] != path.stem[-HEX:]:
        raise BadInput(
            f"snapshot '{path}' was altered after it was written: its content does not have the "
            "hash in its name; remove it, and it is made anew"
        )
    return path
