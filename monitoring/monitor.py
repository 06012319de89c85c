"""One month of monitoring: the drift table, the full reports of what moved, the page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from domain.publication import PublicationSettings
from domain.told import is_told_alone
from features.pages.map_svg import cell_rings
from monitoring.drift import screen
from monitoring.evidently_reports import write_report
from monitoring.files import file_name, whole_file, write_text
from monitoring.findings import Place, Site
from monitoring.pooling import BANK, Pooling, Untested, is_pool, pool
from monitoring.settings import MonitoringSettings
from monitoring.site import page

Progress = Callable[[str, float], None]
CELL = "cell_id"


@dataclass(frozen=True)
class MonitorReport:
    """What a month of monitoring found, and where it is written.

    `flagged` names cells and pools, the most drifted first, each with the columns that moved
    otherwise than the bank's; `bank_columns` those of the bank as a whole. `tested` counts
    cells and pools, `pools` lists the cells of each pool.
    """

    as_of: date
    grid_version: str
    flagged: dict[str, tuple[str, ...]]
    bank_columns: tuple[str, ...]
    tested: int
    tests: int
    pools: dict[str, list[str]]
    untested: tuple[Untested, ...]
    without_full_report: tuple[str, ...]
    drift: Path
    index: Path
    full_reports: dict[str, Path]

    @property
    def flagged_cells(self) -> tuple[str, ...]:
        """Cells that were tested alone and moved."""
        return tuple(name for name in self.flagged if not is_pool(name))

    @property
    def flagged_pools(self) -> dict[str, list[str]]:
        """Pools that moved, each with its small cells, of which any may be the cause."""
        return {name: self.pools[name] for name in self.flagged if is_pool(name)}

    @property
    def tested_alone(self) -> int:
        """How many cells were tested alone."""
        return self.tested - len(self.pools)


def monitor_month(
    snapshot_current: pd.DataFrame,
    profile: pd.DataFrame,
    cells_geojson: Mapping[str, Any],
    out: Path,
    as_of: date,
    grid_version: str,
    settings: MonitoringSettings | None = None,
    progress: Progress = lambda _step, _share: None,
    publication: PublicationSettings | None = None,
    against: date | None = None,
) -> MonitorReport:
    """Compare a month with the reference profile in every cell; write `out`.

    `against` is the cut-off of the profile where it is not the model's.
    No cell or pool under `publication.customers_min` customers is tested, and the page tells no
    figure of fewer, nor the customers of a cell that the grid does not tell alone. Writes
    `drift.parquet`, `evidently/bank.html` with one more for each of the most drifted cells, and
    `index.html`. Raises BadInput when the months cannot be compared or a file cannot be written.
    """
    least = (publication or PublicationSettings()).customers_min
    settings = _with_floors(settings or MonitoringSettings(), least)
    places = _places(cells_geojson, least)
    parents = {cell: place.parent for cell, place in places.items()}
    drift = screen(
        profile,
        snapshot_current,
        CELL,
        settings=settings,
        parents=parents,
        as_of=as_of,
        grid_version=grid_version,
        customers_min=least,
        progress=lambda step, share: progress(step, share * 0.4),
    )
    pooling = pool(profile[CELL], snapshot_current[CELL], parents, settings)
    flagged = flagged_columns(drift)
    with whole_file(out / "drift.parquet") as part:
        drift.to_parquet(part, index=False)
    reported = list(flagged)[: settings.evidently_cells_max]
    full = _full_reports(
        snapshot_current, profile, drift, pooling, reported, out, settings, progress
    )
    links = {name: path.relative_to(out).as_posix() for name, path in full.items()}
    site = Site(as_of, grid_version, drift, pooling, places, links, settings, least, against)
    index = write_text(out / "index.html", page(site))
    progress("full reports are written", 1.0)
    return MonitorReport(
        as_of=as_of,
        grid_version=grid_version,
        flagged=flagged,
        bank_columns=tuple(drift.loc[drift["drifted"] & (drift[CELL] == BANK), "column"]),
        tested=len(pooling.groups),
        tests=int((drift[CELL] != BANK).sum()),
        pools=pooling.pools,
        untested=pooling.untested,
        without_full_report=tuple(list(flagged)[len(reported) :]),
        drift=out / "drift.parquet",
        index=index,
        full_reports=full,
    )


def _with_floors(settings: MonitoringSettings, least: int) -> MonitoringSettings:
    """What is tested is told, so nobody is tested who may not be told."""
    floors = {name: max(getattr(settings, name), least) for name in ("cell_floor", "untestable")}
    return settings.model_copy(update=floors)


def flagged_columns(drift: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Cell -> the columns that drifted in it, the largest effect first; likewise the cells.

    >>> flagged_columns(pd.DataFrame({"cell_id": ["bank", "A"], "column": ["x", "x"],
    ...     "effect": [0.2, 0.1], "drifted": [True, True]}))
    {'A': ('x',)}
    """
    found = drift[drift["drifted"] & (drift[CELL] != BANK)]
    found = found.sort_values(["effect", CELL, "column"], ascending=[False, True, True])
    weight = found.groupby(CELL)["effect"].sum()
    cells = sorted(weight.index, key=lambda cell: (-weight[cell], cell))
    return {str(cell): tuple(found.loc[found[CELL] == cell, "column"]) for cell in cells}


def _places(collection: Mapping[str, Any], customers_min: int) -> dict[str, Place]:
    return {
        str(feature["properties"][CELL]): Place(
            kind=str(feature["properties"].get("kind", "")),
            parent=str(feature["properties"].get("parent") or BANK),
            rings=cell_rings(feature.get("geometry")),
            told_alone=is_told_alone(feature["properties"], customers_min),
        )
        for feature in collection.get("features", [])
    }


def _full_reports(
    current: pd.DataFrame,
    profile: pd.DataFrame,
    drift: pd.DataFrame,
    pooling: Pooling,
    reported: list[str],
    out: Path,
    settings: MonitoringSettings,
    progress: Progress,
) -> dict[str, Path]:
    columns = list(dict.fromkeys(drift["column"]))
    members = {group: _members(pooling, group) for group in reported}
    paths: dict[str, Path] = {}
    for at, name in enumerate([BANK, *reported]):
        many = len(reported) + 1
        progress(f"writing full report {at + 1} of {many}", 0.4 + 0.6 * at / many)
        before, after = (
            frame if name == BANK else frame[frame[CELL].isin(members[name])]
            for frame in (profile, current)
        )
        stem = BANK if name == BANK else file_name(name)
        paths[name] = write_report(
            before,
            after,
            columns,
            out / "evidently" / f"{stem}.html",
            rows_max=settings.evidently_rows_max,
            seed=settings.seed,
        )
    _drop_old(out / "evidently", set(paths.values()))
    return paths


def _members(pooling: Pooling, group: str) -> list[str]:
    return [cell for cell, name in pooling.group_of.items() if name == group]


def _drop_old(folder: Path, kept: set[Path]) -> None:
    """Reports of an earlier run of the same month would belong to no row of the page."""
    for path in folder.glob("*.html"):
        if path not in kept:
            path.unlink()
