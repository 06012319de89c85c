"""Which coordinates are believed, and what is said of the others."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.placing import problem_notes, spots


def customers(*points):
    return pd.DataFrame(points, columns=["latitude", "longitude"])


def problems(found):
    return {name: rows.tolist() for name, rows in found.problems.items() if rows.any()}


HERE = [(30.6 + at / 100, 121.0) for at in range(9)]


@pytest.mark.parametrize(
    ("point", "problem"),
    [
        ((0.0, 0.0), "zero"),
        ((121.0, 30.6), "swapped"),
        ((float("inf"), 121.0), "invalid"),
        ((95.0, 200.0), "invalid"),
        ((30.6, None), "incomplete"),
        ((None, 121.0), "incomplete"),
        ((-33.9, 151.2), "outside"),
        ((34.5, 121.0), "outside"),
    ],
)
def test_a_point_that_cannot_be_right_is_named(point, problem):
    found = spots(customers(*HERE, point))
    assert list(problems(found)) == [problem]
    assert found.usable.tolist() == [True] * len(HERE) + [False]


def test_a_point_without_coordinates_is_no_problem():
    found = spots(customers(*HERE, (None, None)))
    assert problems(found) == {}
    assert not found.usable[-1]


def test_swapped_points_are_found_where_both_ways_are_degrees():
    prague = [(50.1 + at / 100, 14.4) for at in range(9)]
    assert list(problems(spots(customers(*prague, (14.4, 50.1))))) == ["swapped"]


def near_cairo(seed, customers, swapped):
    """People of two districts near 30N 31E, the last `swapped` the wrong way round."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"latitude": rng.normal(30.05, 0.05, customers)})
    frame["longitude"] = rng.normal(31.25, 0.05, customers)
    frame["district"] = rng.choice(["Giza", "Maadi"], customers)
    frame["outlet_id"] = "o1"
    last = frame.index[customers - swapped :]
    turned = frame.loc[last, ["longitude", "latitude"]].to_numpy()
    frame.loc[last, ["latitude", "longitude"]] = turned
    return frame


@pytest.mark.parametrize("told_by", ["district", "outlet_id"])
@pytest.mark.parametrize("seed", range(3))
def test_a_tenth_of_swapped_points_are_found_where_both_ways_are_in_the_area(told_by, seed):
    people = near_cairo(seed, 400, 40)
    people = people.drop(columns=[name for name in ("district", "outlet_id") if name != told_by])
    found = spots(people)
    assert problems(found) == {"swapped": [False] * 360 + [True] * 40}
    assert found.usable.tolist() == [True] * 360 + [False] * 40
    assert (
        "40 customers have latitude and longitude the wrong way round (first: 360)"
        in (problem_notes(found, people.index.to_series().astype(str))[0])
    )


def test_a_swapped_point_that_nothing_tells_is_believed():
    people = near_cairo(1, 400, 40)
    assert spots(people.drop(columns=["district", "outlet_id"])).usable.all()
    nobody = people.assign(district=None, outlet_id=None)
    assert spots(nobody).usable.all()


def test_who_lives_far_from_the_others_but_not_the_other_way_round_is_believed():
    people = near_cairo(1, 40, 0)
    people.loc[0, ["latitude", "longitude"]] = (29.97, 32.55)  # Suez: 126 km away
    people.loc[1, ["latitude", "longitude"]] = (30.45, 31.18)  # 45 km to the north
    assert spots(people).usable.all()


def test_a_district_wins_over_an_outlet_far_away():
    """Alexandria, 31.2N 29.9E, is Cairo the other way round."""
    people = near_cairo(1, 60, 0)
    there = people.index[:20]
    people.loc[there, ["latitude", "longitude"]] = people.loc[
        there, ["longitude", "latitude"]
    ].to_numpy()
    people.loc[there, "district"] = "Alexandria"
    assert spots(people).usable.all()
    assert list(problems(spots(people.assign(district=None)))) == ["swapped"]


def test_a_district_that_is_spread_wide_has_nobody_astray():
    people = near_cairo(1, 400, 0)
    people["latitude"] = 30.6 + np.linspace(-1.5, 1.5, 400)
    people["longitude"] = 31.0 - np.linspace(-1.5, 1.5, 400)
    assert spots(people.assign(district="Delta")).usable.all()


def test_a_declared_area_wins_over_the_circle():
    found = spots(customers(*HERE, (30.6, 119.0)), bounds=(120.5, 30.0, 121.5, 31.0))
    assert problems(found) == {"outside": [False] * len(HERE) + [True]}
    assert spots(customers(*HERE, (30.6, 119.0))).usable.all()


def test_a_bank_that_is_spread_wide_is_inside_its_own_area():
    spread = [(32.0 + at, -124.0 + at) for at in range(10)]
    assert spots(customers(*spread)).usable.all()


def test_every_note_counts_and_gives_the_first():
    frame = customers(*HERE, (0.0, 0.0), (0.0, 0.0), (121.0, 30.6))
    ids = pd.Series([f"c{at:02d}" for at in range(len(frame))])
    notes = problem_notes(spots(frame), ids)
    assert notes[0].startswith("2 customers have the coordinates 0,0 (first: c09)")
    assert notes[1].startswith("1 customer has latitude and longitude the wrong way round")
    assert "c11" in notes[1]


numbers = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20))
def test_every_point_is_usable_missing_or_one_problem(points):
    frame = customers(*points).astype("float64")
    found = spots(frame)
    missing = frame.isna().all(axis=1).to_numpy()
    kinds = [missing, found.usable, *found.problems.values()]
    assert (sum(rows.astype(int) for rows in kinds) == 1).all()
