"""What the verbs share: clean tables, cells, snapshots and stores, made again when stale."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from domain.bundle import MODEL_NAMES
from domain.errors import BadInput
from domain.grid import assign
from features.engine import Tables, open_tables
from features.grid_store import current_version, read_grid
from features.intake import IntakeReport, data_hashes, is_current, take_in
from features.registry import FEATURES
from gridkeep.config import Config

Progress = Callable[[str, float], None]


def clean_tables(config: Config, progress: Progress) -> Tables:
    """The contract tables; sources that changed are read again first."""
    bank = config.bank
    if not is_current(
        config.sources, config.source_folder, config.layout, bank.timezone, bank.currency
    ):
        deliver(config, progress).require_sound()
    return open_tables(
        config.layout.tables, config.engine, config.bank.timezone, config.sources.stale_days
    )


def deliver(config: Config, progress: Progress) -> IntakeReport:
    """The sources through the door, as of this moment."""
    return take_in(
        config.sources,
        config.source_folder,
        config.layout,
        config.bank.timezone,
        progress,
        now=datetime.now(UTC),
        currency=config.bank.currency,
    )


def cells_of(config: Config, tables: Tables) -> pd.DataFrame:
    """Cell of every customer (ASSIGNMENT_COLUMNS), newcomers since the grid version included."""
    return assign(read_grid(config.layout), people_of(tables))


def people_of(tables: Tables) -> pd.DataFrame:
    """Customers with what places them."""
    wanted = ["customer_id", "latitude", "longitude", "district", "outlet_id"]
    people: pd.DataFrame = tables.customers.select(*wanted).execute()
    return people


def polygons(config: Config) -> dict[str, Any] | None:
    """Outlines of the districts, where the configuration names a file."""
    if config.grid.polygons is None:
        return None
    path = config.home / config.grid.polygons
    try:
        collection: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadInput(f"grid.polygons: there is no {path}") from error
    except (OSError, ValueError) as error:
        raise BadInput(f"grid.polygons: {path} is not GeoJSON: {error}") from error
    return collection


def snapshot_of(config: Config, tables: Tables, as_of: date, progress: Progress) -> Path:
    """The feature snapshot of a cut-off, made unless one of the same data and grid is there."""
    from features.snapshot import is_fresh, write_features

    path = config.layout.snapshot(as_of)
    version, hashes = current_version(config.layout), data_hashes(config.layout)
    zone = config.bank.timezone
    if not is_fresh(path, grid_version=version, data_hashes=hashes, timezone=zone):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_features(
            tables,
            [as_of],
            path,
            cells_of(config, tables),
            progress,
            grid_version=version,
            data_hashes=hashes,
        )
    return path


def online_store(config: Config, as_of: date | None, progress: Progress) -> Path:
    """The look-up store of one cut-off: the one named, else the latest snapshot's."""
    from features.online import build_online

    tables = clean_tables(config, progress)
    as_of = as_of or _latest_snapshot(config, tables)
    snapshot = snapshot_of(config, tables, as_of, progress)
    store = config.layout.root / "online" / f"{as_of.isoformat()}.sqlite"
    if not store.exists() or store.stat().st_mtime < snapshot.stat().st_mtime:
        progress("building the look-up store", 0.0)
        store.parent.mkdir(parents=True, exist_ok=True)
        build_online(snapshot, store)
        progress("building the look-up store", 1.0)
    return store


def _latest_snapshot(config: Config, tables: Tables) -> date:
    """The latest cut-off with a snapshot that the data reach."""
    from features.labels import label_end

    found = [path.stem for path in config.layout.snapshots.glob("????-??-??.parquet")]
    days = [date.fromisoformat(day) for day in found if day <= label_end(tables).isoformat()]
    if not days:
        raise BadInput("no feature snapshot yet; run `gridkeep score`, or name one: --as-of DATE")
    return max(days)


def reference_rows(
    config: Config, tables: Tables, reference: date | None, progress: Progress
) -> pd.DataFrame:
    """The champion's profile; features of its cut-off when it was made on another grid."""
    from features.snapshot import read_features
    from serving.profile import champion_profile

    if reference is None:
        profile = champion_profile(MODEL_NAMES[0], config.tracking_uri)
        if profile.grid_version == current_version(config.layout):
            return profile.rows
        reference = profile.as_of
    watched = [name for name, known in FEATURES.items() if known.monitored]
    return read_features(
        snapshot_of(config, tables, reference, progress), ["customer_id", "cell_id", *watched]
    )
