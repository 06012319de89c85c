"""The odds of leaving rise with each of their drivers, everything else equal."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.simulation.leaving import (
    FADING_MOST,
    State,
    complaint_open,
    fades_on,
    leave_odds,
    odds_of,
    salary_away,
    sigmoid,
)
from features.simulation.people import draw_people
from features.simulation.settings import BLOCK, Plan
from features.simulation.territory import APART_KM, draw_county

STATES = st.tuples(st.integers(0, FADING_MOST - 1), st.booleans(), st.booleans(), st.booleans())


def probabilities(fading: int, gone: bool, complaint: bool, rival: bool) -> tuple[float, float]:
    """Of leaving, and of (more) fading."""
    state = State(np.array([fading]), np.array([gone]), np.array([complaint]))
    none, here = np.zeros(1), np.array([rival])
    leave = leave_odds(none - 6, state, here, none)
    return float(leave[0]), float(fades_on(none - 4, state, here)[0])


@given(STATES)
def test_every_driver_raises_the_odds_of_leaving(state: tuple[int, bool, bool, bool]) -> None:
    base = probabilities(*state)[0]
    assert probabilities(state[0] + 1, *state[1:])[0] > base
    for at in (1, 2, 3):
        if not state[at]:
            driven = (*state[:at], True, *state[at + 1 :])
            assert probabilities(*driven)[0] > 1.1 * base  # type: ignore[arg-type]


@given(STATES)
def test_every_driver_makes_a_steady_customer_fade(state: tuple[int, bool, bool, bool]) -> None:
    steady = (0, *state[1:])
    for at in (1, 2, 3):
        if not state[at]:
            driven = (*steady[:at], True, *steady[at + 1 :])
            assert probabilities(*driven)[1] > probabilities(*steady)[1]  # type: ignore[arg-type]


def test_a_contact_moves_the_odds_by_its_effect() -> None:
    state = State(np.array([2]), np.array([False]), np.array([False]))
    none = np.zeros(1)
    with_contact = leave_odds(none - 4, state, none > 0, none - 0.7)
    without = leave_odds(none - 4, state, none > 0, none)
    log_odds = np.log(with_contact / (1 - with_contact)) - np.log(without / (1 - without))
    assert log_odds[0] == pytest.approx(-0.7)


def test_a_salary_goes_more_easily_when_fading_and_only_where_there_is_one() -> None:
    here, gone = np.array([False]), np.array([True])
    steady, fading = np.array([0]), np.array([3])
    assert salary_away(gone, here, fading)[0] > 10 * salary_away(gone, here, steady)[0]
    assert salary_away(here, gone, fading)[0] == 0
    assert complaint_open(np.array([0.01]), gone)[0] > complaint_open(np.array([0.01]), here)[0]


def test_those_far_from_an_outlet_leave_more_easily() -> None:
    plan = Plan(BLOCK, 3, 1, date(2024, 1, 1))
    county = draw_county(plan)
    people = draw_people(plan, county, 0)
    near = odds_of(people._replace(distance_km=np.full(BLOCK, 2.0)), county, plan)
    far = odds_of(people._replace(distance_km=np.full(BLOCK, 9.0)), county, plan)
    assert (sigmoid(far.leave) > sigmoid(near.leave)).all()
    assert (far.fade > near.fade).all()


def test_blocks_and_names_have_streams_of_their_own() -> None:
    plan = Plan(1, 1, 1, date(2024, 1, 1))
    first = {plan.stream(name, block).random() for name in ("a", "b") for block in (0, 1)}
    other_seed = Plan(1, 1, 2, plan.start).stream("a").random()
    assert len(first | {other_seed}) == 5


@given(st.integers(0, 300))
def test_places_keep_apart_and_shares_add_up(seed: int) -> None:
    county = draw_county(Plan(1, 12, seed, date(2024, 1, 1)))
    assert sum(place.share for place in county.places) == pytest.approx(1.0)
    assert len({place.name for place in county.places}) == len(county.places) == 40
    spots = np.array([(place.east_km, place.north_km) for place in county.places])
    assert np.hypot(*spots.T).max() <= 29.0
    away = np.hypot(*(spots[:, None] - spots).transpose(2, 0, 1)) + 99 * np.eye(len(spots))
    assert away.min() > 0.5 * APART_KM["village"]
