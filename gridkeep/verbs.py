"""What each verb does: settings in, one stage's function called, a result with `lines()` out."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from domain.errors import BadInput
from domain.grid import partition
from domain.town import town_density
from features.grid_store import (
    cells_geojson,
    current_version,
    read_grid,
    read_report,
    told_otherwise,
    write_grid,
)
from features.intake import data_hashes
from features.quality.store import page_path
from features.quality.summary import require_quality, summary
from gridkeep import results
from gridkeep.checked import Checked
from gridkeep.config import Config
from gridkeep.grid_results import Migrated, Partitioned
from gridkeep.out_file import feature_file, require_free, score_file
from gridkeep.workspace import (
    cells_of,
    clean_tables,
    deliver,
    migration_of,
    months_to_compare,
    online_store,
    overlays,
    people_of,
    polygons,
    quality_of,
    quality_page,
    reconcile,
    snapshot_of,
    tables_in_place,
    write_snapshot,
)

Progress = Callable[[str, float], None]


def simulate_bank(
    out: Path, customers: int, months: int, seed: int, progress: Progress
) -> results.Simulated:
    """Write a synthetic bank; the folder must be new or empty."""
    from features.simulation import simulate

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out} exists and is not an empty folder; name another with --out")
    return results.Simulated(simulate(out, customers, months, seed, progress=progress))


def check_sources(config: Config, replay: Path | None, progress: Progress) -> Checked:
    """Read the sources through the door, whether or not they changed, and measure the tables.

    `replay` is an edited file of quarantine: its corrected rows are kept and read from now on.
    """
    from features.correction_files import keep, read_replay
    from features.replay import outcome

    corrections = read_replay(replay) if replay else []
    kept = keep(corrections, config.layout) if corrections else None
    report = deliver(config, progress)
    replayed = outcome(corrections, kept, config.layout) if kept else None
    where = (config.layout.quarantine, page_path(config.layout))
    if not report.quality.sound:
        quality_page(config, report.quality, None)
        return Checked(report.quality, *where, None, replayed)
    measured = quality_of(config, tables_in_place(config), progress)
    return Checked(report.quality, *where, summary(measured, config.quality), replayed)


def partition_bank(
    config: Config, valid_from: date | None, progress: Progress, previous: str | None = None
) -> Partitioned:
    """Build a grid version of everyone in the customers table and make it current.

    With `previous`, a version, its cells are kept where the rule allows, and the migration from
    it is written.
    """
    from features.labels import label_end
    from features.places import open_outlets

    old = read_grid(config.layout, previous) if previous else None
    tables = clean_tables(config, progress)
    progress("placing customers", 0.0)
    people, day = people_of(tables, config), valid_from or label_end(tables)
    grid = partition(
        people,
        config.grid,
        valid_from=day,
        polygons=polygons(config),
        previous=old,
        outlets=open_outlets(tables.outlets, day),
        overlays=overlays(config),
        publication=config.publication,
    )
    way = migration_of(old, grid, people, polygons(config)) if old else None
    progress("placing customers", 1.0)
    progress("writing the grid", 0.0)
    folder = write_grid(grid, config.layout, config.publication, way)
    progress("writing the grid", 1.0)
    least = config.publication.customers_min
    otherwise = told_otherwise(config.layout, least)
    return Partitioned(folder, read_report(folder), Migrated.of(way), least, otherwise)


def build_features(
    config: Config, as_of: list[date], out: Path, progress: Progress
) -> results.Built:
    """Features of every customer at each cut-off, into one file."""
    require_free(out, config, feature_file())
    tables = clean_tables(config, progress)
    days = sorted(set(as_of))
    info = write_snapshot(config, tables, days, out, progress)
    return results.Built(info, reconcile(config, tables, out, days, out))


def explain_feature(
    config: Config | None, name: str, as_of: date | None = None, *, progress: Progress
) -> results.Explained:
    """What is to be known of a feature; its spread at a cut-off, or at the latest snapshot's."""
    from features.explain import explained, registered

    registered(name)  # before any work
    if config is None:
        return results.Explained(explained(name, EXAMPLE_DAY, note=NO_TABLES))
    snapshot = _snapshot_to_explain(config, as_of, progress)
    zone = config.bank.timezone
    if isinstance(snapshot, str):
        day = _last_month_start(config) or EXAMPLE_DAY
        return results.Explained(explained(name, day, zone, note=snapshot))
    from features.snapshot import read_features

    rows = read_features(snapshot, ["as_of", name])
    return results.Explained(explained(name, rows["as_of"][0], zone, rows[name]))


EXAMPLE_DAY = date(2026, 1, 1)  # of the SQL, when there are no data to choose a cut-off by
NO_TABLES = "no tables here yet: how the values are spread is not known; run `gridkeep check`"


def _snapshot_to_explain(config: Config, as_of: date | None, progress: Progress) -> Path | str:
    """The snapshot of a cut-off, the latest of these definitions, or why there is none."""
    from features.parts import INTAKE_FILE
    from features.registry import features_hash
    from features.snapshot import snapshot_info
    from features.snapshot_store import ANY

    if as_of is not None:
        return snapshot_of(config, clean_tables(config, progress), as_of, progress)
    if not (config.layout.tables / INTAKE_FILE).is_file():
        return NO_TABLES
    for path in sorted(config.layout.snapshots.glob(ANY), reverse=True):
        if snapshot_info(path).features_hash == features_hash():
            return path
    return "no snapshot of these definitions yet; name a cut-off with --as-of to see the spread"


def _last_month_start(config: Config) -> date | None:
    """The last cut-off at a month's first day that the tables in place reach, if there are any."""
    from features.engine import open_tables
    from features.labels import label_end
    from features.parts import INTAKE_FILE
    from features.settings import EngineSettings

    if not (config.layout.tables / INTAKE_FILE).is_file():
        return None
    embedded = EngineSettings()  # one day needs no cluster
    tables = open_tables(config.layout.tables, embedded, config.bank.timezone)
    return label_end(tables).replace(day=1)


def train_model(config: Config, name: str, trials: int, progress: Progress) -> results.Trained:
    """Train, evaluate and register one of the two models."""
    tables = clean_tables(config, progress)
    require_quality(quality_of(config, tables, progress), config.quality)
    common: dict[str, Any] = {
        "cells": cells_of(config, tables),
        "grid_version": current_version(config.layout),
        "tracking": config.tracking,
        "folder": config.home,
        "rows_folder": config.layout.root,
        "publication": config.publication,
        "data_hashes": data_hashes(config.layout),
        "progress": progress,
        "first_is_champion": not config.promotion.independent_validator,
    }
    if name == "retention":
        from training.train import train_retention

        settings = config.retention.model_copy(update={"trials": trials or config.retention.trials})
        common |= {"profit": config.profit, "value": config.value, "currency": config.bank.currency}
        common |= {"town_density": town_density(config.grid)}
        return _carded(
            config, train_retention(tables, label=config.label, settings=settings, **common)
        )
    if trials:
        raise BadInput("--trials is for the retention model; segmentation chooses its clusters")
    from training.train_segments import train_segmentation

    common |= {"label": config.label}
    return _carded(config, train_segmentation(tables, settings=config.segmentation, **common))


def _carded(config: Config, report: Any) -> results.Trained:
    from gridkeep.cards import keep_cards

    return results.Trained(report, keep_cards(config, report.name, report.version))


def list_versions(config: Config) -> results.Versions:
    """Every registered version, newest first."""
    return results.Versions(tuple(store_of(config).models()))


def score_bank(config: Config, as_of: date, out: Path, progress: Progress) -> results.Scored:
    """Scores of every customer at a cut-off."""
    require_free(out, config, score_file())
    from serving.batch import score_snapshot
    from serving.opening import champion_bundles
    from serving.sealed import scorer_of

    bundles = champion_bundles(config.tracking_uri)  # first: without one all else is in vain
    tables = clean_tables(config, progress)
    snapshot = snapshot_of(config, tables, as_of, progress)
    summary = score_snapshot(
        snapshot,
        scorer_of(bundles, config.serving.threads, config.serving.reasons, config.serving.language),
        out,
        current_version(config.layout),
        progress,
        config.serving.batch_rows,
        _crew(config, tables, bundles),
    )
    return results.Scored(
        as_of, summary, reconcile(config, tables, snapshot, [as_of], out, scores=out)
    )


def _crew(config: Config, tables: Any, bundles: Any) -> Any:
    """Who scores: the executors where features are Spark's, else this process."""
    if config.engine.kind == "spark":
        from serving.spark_batch import spark_crew

        return spark_crew(tables.connection.spark, bundles)
    from serving.parts import alone

    return alone


def serve_scores(
    config: Config,
    host: str | None,
    port: int | None,
    as_of: date | None,
    progress: Progress,
    ready: Callable[[str], None],
) -> int:
    """Answer requests until stopped; `ready` is told the address. The service's exit code."""
    from serving.serve import require_servable, serve

    host, port = host or config.serving.host, port or config.serving.port
    require_servable(host, port, config.tracking_uri)
    online = online_store(config, as_of, progress)
    return serve(
        config.serving,
        config.layout,
        host,
        port,
        config.tracking_uri,
        online,
        ready,
    )


def monitor_cells(
    config: Config, as_of: date, reference: date | None, progress: Progress
) -> results.Monitored:
    """Compare the features of a cut-off with the champion's profile, or with another cut-off."""
    from monitoring.monitor import monitor_month

    if reference == as_of:
        raise BadInput(
            f"--reference {reference} is the month of --as-of itself, which would show no drift; "
            "name an earlier cut-off, or leave --reference out for that of the model"
        )
    tables = clean_tables(config, progress)
    version = current_version(config.layout)
    current, before = months_to_compare(config, tables, as_of, reference, progress)
    report = monitor_month(
        current,
        before,
        cells_geojson(config.layout, version),
        config.layout.report(as_of, reference),
        as_of,
        version,
        config.monitoring,
        progress,
        config.publication,
        reference,
    )
    return results.Monitored(report)


def store_of(config: Config) -> Any:
    """The model store; BadInput when it cannot be used. One that was moved is followed."""
    from training.tracking import Store

    return Store(config.tracking, config.home)
