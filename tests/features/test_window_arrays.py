"""Panes merged on arrays against the same merging as queries, row for row."""

from datetime import date, datetime, timedelta
from functools import cache

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import gap_arrays
from features.feature import WINDOWS
from features.gaps import gap_partials, gap_rows, gaps_of_panes
from features.measures import History
from features.pane_arrays import pooled
from features.panes import Panes
from features.transactions import PlanTables, partials, windows
from features.window_arrays import merged_gaps, merged_windows

PANES = Panes((date(2025, 1, 31), date(2025, 3, 1), date(2025, 3, 31)))
SCHEMA = {
    "customer_id": "string",
    "pane": "int16",
    "seen": "int16",
    "posted_at": "timestamp(6)",
    "transaction_id": "string",
    "balance_after": "float64",
    "own": "boolean",
    "amount": "float64",
}
MOST, TOTAL, SPREAD = "p0", "p2", "p5"  # measures of `history_of`
Row = dict[str, object]


@st.composite
def transaction(draw: st.DrawFn) -> Row:
    """A row of few days and hours, so that ties, late rows and empty panes are many."""
    ago = draw(st.sampled_from([2, 100, 101, 30, 29, 250, 300, 423]))
    posted = datetime(2025, 3, 30, 12) - timedelta(days=ago, hours=draw(st.sampled_from([0, 0, 5])))
    natural = sum(posted.date() >= day for day in PANES.cutoffs)
    return {
        "customer_id": draw(st.sampled_from("ab")),
        "pane": sum(posted.date() >= edge for edge in PANES.edges) - 1,
        "seen": draw(st.sampled_from([natural, *range(natural, 3)])),
        "posted_at": posted,
        "balance_after": draw(st.none() | st.integers(-5, 5).map(float)),
        "own": draw(st.booleans()),
        "amount": draw(st.sampled_from([1e12, -1e12, 0.01, -0.03, 7.5, 0.0, None])),
    }


def year_rows(rows: list[Row]) -> pa.Table:
    numbered = [row | {"transaction_id": f"{at * 7 % 41:02d}"} for at, row in enumerate(rows)]
    return pa.Table.from_pylist(numbered, ibis.schema(SCHEMA).to_pyarrow())


def history_of(rows: ibis.Table) -> History:
    """Every kind of measure, of all rows and of some; the first is the largest absolute amount."""
    history = History(rows)
    for days in WINDOWS:
        history.largest(rows.amount.abs(), days)
        for where in (None, rows.amount > 0):
            history.count(days, where)
            for measure in (history.total, history.largest, history.smallest, history.std):
                measure(rows.amount, days, where)
        history.days_since(days, rows.own)
    return history


@cache
def engine() -> tuple[duckdb.DuckDBPyConnection, History, dict[str, tuple[str, pa.Schema]]]:
    """DuckDB with the tables of the plan, and the text and the columns of each step."""
    tables = [PANES.days(), PANES.arrivals(), PANES.rings(), PANES.instants()]
    names = [f"plan_{name}" for name in PlanTables._fields]
    duck = duckdb.connect(config={"threads": 1})
    for name, table in zip(names, tables, strict=True):
        duck.register(name, table)
    plan = PlanTables(
        *(ibis.table(ibis.schema(t.schema), name=n) for n, t in zip(names, tables, strict=True))
    )
    rows = ibis.table(SCHEMA, name="year_rows")
    history = history_of(rows)
    parts, gap_parts = partials(rows, history), gap_partials(gap_rows(rows))
    steps = {
        "partials": parts,
        "windows": windows(named(parts, "partials"), history, PANES, plan),
        "gap_partials": gap_parts,
        "gaps": gaps_of_panes(named(gap_parts, "gap_partials"), plan),
    }
    told = {
        name: (ibis.to_sql(step, "duckdb"), step.schema().to_pyarrow())
        for name, step in steps.items()
    }
    return duck, history, told


def named(table: ibis.Table, name: str) -> ibis.Table:
    return ibis.table(table.schema(), name=name)


def by_query(rows: list[Row]) -> dict[str, pa.Table]:
    duck, _, steps = engine()
    duck.register("year_rows", year_rows(rows))
    found = {}
    for name, (text, schema) in steps.items():
        duck.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {text}")
        found[name] = duck.sql(f"SELECT * FROM {name}").to_arrow_table().cast(schema)
    return found


def in_order(table: pa.Table, like: pa.Table) -> pa.Table:
    keys = [("customer_id", "ascending"), ("as_of", "ascending")]
    return table.select(like.column_names).cast(like.schema).sort_by(keys).combine_chunks()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(transaction(), min_size=8, max_size=30))
def test_windows_on_arrays_equal_the_query(rows: list[Row]) -> None:
    tables, history = by_query(rows), engine()[1]
    found = merged_windows(tables["partials"], PANES, history)
    theirs = in_order(tables["windows"], tables["windows"])
    ours = in_order(found, tables["windows"])
    kinds = {one.name: one.kind for one in history.partials.values()}
    summed = [
        f"{name}_{days}d" for name, days in history.windows if kinds[name] in ("total", "spread")
    ]
    assert ours.drop(summed).to_pylist() == theirs.drop(summed).to_pylist()
    for name in summed:
        assert ours[name].is_valid().equals(theirs[name].is_valid()), name
        # sums in another order differ by roundings of the largest amount in the window
        most = numbers(theirs[f"{MOST}_{name.rpartition('_')[2]}"])
        assert (abs(numbers(ours[name]) - numbers(theirs[name])) <= 1e-12 * most).all(), name


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    return column.fill_null(0).to_numpy()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(transaction(), min_size=8, max_size=30))
def test_gaps_on_arrays_equal_the_query(rows: list[Row]) -> None:
    tables = by_query(rows)
    parts = tables["gap_partials"]
    mixed = parts.filter(parts["overtaken"])["customer_id"].combine_chunks()
    ours, theirs = (
        in_order(one.filter(pc.invert(pc.is_in(one["customer_id"], mixed))), tables["gaps"])
        for one in (merged_gaps(parts, PANES), tables["gaps"])
    )
    assert ours.select(["customer_id", "as_of"]).equals(theirs.select(["customer_id", "as_of"]))
    for name in ("gap_mean", "gap_std"):
        assert ours[name].is_valid().equals(theirs[name].is_valid()), name
        np.testing.assert_allclose(numbers(ours[name]), numbers(theirs[name]), 1e-12, 1e-11)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        transaction(), max_size=30, unique_by=lambda row: (row["customer_id"], row["posted_at"])
    ),
    st.sampled_from([1, 3, 100_000]),
)
def test_gaps_of_rows_on_arrays_equal_the_query(rows: list[Row], size: int) -> None:
    numbered = year_rows(
        [row | {"customer_id": str("ab".index(row["customer_id"]))} for row in rows]
    )
    numbered = numbered.set_column(0, "customer_id", numbered["customer_id"].cast("int32"))
    theirs = by_query(rows)["gap_partials"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gap_arrays, "SLICE", size)
        found = gap_arrays.pane_gaps(numbered.select(gap_arrays.GAP_ROW))
    keys = [(name, "ascending") for name in gap_arrays.GAP_ROW[:3]]
    numbers_of = theirs.schema.set(0, pa.field("customer_id", pa.int32()))
    ours = found.select(theirs.column_names).cast(numbers_of).sort_by(keys)
    theirs = theirs.sort_by(keys)
    people = ["ab".index(one) for one in theirs["customer_id"].to_pylist()]
    assert ours["customer_id"].to_pylist() == people
    for name in ours.column_names[1:]:
        assert ours[name].is_valid().equals(theirs[name].is_valid()), name
        if name in ("gap_mean", "gap_m2", "gap_across"):
            np.testing.assert_allclose(numbers(ours[name]), numbers(theirs[name]), 1e-12, 1e-11)
        else:
            assert ours[name].equals(theirs[name]), name


def test_small_amounts_are_not_lost_beside_large_ones_of_other_windows() -> None:
    def row(ago: int, amount: float) -> Row:
        day = datetime(2025, 3, 30, 12) - timedelta(days=ago)
        pane = sum(day.date() >= edge for edge in PANES.edges) - 1
        seen = sum(day.date() >= cutoff for cutoff in PANES.cutoffs)
        return {"customer_id": "a", "pane": pane, "seen": seen, "posted_at": day, "amount": amount}

    rows = [row(200, 1e12), row(20, 0.01), row(10, 0.01), row(0, 0.04)]
    found = merged_windows(by_query(rows)["partials"], PANES, engine()[1]).to_pylist()
    last = found[-1]
    assert last["as_of"] == PANES.cutoffs[-1]
    assert last[f"{TOTAL}_30d"] == pytest.approx(0.06, rel=1e-14)
    assert last[f"{SPREAD}_30d"] == pytest.approx(np.std([0.01, 0.01, 0.04], ddof=1), rel=1e-14)


def test_no_rows_give_no_windows() -> None:
    tables = by_query([])
    assert merged_windows(tables["partials"], PANES, engine()[1]).num_rows == 0
    assert merged_gaps(tables["gap_partials"], PANES).num_rows == 0
    assert gap_arrays.pane_gaps(year_rows([]).select(gap_arrays.GAP_ROW)).num_rows == 0


@given(st.lists(st.lists(st.floats(-1e6, 1e6), max_size=5), min_size=1, max_size=5))
def test_pooled_spreads_are_those_of_all_values(groups: list[list[float]]) -> None:
    parts = [[len(g), np.mean(g), np.var(g) * len(g)] if g else [0, 0, 0] for g in groups]
    n, mean, m2 = pooled(np.array(parts, "float64").T)
    values = [value for group in groups for value in group]
    assert n == len(values)
    if values:
        assert mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-9)
        assert m2 == pytest.approx(np.var(values) * len(values), rel=1e-9, abs=1e-3)
