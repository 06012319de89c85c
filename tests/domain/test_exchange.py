"""Cuts and exchanges: each does its own work and never breaks a territory."""

import h3
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.exchange import balance, compact, split
from domain.land import Land, Territories
from tests.domain.test_territory import DISK, disk, parts_of, sizes

WIDTH = 6
NOTHING: frozenset[int] = frozenset()


def squares(customers=10):
    """A field of 6 by 6 pieces."""
    near = []
    for at in range(WIDTH * WIDTH):
        x, y = at % WIDTH, at // WIDTH
        steps = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)]
        inside = [(a, b) for a, b in steps if 0 <= a < WIDTH and 0 <= b < WIDTH]
        near.append({b * WIDTH + a: 1 for a, b in inside})
    return Land([customers] * WIDTH * WIDTH, near)


def border(state):
    return sum(
        length
        for piece, near in enumerate(state.land.neighbours)
        for other, length in near.items()
        if state.of[piece] != state.of[other]
    )


def in_two(depths):
    """Columns of which the upper pieces, to a depth each, are the first territory."""
    return [0 if at // WIDTH < depths[at % WIDTH] else 30 for at in range(WIDTH * WIDTH)]


def test_a_whole_is_cut_while_both_sides_reach_the_floor():
    state = Territories(squares(), [0] * WIDTH * WIDTH)
    split(state, 60, NOTHING)
    assert len(state.pieces) >= 4
    assert min(state.customers.values()) >= 60
    assert parts_of(state.land, state.of) == len(state.pieces)


def test_a_ragged_border_becomes_short():
    state = Territories(squares(), in_two([2, 4, 2, 4, 2, 4]))
    ragged = border(state)
    compact(state, 100, NOTHING)
    assert border(state) < 0.7 * ragged
    assert min(state.customers.values()) >= 100


def test_a_large_territory_gives_to_a_small_one():
    state = Territories(squares(), in_two([1, 1, 1, 1, 1, 1]))
    balance(state, 50, NOTHING)
    low, high = sorted(state.customers.values())
    assert high / low <= 1.6


@given(sizes, st.integers(20, 200))
@settings(max_examples=30, deadline=None)
def test_no_step_breaks_a_territory_or_its_floor(customers, floor):
    land = disk([count + 1 for count in customers])
    state = Territories(land, [0] * len(DISK))
    for step in (split, balance, compact):
        before, uneven = border(state), max(state.customers.values())
        step(state, floor, NOTHING)
        assert parts_of(land, state.of) == len(state.pieces)
        assert min(state.customers.values()) >= floor or len(state.pieces) == 1
        if step is balance:
            assert max(state.customers.values()) <= uneven
        if step is compact:
            assert border(state) <= before


@given(sizes)
@settings(max_examples=20, deadline=None)
def test_the_numbers_of_territories_are_those_of_own_pieces(customers):
    land = disk(customers)
    state = Territories(land, [0] * len(h3.grid_disk(DISK[0], 5)))
    split(state, 30, NOTHING)
    assert all(number in pieces for number, pieces in state.pieces.items())
