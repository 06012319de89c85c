"""Merging H3 cells to a floor of customers: ours and spopt's max-p on the same 217 cells.

`python -m benchmarks.partition [--customers 1000000 --seed 0]` prints a table of both, and then
the time of a whole `partition` of that many customers. Balance is the customers of the largest
cell over those of the smallest, compactness the mean Polsby-Popper of the cells' outlines (4 pi
area / perimeter^2, a hexagon has 0.91), boundary the sum of their perimeters.
"""

import argparse
import time
import warnings
from datetime import date
from typing import NamedTuple

import h3.api.basic_int as h3
import numpy as np
import pandas as pd

from domain.cells import Cell, Figures, figures
from domain.grid import GridSettings, grid_figures, partition
from domain.hexagons import neighbours
from domain.land import Land
from domain.outlines import figure, outline
from domain.territory import merge_to_floor

FLOOR, RESOLUTION, RINGS = 300, 8, 8  # a disk of 8 rings has 217 cells
PEERS = (
    "max-p is not measured: spopt is absent. Install it with\n"
    "  .venv/bin/uv sync --locked --inexact --group peers --python .venv/bin/python\n"
    "(or `uv`, where it is on the path) and run this again."
)


class Result(NamedTuple):
    """A partition and how long it took."""

    name: str
    seconds: float
    found: Figures


def town(seed: int, customers: int = 15_000) -> tuple[list[int], Land]:
    """217 H3 cells around a town: dense in the middle, uneven elsewhere, nobody nowhere."""
    chance = np.random.default_rng(seed)
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(30.6, 121.0, RESOLUTION), RINGS))
    degrees = np.array([h3.cell_to_latlng(cell) for cell in cells]) - [30.6, 121.0]
    distance_km = np.hypot(*(degrees * [111.2, 95.7]).T)
    weight = 3 * np.exp(-(distance_km**2) / 18) + chance.gamma(0.5, 0.5, len(cells))
    count = np.maximum(chance.multinomial(customers, weight / weight.sum()), 1)
    return cells, Land(count.tolist(), neighbours(cells, RESOLUTION))


def judged(name: str, seconds: float, cells: list[int], land: Land, label: list[int]) -> Result:
    """Figures of a labelling of the cells."""
    merged = []
    for number in sorted(set(label)):
        own = [place for place, one in enumerate(label) if one == number]
        size = figure(outline((cells[place] for place in own), RESOLUTION))
        customers = sum(land.customers[place] for place in own)
        merged.append(
            Cell(
                str(number),
                "h3",
                "bank",
                customers,
                perimeter_km=size.perimeter_km,
                compactness=size.compactness,
            )
        )
    found = figures(merged, FLOOR)
    assert found is not None
    return Result(name, seconds, found)


def ours(cells: list[int], land: Land, runs: int = 5) -> Result:
    """The median time of a few runs; all give the same."""
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        label = merge_to_floor(land, FLOOR)
        seconds.append(time.perf_counter() - began)
    return judged("gridkeep", sorted(seconds)[runs // 2], cells, land, label)


def max_p(cells: list[int], land: Land, seed: int) -> Result | None:
    """The heuristic of spopt with its defaults, or nothing where it is not installed."""
    try:
        import geopandas
        from libpysal.weights import W
        from spopt.region import MaxPHeuristic
    except ImportError:
        return None
    weights = W({place: list(near) for place, near in enumerate(land.neighbours)})
    points = geopandas.points_from_xy(range(len(cells)), range(len(cells)))
    frame = geopandas.GeoDataFrame({"customers": land.customers}, geometry=points)
    np.random.seed(seed)  # noqa: NPY002 (spopt draws from it)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MaxPHeuristic(frame, weights, ["customers"], "customers", FLOOR, top_n=2)
        model.solve()
    seconds = time.perf_counter() - began
    return judged("spopt max-p", seconds, cells, land, [int(one) for one in model.labels_])


def bank(customers: int, seed: int) -> pd.DataFrame:
    """Customers in 60 towns and 420 villages of a square of 120 km."""
    chance = np.random.default_rng(seed)
    east, north = chance.uniform(-60, 60, (2, 480))
    is_town = np.arange(480) < 60
    share = np.where(is_town, 8.0, 1.0) * chance.gamma(2, 0.5, 480)
    place = chance.choice(480, customers, p=share / share.sum())
    spread = np.where(is_town, 2.0, 0.6)[place]
    x = east[place] + chance.normal(0, 1, customers) * spread
    y = north[place] + chance.normal(0, 1, customers) * spread
    return pd.DataFrame(
        {
            "customer_id": [f"C{at:08d}" for at in range(customers)],
            "latitude": 30.8 + y / 111.2,
            "longitude": 120.7 + x / (111.2 * 0.859),
            "district": [f"D{at % 40}" for at in place],
            "outlet_id": [f"B{at % 100}" for at in place],
        }
    )


def row(one: Result) -> str:
    found = one.found
    return (
        f"| {one.name} | {found.cells} | {found.under_floor} | {found.balance:.2f} | "
        f"{found.compactness:.3f} | {found.boundary_km:,.0f} | {one.seconds:.4f} |"
    )


def main() -> None:
    """Print both parts."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--customers", type=int, default=1_000_000)
    words.add_argument("--seed", type=int, default=0)
    given = words.parse_args()
    cells, land = town(given.seed)
    mine, peer = ours(cells, land), max_p(cells, land, given.seed)
    print(f"{len(cells)} H3 cells, {sum(land.customers):,} customers, floor {FLOOR}\n")
    print("| | cells | under floor | balance | compactness | boundary km | seconds |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    print(row(mine))
    print(
        f"{row(peer)}\n\n{peer.seconds / mine.seconds:,.0f} times faster" if peer else f"\n{PEERS}"
    )
    people = bank(given.customers, given.seed)
    began, worked = time.perf_counter(), time.process_time()
    grid = partition(people, GridSettings(), valid_from=date(2026, 1, 1))
    wall, cpu = time.perf_counter() - began, time.process_time() - worked
    found = grid_figures(grid)
    assert found is not None
    print(
        f"\n{given.customers:,} customers placed in {found.cells:,} cells in {wall:.1f} s "
        f"({cpu:.1f} s of one core): balance {found.balance:.2f}, "
        f"compactness {found.compactness:.3f}, {found.under_floor} under the floor"
    )


if __name__ == "__main__":
    main()
