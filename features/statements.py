"""The statements of a feature run on DuckDB: tables of a range of customers, then its features.

They are compiled once; the bounds of a range are put into their text. To compile them takes about
as long as the first of them runs, so that whoever runs them has each as soon as it is there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition
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


@dataclass
class Statements:
    """The steps of one plan: tables that all its cut-offs share, then the query of features.

    One thread compiles them; others may go through them meanwhile, and wait for those to come.
    """

    panes: Panes
    there: Map
    steps: list[Step] = field(default_factory=list)
    features: str | None = None
    ended: bool = False
    changed: Condition = field(default_factory=Condition)

    def add(self, made: Step) -> None:
        """The next step."""
        with self.changed:
            self.steps.append(made)
            self.changed.notify_all()

    def end(self, features: str | None) -> None:
        """No more steps; the query of features, or None where they could not be compiled."""
        with self.changed:
            self.features, self.ended = features, True
            self.changed.notify_all()

    def __iter__(self) -> Iterator[Step]:
        """The steps in order, each as soon as it is compiled."""
        at = 0
        while self._is_there(at):
            yield self.steps[at]
            at += 1

    def _is_there(self, at: int) -> bool:
        """Whether there is a step of that number, once that is known."""
        with self.changed:
            self.changed.wait_for(lambda: at < len(self.steps) or self.ended)
            return at < len(self.steps)

    def last(self) -> str:
        """The query of features, once all steps have been gone through."""
        if self.features is None:
            raise RuntimeError("the statements of a feature run were not compiled")
        return self.features


@dataclass
class _Kept:
    """Steps that become tables: compiled where they are made, named from then on.

    A sum of floats depends on the order of its rows, which must not be that of deliveries: rows
    are sorted before they are summed, unless they lie `in_order`.
    """

    engine: Any
    in_order: bool
    add: Callable[[Step], None]

    def __call__(self, name: str, table: Table, merge: Merge | None = None) -> Table:
        if name == "year_rows" and not self.in_order:
            table = table.order_by(*ORDER["transactions"])
        self.add(step(self.engine, name, table, merge))
        return ibis.table(table.schema(), name=name)


def compiled(told: Statements, tables: Tables, names: Sequence[str]) -> str:
    """The query of features for the customers of a range; `told` has the steps before it.

    It is compiled once for all ranges, and each step is told as soon as it is compiled.
    """
    keep = _Kept(tables.connection, file_in_order(tables) is not None, told.add)
    people = _in_range(tables.customers).select("customer_id")
    people = people.mutate(number=ibis.row_number().over(order_by="customer_id").cast("int32"))
    cells = ibis.table(ibis.schema(CELLS), name="cells")
    people = keep("people", people.left_join(cells, "customer_id").drop("customer_id_right"))
    of_them = [name for name, contract in CONTRACTS.items() if contract.of_customers]
    near = {name: _numbered(getattr(tables, name), people) for name in of_them}
    for name in sorted(set(near) - {"transactions"}):
        near[name] = keep(f"near_{name}", near[name].order_by(*ORDER[name]))
    plan = PlanTables(
        *(ibis.table(ibis.schema(one.schema), name=n) for n, one in plan_tables(told.panes).items())
    )
    chosen = [FEATURES[name] for name in names]
    there, near_them = map_of(told.there), tables._replace(**near)
    rows = features_of(near_them, told.panes, plan, keep=keep, chosen=chosen, there=there)
    rows = rows.rename(number="customer_id").inner_join(people, "number")
    text: str = tables.connection.compile(rows.order_by("number", "as_of").select(*KEY, *names))
    return text


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
