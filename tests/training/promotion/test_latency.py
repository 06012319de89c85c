from collections.abc import Callable, Iterator
from itertools import chain

import pytest

from training.promotion.latency import compare_latency


def watch(seconds: Iterator[float]) -> Callable[[], float]:
    """A clock that every other look has moved on by the next of `seconds`."""
    now, looks = 0.0, 0

    def clock() -> float:
        nonlocal now, looks
        looks += 1
        now += next(seconds) if looks % 2 == 0 else 0.0
        return now

    return clock


def test_both_take_turns_and_the_first_calls_are_not_timed() -> None:
    calls: list[str] = []
    times = chain.from_iterable([(1.0, 2.0), (2.0, 1.0)] * 3)
    found = compare_latency(
        lambda: calls.append("old"), lambda: calls.append("new"), 0, rounds=6, clock=watch(times)
    )
    assert calls == ["old", "new"] + ["old", "new", "new", "old"] * 3
    assert (found.champion, found.challenger) == (1.0, 2.0)
    assert found.ratio == (2.0, 2.0, 2.0)


def test_one_slow_moment_moves_no_median() -> None:
    times = chain([(50.0)], [1.0] * 39)
    found = compare_latency(lambda: None, lambda: None, 0, rounds=20, clock=watch(times))
    assert found.ratio.value == pytest.approx(1.0)
    assert found.ratio.low <= 1.0 <= found.ratio.high
