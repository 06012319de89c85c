"""The map at each cut-off: outlets that were there, and squares with the customers around them.

What is known of a place depends on all customers and outlets, so it is made once for a plan of
cut-offs and looked up by everybody. Two joins would be a product of tables; both go by squares.
The density of a square adds up its own customers and those of its 8 neighbours. An outlet can be
the nearest of somebody in a square when it is hardly farther from the middle of the square than
the outlet nearest to it: such pairs are sought among outlets in the same or a neighbouring cube
of space, for cubes have neither poles nor a date line; in small cubes first, then in large ones.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import ibis
import pyarrow as pa
from ibis.expr.types import IntegerValue, NumericValue, Table

from domain.sphere import EARTH_KM
from features.definitions.place import RADIUS_KM
from features.engine import Tables, frame_of
from features.ground import SQUARES_A_DEGREE, distance_km, has_place
from features.history import spine
from features.panes import Panes
from features.registry import FEATURES
from features.transactions import PlanTables

if TYPE_CHECKING:
    import pandas as pd

Map = Mapping[str, pa.Table]
SQUARE = ("as_of", "north", "east")
PLACE = ("latitude", "longitude", "outlet_id")  # of a customer, as the contract has them
SHORT_WAY_KM = 10  # within which most customers have an outlet
REACH_KM = 1  # more than from the middle of a square to any of its corners
ASIDE = (-1, 0, 1)
CUBES_ASIDE = [(x * 1000 + y) * 1000 + z for x in ASIDE for y in ASIDE for z in ASIDE]
ROUND = 360 * SQUARES_A_DEGREE  # squares around the Earth


class Territory(NamedTuple):
    """What each cut-off knows of the map; every table has `as_of`.

    `outlets`: a row per outlet with a place that had opened, and whether it was still `open`.
    `squares`: a row per square in which customers live, with `customers_around`.
    `nearby`: a row per such square and outlet that may be the nearest of somebody in it.
    """

    outlets: Table
    squares: Table
    nearby: Table


def territory(people: Table, outlets: Table, cuts: Table) -> Territory:
    """The map as all `people` (see `history.spine`) and outlets make it at the cut-offs `cuts`."""
    lived_in, there = occupied(people), outlets_at(outlets, cuts)
    return Territory(there, _customers_around(lived_in), _nearby(lived_in, there))


def map_tables(tables: Tables, panes: Panes, features: Sequence[str]) -> Map:
    """The territory in memory for the cut-offs of a plan; nothing where no feature asks for it."""
    if not any(FEATURES[name].over == "places" for name in features):
        return {}
    cuts = PlanTables.of(panes).instants
    ask = tables.connection.to_pyarrow
    lived_in = ibis.memtable(ask(occupied(spine(tables, cuts))))
    outlets = ask(outlets_at(tables.outlets, cuts))
    squares, nearby = _customers_around(lived_in), _nearby(lived_in, ibis.memtable(outlets))
    return {"map_outlets": outlets, "map_squares": ask(squares), "map_nearby": ask(nearby)}


def map_of(there: Map) -> Territory | None:
    """The territory in an engine that has its tables under their names."""
    tables = (ibis.table(ibis.schema(one.schema), name=name) for name, one in there.items())
    return Territory(*tables) if there else None


def place_history(people: Table, there: Territory) -> Table:
    """One row per person with a place, and per outlet that may be the nearest, if there is one."""
    known = people.filter(has_place(people))
    rows = known.select("customer_id", "as_of", *PLACE, **square_of(known))
    home = there.outlets.select(
        home_as_of="as_of",
        home_outlet_id="outlet_id",
        home_latitude="latitude",
        home_longitude="longitude",
    )
    rows = rows.left_join(
        home, [rows.as_of == home.home_as_of, rows.outlet_id == home.home_outlet_id]
    )
    for table in (there.squares, there.nearby):
        found = table.rename({f"{name}_at": name for name in SQUARE})
        rows = rows.left_join(found, [rows[name] == found[f"{name}_at"] for name in SQUARE])
        rows = rows.drop(*(f"{name}_at" for name in SQUARE))
    return rows


def occupied(people: Table) -> Table:
    """One row per square and cut-off, with the number of customers in it."""
    known = people.filter(has_place(people))
    rows = known.select("as_of", **square_of(known))
    return rows.group_by(*SQUARE).aggregate(customers=rows.count())


def square_of(rows: Table) -> dict[str, IntegerValue]:
    """Row and column of the square of a place, counted from 0 degrees; 180 degrees is -180."""
    north = (rows.latitude * SQUARES_A_DEGREE).floor().cast("int64")
    east = (rows.longitude * SQUARES_A_DEGREE).floor().cast("int64")
    return {"north": north, "east": _around_the_earth(east)}


def outlets_at(outlets: Table, cuts: Table) -> Table:
    """One row per outlet with a place and cut-off before which it had opened."""
    placed, days = outlets.filter(has_place(outlets)), cuts.select("as_of")
    rows = placed.cross_join(days)
    rows = rows.filter(rows.opened_on.isnull() | (rows.opened_on < rows.as_of))
    still = rows.closed_on.isnull() | (rows.closed_on >= rows.as_of)
    return rows.select("as_of", "outlet_id", "latitude", "longitude", open=still)


def open_outlets(outlets: Table, day: date) -> "pd.DataFrame":
    """Outlets with a place that are open on the eve of a day: `outlet_id, latitude, longitude`."""
    rows = outlets_at(outlets, ibis.memtable(pa.table({"as_of": pa.array([day])})))
    rows = rows.filter(rows.open).order_by("outlet_id")
    return frame_of(rows.select("outlet_id", "latitude", "longitude"))


def _customers_around(lived_in: Table) -> Table:
    """Customers of each square and its 8 neighbours: added up along the one way, then the other."""
    rows = lived_in.select(*SQUARE, "customers")
    for way in ("east", "north"):
        rows = rows.mutate(aside=ibis.literal(ASIDE, "array<int64>").unnest())
        moved = rows[way] + rows.aside
        rows = rows.mutate(**{way: _around_the_earth(moved) if way == "east" else moved})
        rows = rows.group_by(*SQUARE).aggregate(customers=rows.customers.sum())
    return rows.semi_join(lived_in, SQUARE).rename(customers_around="customers")


def _nearby(lived_in: Table, outlets: Table) -> Table:
    """Outlets that may be somebody's nearest: within a short way, and farther where none is."""
    place = {"latitude": _middle(lived_in.north), "longitude": _middle(lived_in.east)}
    middles = lived_in.select(*SQUARE, **place)
    stands = outlets.filter(outlets.open).select("as_of", *PLACE[:2])
    close = _within(SHORT_WAY_KM, middles, stands)
    return close.union(_within(RADIUS_KM, middles.anti_join(close, SQUARE), stands))


def _within(radius_km: int, middles: Table, stands: Table) -> Table:
    """Outlets hardly farther from the middle of a square than the nearest, if that is so near."""
    cubes = int(EARTH_KM // (radius_km + 3 * REACH_KM))  # from the middle of the Earth outwards
    middles = middles.mutate(cube=_cube(middles, cubes))
    stands = stands.mutate(
        cube=_cube(stands, cubes), aside=ibis.literal(CUBES_ASIDE, "array<int64>").unnest()
    )
    stands = stands.select(
        stands_at="as_of",
        beside=stands.cube + stands.aside,
        outlet_latitude="latitude",
        outlet_longitude="longitude",
    )
    same = [middles.as_of == stands.stands_at, middles.cube == stands.beside]
    pairs = middles.join(stands, same)
    there = (pairs.outlet_latitude, pairs.outlet_longitude)
    pairs = pairs.mutate(away=distance_km(pairs.latitude, pairs.longitude, *there))
    pairs = pairs.filter(pairs.away <= radius_km + 3 * REACH_KM)
    pairs = pairs.mutate(nearest=pairs.away.min().over(ibis.window(group_by=SQUARE)))
    may_be = pairs.away <= pairs.nearest + 2 * REACH_KM
    pairs = pairs.filter(may_be & (pairs.nearest <= radius_km + REACH_KM))
    return pairs.select(*SQUARE, "outlet_latitude", "outlet_longitude")


def _cube(rows: Table, cubes: int) -> IntegerValue:
    """A number for the cube of space that holds a point of the sphere."""
    up, along = rows.latitude.radians(), rows.longitude.radians()
    x, y, z = up.cos() * along.cos(), up.cos() * along.sin(), up.sin()
    column, row, storey = ((one * cubes).floor().cast("int64") for one in (x, y, z))
    return (column * 1000 + row) * 1000 + storey


def _middle(at: IntegerValue) -> NumericValue:
    return (at * 2 + 1).cast("float64") / (2 * SQUARES_A_DEGREE)


def _around_the_earth(east: IntegerValue) -> IntegerValue:
    half = ROUND // 2
    return (east >= half).ifelse(east - ROUND, (east < -half).ifelse(east + ROUND, east))
