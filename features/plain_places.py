"""The map of one cut-off for people to read: no squares to join by, only what a definition asks."""

import ibis
from ibis.expr.types import Table

from features.feature import Feature
from features.ground import has_place
from features.places import ROUND, square_of

HOME, OUTLET = ("home_latitude", "home_longitude"), ("outlet_latitude", "outlet_longitude")
AROUND = ("north", "customers_around")
PLACES = ("latitude", "longitude", *HOME, *OUTLET)


def plain_places(people: Table, outlets: Table, known: Feature) -> Table:
    """Rows of the people with a place, with the columns that the definition uses."""
    rows, used = people.filter(has_place(people)), _columns(known)
    stands = outlets.filter(has_place(outlets))
    if used & {*HOME}:
        rows = _at_home(rows, stands)
    if used & {*OUTLET}:
        rows = _beside_all(rows, stands)
    return _among_others(rows) if used & {*AROUND} else rows


def _at_home(rows: Table, stands: Table) -> Table:
    homes = stands.select(
        "opened_on",
        home_id="outlet_id",
        home_latitude="latitude",
        home_longitude="longitude",
    )
    found = rows.join(homes, rows.outlet_id == homes.home_id)
    return found.filter(found.opened_on.isnull() | (found.opened_on < found.as_of))


def _beside_all(rows: Table, stands: Table) -> Table:
    others = stands.select(
        "opened_on", "closed_on", outlet_latitude="latitude", outlet_longitude="longitude"
    )
    found = rows.cross_join(others)
    opened = found.opened_on.isnull() | (found.opened_on < found.as_of)
    return found.filter(opened & (found.closed_on.isnull() | (found.closed_on >= found.as_of)))


def _among_others(rows: Table) -> Table:
    here = rows.select("customer_id", **square_of(rows))
    other = here.select(other_north="north", other_east="east")
    aside = (here.east - other.other_east).abs()
    near = [
        (here.north - other.other_north).abs() <= 1,
        (aside <= 1) | (aside == ROUND - 1),
    ]
    pairs = here.join(other, near)
    return pairs.group_by("customer_id", "north").aggregate(customers_around=pairs.count())


def _columns(known: Feature) -> set[str]:
    columns = dict.fromkeys(PLACES, "float64") | dict.fromkeys(AROUND, "int64")
    value = known.expression(ibis.table(columns, name="places"))
    return {field.name for field in value.op().find(ibis.expr.operations.Field)}
