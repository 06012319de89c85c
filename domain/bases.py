"""What coordinates say of a customer, on each basis: a merged cell, a district, an outlet."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from domain.borders import NO_ZONE
from domain.grid_settings import GridSettings
from domain.hexagons import index
from domain.merged import Before, Merged, merged_cells
from domain.sphere import unit_vectors
from domain.survey import Survey


class Located(NamedTuple):
    """Cell of each customer by coordinates (None: none), and the merged cells if any."""

    cells: "pd.Series[str]"
    merged: Merged | None = None
    strays: npt.NDArray[np.bool_] | None = None


def locate(
    known: Survey, basis: str, settings: GridSettings, before: Mapping[str, Before]
) -> Located:
    """The cell of each customer by coordinates; `before`: merged cells of an earlier version."""
    if basis == "h3":
        return _merged(known, settings, zones_of_people(known, settings), before)
    return by_outlet(known) if basis == "outlet" else by_district(known)


def zones_of_people(known: Survey, settings: GridSettings) -> "pd.Series[str]":
    """The zone that binds each customer: where the polygons say, else the stated one, else none."""
    people, lived_in = known.people, known.lived_in
    if settings.borders == "district":
        return lived_in.where(lived_in.notna(), people.district).fillna(NO_ZONE).astype(str)
    if settings.borders == "outlet":
        return people.outlet_id.fillna(NO_ZONE).astype(str)
    return pd.Series(NO_ZONE, index=people.index, dtype=object)


def by_district(known: Survey) -> Located:
    """The district whose polygon holds the customer."""
    named = {name: f"district-{name}" for name in known.lived_in.dropna().unique()}
    return Located(known.lived_in.map(named).astype(object))


def by_outlet(known: Survey) -> Located:
    """The outlet nearest to the customer."""
    usable, names = known.spots.usable, sorted(known.outlets)
    found: npt.NDArray[np.object_] = np.full(len(usable), None, dtype=object)
    if names and usable.any():
        there = np.array([known.outlets[name] for name in names])
        tree = cKDTree(unit_vectors(there[:, 0], there[:, 1]))
        here = unit_vectors(known.spots.latitude[usable], known.spots.longitude[usable])
        cells = np.array([f"outlet-{name}" for name in names], dtype=object)
        found[usable] = cells[tree.query(here)[1]]
    return Located(pd.Series(found, index=known.people.index))


def _merged(
    known: Survey,
    settings: GridSettings,
    zones: "pd.Series[str]",
    before: Mapping[str, Before],
) -> Located:
    """Merged H3 cells, worked out once for all customers of an H3 cell and zone."""
    at = np.flatnonzero(known.spots.usable)
    latitude, longitude = known.spots.latitude[at].tolist(), known.spots.longitude[at].tolist()
    fine = np.array(index(latitude, longitude, settings.resolution), dtype=np.int64)
    zone, names = pd.factorize(zones.to_numpy()[at], sort=True)
    cells, cell = np.unique(fine, return_inverse=True)
    pairs, pair, count = np.unique(
        cell * len(names) + zone, return_inverse=True, return_counts=True
    )
    merged = merged_cells(
        cells[pairs // len(names)].tolist(),
        [str(name) for name in names[pairs % len(names)]],
        count.tolist(),
        settings,
        before,
    )
    found: npt.NDArray[np.object_] = np.full(len(zones), None, dtype=object)
    found[at] = np.array(merged.cells, dtype=object)[pair]
    strays: npt.NDArray[np.bool_] = np.zeros(len(zones), dtype=bool)
    strays[at] = np.array(merged.strays)[pair]
    return Located(pd.Series(found, index=zones.index), merged, strays)
