"""The statements of a feature run on DuckDB: tables of a range of customers, then its features.

They are compiled once; the bounds of a range are put into their text.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from domain.tables import CONTRACTS
from features.customer import features_of
from features.engine import Tables
from features.panes import Panes
from features.parts import ORDER, sorted_file
from features.places import Map, map_of
from features.registry import FEATURES
from features.steps import HIGH, LOW, Merge, Step, step
from features.transactions import PlanTables

KEY = ("customer_id", "as_of", "cell_id")
CELLS = pa.schema([("customer_id", pa.string()), ("cell_id", pa.string())])


@dataclass(frozen=True)
class Statements:
    """The steps of one plan: tables that all its cut-offs share, then the query of features."""

    panes: Panes
    there: Map
    shared: tuple[Step, ...]
    features: str


@dataclass
class _Kept:
    """Steps that become tables: compiled where they are made, named from then on.

    A sum of floats depends on the order of its rows, which must not be that of deliveries: rows
    are sorted before they are summed, unless they lie `in_order`.
    """

    engine: Any
    in_order: bool
    steps: list[Step] = field(default_factory=list)

    def __call__(self, name: str, table: Table, merge: Merge | None = None) -> Table:
        if name == "year_rows" and not self.in_order:
            table = table.order_by(*ORDER["transactions"])
        self.steps.append(step(self.engine, name, table, merge))
        return ibis.table(table.schema(), name=name)


def statements(tables: Tables, panes: Panes, names: Sequence[str], there: Map) -> Statements:
    """The feature query for the customers of a range, compiled once for all ranges."""
    chosen = [FEATURES[name] for name in names]
    keep = _Kept(tables.connection, file_in_order(tables) is not None)
    people = _in_range(tables.customers).select("customer_id")
    people = people.mutate(number=ibis.row_number().over(order_by="customer_id").cast("int32"))
    cells = ibis.table(ibis.schema(CELLS), name="cells")
    people = keep("people", people.left_join(cells, "customer_id").drop("customer_id_right"))
    of_them = [name for name, contract in CONTRACTS.items() if contract.of_customers]
    near = {name: _numbered(getattr(tables, name), people) for name in of_them}
    for name in sorted(set(near) - {"transactions"}):
        near[name] = keep(f"near_{name}", near[name].order_by(*ORDER[name]))
    plan = PlanTables(
        *(ibis.table(ibis.schema(one.schema), name=n) for n, one in plan_tables(panes).items())
    )
    near_them = tables._replace(**near)
    rows = features_of(near_them, panes, plan, keep=keep, chosen=chosen, there=map_of(there))
    rows = rows.rename(number="customer_id").inner_join(people, "number")
    rows = rows.order_by("number", "as_of").select(*KEY, *names)
    return Statements(panes, there, tuple(keep.steps), tables.connection.compile(rows))


def file_in_order(tables: Tables) -> Path | None:
    """The file of all transactions, if they lie in one in order."""
    return sorted_file(tables.folder, "transactions") if tables.folder else None


def plan_tables(panes: Panes) -> dict[str, pa.Table]:
    """The small tables of the panes, by the names that statements call them."""
    return {
        "plan_days": panes.days(),
        "plan_arrivals": panes.arrivals(),
        "plan_rings": panes.rings(),
        "plan_instants": panes.instants(),
    }


def _numbered(table: Table, people: Table) -> Table:
    """Rows of the range, the customer as a number: cheaper to group by than a text."""
    near = _in_range(table).inner_join(people.select("customer_id", "number"), "customer_id")
    return near.drop("customer_id").rename(customer_id="number")


def _in_range(table: Table) -> Table:
    return table.filter((table.customer_id >= LOW) & (table.customer_id < HIGH))
