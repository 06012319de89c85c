"""What the verbs share: clean tables, cells, snapshots and stores, made again when stale."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from domain.bundle import MODEL_NAMES
from domain.errors import BadInput
from domain.grid import Grid, assign
from domain.migration import Migration, migration
from domain.people import PLACING
from domain.reconciliation import Reconciliation
from features.atomic import replacing
from features.engine import Tables, open_tables
from features.grid_store import current_version, read_grid
from features.intake import IntakeReport, data_hashes, is_current, take_in
from features.quality.measure import measure
from features.quality.measured import Measured
from features.quality.page import QualityPage, page
from features.quality.report import QualityReport, read_quality
from features.quality.store import measured_on, stored_or_measured, write_page
from features.registry import FEATURES
from gridkeep.config import Config
from gridkeep.out_file import reconciliation_file
from gridkeep.show import plain

if TYPE_CHECKING:
    from features.snapshot import SnapshotInfo

Progress = Callable[[str, float], None]


def clean_tables(config: Config, progress: Progress) -> Tables:
    """The contract tables; sources that changed are read again first."""
    bank = config.bank
    if not is_current(
        config.sources, config.source_folder, config.layout, bank.timezone, bank.currency
    ):
        deliver(config, progress).require_sound()
    return tables_in_place(config)


def tables_in_place(config: Config) -> Tables:
    """The contract tables as the last sound intake left them."""
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


def quality_of(config: Config, tables: Tables, progress: Progress) -> Measured:
    """How good the tables in place are, measured unless it is known; the page is written anew."""
    gridded = (config.layout.grids / "current").exists()
    version = current_version(config.layout) if gridded else ""
    door = read_quality(config.layout)
    counts = door if door.sound else None  # that of a later delivery, which was refused
    mark = measured_on(data_hashes(config.layout), version, config.quality.late_days, counts)

    def measured() -> Measured:
        cells = cells_of(config, tables) if gridded else None
        return measure(tables, config.quality.late_days, cells, counts, progress)

    found = stored_or_measured(config.layout, mark, measured)
    quality_page(config, door, found if door.sound else None, version)
    return found


def quality_page(
    config: Config, door: QualityReport, measured: Measured | None, grid_version: str = ""
) -> Path:
    """Write the page of the last delivery; without measures it was refused."""
    told = QualityPage(config.bank.name, door, measured, config.quality, grid_version)
    return write_page(page(told), config.layout)


def cells_of(config: Config, tables: Tables) -> pd.DataFrame:
    """Cell of every customer (ASSIGNMENT_COLUMNS), newcomers since the grid version included."""
    return assign(read_grid(config.layout), people_of(tables, config), polygons(config))


def migration_of(old: Grid, new: Grid, people: pd.DataFrame, borders: Any) -> Migration:
    """From `old` to `new`: newcomers are placed on the old version too, those gone on it only."""
    gone = old.assignment[~old.assignment["customer_id"].isin(people["customer_id"])]
    before = pd.concat([assign(old, people, borders), gone], ignore_index=True)
    return migration(old.version, before, new.version, new.assignment)


def people_of(tables: Tables, config: Config) -> pd.DataFrame:
    """Customers with what places them, and the columns that overlays group them by."""
    layers = [layer.column for layer in config.grid.overlays.values() if layer.column]
    known = [name for name in layers if name in tables.customers.columns]
    people: pd.DataFrame = tables.customers.select(*dict.fromkeys([*PLACING, *known])).execute()
    return people


def polygons(config: Config) -> dict[str, Any] | None:
    """Outlines of the districts, where the configuration names a file."""
    return _geojson(config, "grid.polygons", config.grid.polygons)


def overlays(config: Config) -> dict[str, Any]:
    """The places of every layer that names a file."""
    return {
        name: _geojson(config, f"grid.overlays.{name}.file", layer.file)
        for name, layer in config.grid.overlays.items()
        if layer.file is not None
    }


def _geojson(config: Config, key: str, file: str | None) -> dict[str, Any] | None:
    if file is None:
        return None
    path = config.home / file
    try:
        collection: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadInput(f"{key}: there is no {path}") from error
    except (OSError, ValueError) as error:
        raise BadInput(f"{key}: {path} is not GeoJSON: {error}") from error
    return collection


def snapshot_of(config: Config, tables: Tables, as_of: date, progress: Progress) -> Path:
    """The feature snapshot of a cut-off, made unless one of the same data and grid is there."""
    from features.snapshot_store import snapshot_at

    return snapshot_at(
        config.layout,
        tables,
        as_of,
        lambda: cells_of(config, tables),
        progress,
        grid_version=current_version(config.layout),
        data_hashes=data_hashes(config.layout),
    )


def write_snapshot(
    config: Config, tables: Tables, as_of: list[date], out: Path, progress: Progress
) -> "SnapshotInfo":
    """Write the features of every customer at each cut-off into one file."""
    from features.snapshot import write_features

    return write_features(
        tables,
        as_of,
        out,
        cells_of(config, tables),
        progress,
        grid_version=current_version(config.layout),
        data_hashes=data_hashes(config.layout),
    )


def online_store(config: Config, as_of: date | None, progress: Progress) -> Path:
    """The look-up store of one cut-off: the one named, else the latest snapshot's."""
    from features.online import build_online

    tables = clean_tables(config, progress)
    as_of = as_of or _latest_snapshot(config, tables)
    snapshot = snapshot_of(config, tables, as_of, progress)
    store = config.layout.root / "online" / f"{snapshot.stem}.sqlite"
    if not store.exists():
        progress("building the look-up store", 0.0)
        store.parent.mkdir(parents=True, exist_ok=True)
        build_online(snapshot, store)
        for older in set(store.parent.glob(f"{as_of.isoformat()}*.sqlite")) - {store}:
            older.unlink()  # a service that has it open keeps it
        progress("building the look-up store", 1.0)
    return store


def _latest_snapshot(config: Config, tables: Tables) -> date:
    """The latest cut-off with a snapshot that the data reach."""
    from features.labels import label_end
    from features.snapshot_store import snapshot_days

    days = [day for day in snapshot_days(config.layout) if day <= label_end(tables)]
    if not days:
        raise BadInput("no feature snapshot yet; run `gridkeep score`, or name one: --as-of DATE")
    return max(days)


def months_to_compare(
    config: Config, tables: Tables, as_of: date, reference: date | None, progress: Progress
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of a cut-off, and the champion's profile or features of another cut-off.

    The cut-off of the profile stands for it when it was made on another grid. Raises BadInput,
    before any features are computed, for a cut-off that cannot be compared.
    """
    from features.history import require_history
    from features.snapshot import read_features
    from serving.profile import champion_profile

    if reference is None:
        profile = champion_profile(MODEL_NAMES[0], config.tracking_uri)
        if profile.as_of == as_of:
            raise BadInput(
                f"the reference of the model is {as_of} itself, which would show no drift; choose "
                "a later --as-of, or name another cut-off with --reference"
            )
        if profile.grid_version == current_version(config.layout):
            current = read_features(snapshot_of(config, tables, as_of, progress))
            return profile.beside(current), profile.rows
        reference = profile.as_of
    require_history(tables, reference, "--reference")
    current = read_features(snapshot_of(config, tables, as_of, progress))
    watched = [name for name, known in FEATURES.items() if known.monitored]
    before = snapshot_of(config, tables, reference, progress)
    return current, read_features(before, ["customer_id", "cell_id", *watched])


def reconcile(
    config: Config,
    tables: Tables,
    features: Path,
    as_of: Sequence[date],
    out: Path,
    scores: Path | None = None,
) -> Reconciliation:
    """Counts and amounts from the source to `out`, written beside it; Unreconciled is a bug."""
    from features.reconciliation import reconciled

    found = reconciled(tables, config.layout, cells_of(config, tables), features, as_of, scores)
    with replacing(reconciliation_file(out)) as file:
        told = {"holds": not found.broken, **plain(found)}
        file.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return found.require()
