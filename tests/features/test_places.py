"""Features of place: against brute force, at the edges of the map, and at a cut-off."""

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ibis import _
from ibis.expr.types import Table
from scipy.spatial import cKDTree

from domain.tables import CONTRACTS
from features import run
from features.customer import customer_features
from features.engine import frame_of, open_tables, tables_of
from features.history import spine
from features.panes import plans
from features.places import open_outlets, place_history, territory
from features.registry import FEATURES
from features.transactions import PlanTables

DAY = date(2026, 3, 1)
NAMES = ["home_outlet_km", "nearest_outlet_km", "customers_per_km2"]
RADIUS_KM = 6371.0088


def bank(homes: list, outlets: list, homes_outlet: object = None) -> dict[str, pd.DataFrame]:
    """Customers c0, c1, ... and outlets b0, b1, ... at latitudes and longitudes."""
    people = pd.DataFrame(homes, columns=["latitude", "longitude"], dtype=float)
    people["customer_id"] = [f"c{at:04d}" for at in range(len(people))]
    people["onboarded_on"], people["outlet_id"] = "2020-01-01", homes_outlet
    stands = pd.DataFrame(outlets, columns=["latitude", "longitude"], dtype=float)
    stands["outlet_id"] = [f"b{at}" for at in range(len(stands))]
    return {"customers": people, "outlets": stands.assign(opened_on=None, closed_on=None)}


@cache
def statement(day: date) -> tuple[Table, str]:
    """The features of place alone, of every customer of the day, and their SQL.

    The tables have the same names in every bank, so that the text is written once.
    """
    tables = tables_of(bank([], []))
    cuts = PlanTables.of(plans([day], "UTC")[0]).instants
    people = spine(tables, cuts)
    rows = place_history(people, territory(people, tables.outlets, cuts))
    rows = rows.group_by("customer_id").aggregate(
        **{name: FEATURES[name].expression(rows) for name in NAMES}
    )
    query = people.select(person="customer_id").left_join(rows, [_.person == rows.customer_id])
    query = query.drop("customer_id").order_by("person")
    return query, tables.connection.compile(query)


def found(frames: dict[str, pd.DataFrame], day: date = DAY) -> pd.DataFrame:
    """The features of place of every customer of the day."""
    engine, (query, sql) = tables_of(frames).connection, statement(day)
    engine._run_pre_execute_hooks(query)
    told: pd.DataFrame = engine.con.sql(sql).to_arrow_table().to_pandas()
    return told.set_index("person").astype("float64")


def vectors(places: pd.DataFrame) -> np.ndarray:
    up, along = np.radians(places["latitude"]), np.radians(places["longitude"])
    return np.column_stack([np.cos(up) * np.cos(along), np.cos(up) * np.sin(along), np.sin(up)])


def nearest_km(people: pd.DataFrame, outlets: pd.DataFrame) -> np.ndarray:
    """By a search tree in space: chords order like distances on the ground."""
    chord, _ = cKDTree(vectors(outlets)).query(vectors(people))
    away = 2 * RADIUS_KM * np.arcsin(chord / 2)
    return np.where(away <= 50, away, np.nan)


@pytest.mark.parametrize(
    "middle", [(30.8, 120.7), (0.0, 0.0), (-16.5, 180.0), (69.6, 18.9), (88, 0)]
)
@pytest.mark.parametrize("outlets", [3, 400])
def test_the_nearest_outlet_is_that_of_a_search_tree(
    middle: tuple[float, float], outlets: int
) -> None:
    draw = np.random.default_rng(outlets)
    near = np.cos(np.radians(middle[0]))
    spread = np.array([0.5, min(0.5 / near, 20)])
    homes, stands = (middle + spread * draw.normal(size=(n, 2)) for n in (1500, outlets))
    for places in (homes, stands):
        places[:, 0] = np.clip(places[:, 0], -90, 90)
        places[:, 1] = (places[:, 1] + 180) % 360 - 180
    frames = bank(homes.tolist(), stands.tolist())
    expected = nearest_km(frames["customers"], frames["outlets"])
    assert np.isfinite(expected).any()
    np.testing.assert_allclose(
        found(frames)["nearest_outlet_km"], expected, rtol=1e-9, atol=1e-6, equal_nan=True
    )


# on the equator a hundredth of a degree up is 1.1 km; farther than 50 km is nobody's nearest
@pytest.mark.parametrize(
    ("home", "outlet", "km"),
    [
        ((0.0, 10.0), (0.0, 10.01), RADIUS_KM * np.pi / 18_000),
        ((0.0, 179.99), (0.0, -179.99), RADIUS_KM * np.pi / 9_000),
        ((0.0, 10.0), (0.0, 10.0), 0.0),
        ((0.0, 10.0), (0.0, 10.449), RADIUS_KM * np.pi / 180 * 0.449),
        ((0.0, 10.0), (0.0, 10.450), None),
        ((89.9, 0.0), (89.9, 180.0), RADIUS_KM * np.pi / 900),
    ],
)
def test_distances_by_closed_formula(home: tuple, outlet: tuple, km: float | None) -> None:
    row = found(bank([home], [outlet], "b0")).iloc[0]
    if km is None:
        assert np.isnan(row["nearest_outlet_km"])
        assert row["home_outlet_km"] > 50
    else:
        assert row["nearest_outlet_km"] == pytest.approx(km, rel=1e-9)
        assert row["home_outlet_km"] == pytest.approx(km, rel=1e-9)


def test_the_other_end_of_the_earth_is_half_its_girth_away() -> None:
    row = found(bank([(30.0, 120.0)], [(-30.0, -60.0)], "b0")).iloc[0]
    assert row["home_outlet_km"] == pytest.approx(np.pi * RADIUS_KM, rel=1e-7)
    assert row["home_outlet_km"] <= FEATURES["home_outlet_km"].high


@pytest.mark.parametrize(
    ("home", "outlet", "outlet_id"),
    [
        ((None, 120.0), (30.0, 120.0), "b0"),  # one coordinate alone
        ((0.0, 0.0), (30.0, 120.0), "b0"),
        ((30.0, 120.0), (0.0, 0.0), "b0"),
        ((30.0, 120.0), (91.0, 120.0), "b0"),  # outside the world, as a warehouse may have it
        ((30.0, 181.0), (30.0, 120.0), "b0"),
        ((30.0, 120.0), (None, None), "b0"),
        ((30.0, 120.0), (30.5, 120.0), "elsewhere"),  # a home outlet that is not in the table
        ((30.0, 120.0), (30.5, 120.0), None),
    ],
)
def test_a_distance_is_null_when_either_place_is_unknown(
    home: tuple, outlet: tuple, outlet_id: str | None
) -> None:
    row = found(bank([home], [outlet], outlet_id)).iloc[0]
    assert np.isnan(row["home_outlet_km"])
    assert np.isnan(row["nearest_outlet_km"])


def test_customers_are_counted_in_nine_squares_of_the_map() -> None:
    homes = [(30.005, 120.005), (30.0149, 120.0149), (29.991, 119.991), (30.02, 120.005)]
    rows = found(bank([*homes, (30.005, 120.005)], []))
    # each way three hundredths of a degree; the rows of squares lie between whole hundredths
    bands = {30: (30.02, 29.99), 31: (30.03, 30.00), 29: (30.01, 29.98), 32: (30.04, 30.01)}
    km2 = {
        row: RADIUS_KM**2 * np.radians(0.03) * (np.sin(np.radians(up)) - np.sin(np.radians(down)))
        for row, (up, down) in bands.items()
    }
    expected = [4 / km2[30], 4 / km2[31], 3 / km2[29], 2 / km2[32], 4 / km2[30]]
    np.testing.assert_allclose(rows["customers_per_km2"], expected, rtol=1e-9)


PLACE = st.tuples(st.floats(29.9, 30.1), st.floats(119.9, 120.1))
DAYS = st.none() | st.integers(-40, 40)


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(PLACE, st.integers(0, 30)), min_size=1, max_size=6),
    st.lists(st.tuples(PLACE, st.integers(0, 30)), min_size=1, max_size=6),
    st.data(),
)
def test_a_customer_or_outlet_that_appears_after_the_cutoff_changes_nothing(
    later_people: list, later_outlets: list, data: st.DataObject
) -> None:
    homes = data.draw(st.lists(PLACE, min_size=2, max_size=8))
    known = bank(homes, data.draw(st.lists(PLACE, max_size=5)))
    choice = st.sampled_from([f"b{at}" for at in range(11)])  # some are outlets to come
    known["customers"]["outlet_id"] = [data.draw(choice) for _ in homes]
    before = found(known)
    more = bank([place for place, _ in later_people], [place for place, _ in later_outlets])
    people, outlets = more["customers"], more["outlets"]
    people["customer_id"] = [f"later{at}" for at in range(len(people))]
    people["onboarded_on"] = [DAY + timedelta(days=days) for _, days in later_people]
    first = len(known["outlets"])
    outlets["outlet_id"] = [f"b{first + at}" for at in range(len(outlets))]
    outlets["opened_on"] = [DAY + timedelta(days=days) for _, days in later_outlets]
    later = {name: pd.concat([known[name], more[name]]) for name in known}
    pd.testing.assert_frame_equal(found(later), before, check_exact=True)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(PLACE, DAYS, DAYS), min_size=1, max_size=6))
@example([((30.0, 120.0), 0, None)])
@example([((30.0, 120.0), -1, 0), ((30.0, 120.05), -1, None)])
@example([((30.0, 120.0), -1, -1), ((30.0, 120.05), -1, None)])
def test_an_outlet_counts_from_the_day_after_it_opened_to_the_day_it_closed(outlets: list) -> None:
    frames = bank([(30.0, 120.01)], [place for place, _, _ in outlets])
    for column, at in (("opened_on", 1), ("closed_on", 2)):
        days = [None if one[at] is None else DAY + timedelta(days=one[at]) for one in outlets]
        frames["outlets"][column] = days
    there = [
        at
        for at, (_, opened, closed) in enumerate(outlets)
        if (opened is None or opened < 0) and (closed is None or closed >= 0)
    ]
    expected = np.nan
    if there:
        expected = nearest_km(frames["customers"], frames["outlets"].iloc[there])[0]
    nearest = found(frames)["nearest_outlet_km"].iloc[0]
    assert nearest == pytest.approx(expected, rel=1e-9, abs=1e-6, nan_ok=True)
    assert set(open_outlets(tables_of(frames).outlets, DAY).outlet_id) == {f"b{at}" for at in there}


def test_those_who_left_are_no_neighbours_any_more() -> None:
    frames = bank([(30.005, 120.005)] * 3, [])
    frames["closures"] = pd.DataFrame(
        {"customer_id": ["c0001", "c0002"], "closed_on": [DAY - timedelta(days=1), DAY]}
    )
    two, one = (found(frames, DAY + timedelta(days=at))["customers_per_km2"] for at in (0, 1))
    assert two["c0000"] == pytest.approx(2 * one["c0000"])
    assert list(two.index) == ["c0000", "c0002"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw = np.random.default_rng(3)
    homes, stands = (np.array([30, 120]) + draw.normal(0, 0.1, (n, 2)) for n in (60, 7))
    tables = tables_of(bank(homes.tolist(), stands.tolist(), "b1"))
    for name in CONTRACTS:
        pq.write_table(getattr(tables, name).to_pyarrow(), tmp_path / f"{name}.parquet")
    return tmp_path


def test_a_run_in_ranges_makes_the_map_once_and_of_everybody(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    whole = run.map_tables
    monkeypatch.setattr(run, "map_tables", lambda *given: made.append(1) or whole(*given))
    monkeypatch.setattr(run, "RESULTS_A_RANGE", 40)
    tables, days = open_tables(folder), [DAY, DAY + timedelta(days=40)]
    cells = tables.customers.select("customer_id", cell_id="district").to_pyarrow()
    parts = list(run.run(tables, days, cells))
    assert len(parts) == 4
    assert len(made) == 1
    rows = pd.concat([part.rows.to_pandas() for part in parts], ignore_index=True)
    expected = frame_of(customer_features(tables, days))
    expected = expected.sort_values(["customer_id", "as_of"], ignore_index=True)
    assert rows[NAMES].notna().all().all()
    pd.testing.assert_frame_equal(rows[NAMES], expected[NAMES], check_exact=True)


def test_a_run_of_other_features_makes_no_map(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.places.occupied", lambda _: pytest.fail("a map was made"))
    tables = open_tables(folder)
    cells = tables.customers.select("customer_id", cell_id="district").to_pyarrow()
    (part,) = run.run(tables, [DAY], cells, names=["recency_days", "tenure_days"])
    assert part.rows.num_rows == 60


def test_a_folder_without_outlets_has_no_distances_but_densities(folder: Path) -> None:
    (folder / "outlets.parquet").unlink()
    rows = frame_of(customer_features(open_tables(folder), DAY))
    assert rows[NAMES[:2]].isna().all().all()
    assert rows["customers_per_km2"].notna().all()


def test_neighbours_live_on_both_sides_of_the_date_line() -> None:
    rows = found(bank([(0.005, 179.995), (0.005, -179.995), (0.005, 180.0), (0.005, 179.975)], []))
    km2 = (RADIUS_KM * np.pi / 18_000 * 3) ** 2
    np.testing.assert_allclose(rows["customers_per_km2"] * km2, [3, 3, 3, 1], rtol=1e-6)
