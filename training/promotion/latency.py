"""How long two models take to score the same rows, in turns, so that both meet the same machine."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from training.evaluation.metrics import Estimate, interval

ROUNDS = 40  # each times both
DRAWS = 500  # resamples of rounds behind the interval


class Latency(NamedTuple):
    """Median seconds of both, and challenger over champion with its interval."""

    champion: float
    challenger: float
    ratio: Estimate


def compare_latency(
    champion: Callable[[], object],
    challenger: Callable[[], object],
    seed: int,
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Call both `rounds` times and compare the medians; who goes first changes every round."""
    champion(), challenger()  # what is loaded at the first call belongs to neither
    seconds = np.empty((rounds, 2))
    for at in range(rounds):
        for which in ((0, 1), (1, 0))[at % 2]:
            seconds[at, which] = _timed((champion, challenger)[which], clock)
    ours, theirs = np.median(seconds[:, 1]), np.median(seconds[:, 0])
    drawn = np.random.default_rng(seed).integers(0, rounds, (DRAWS, rounds))
    medians = np.median(seconds[drawn], axis=1)
    ratio = interval(float(ours / theirs), medians[:, 1] / medians[:, 0])
    return Latency(float(theirs), float(ours), ratio)


def _timed(call: Callable[[], object], clock: Callable[[], float]) -> float:
    began = clock()
    call()
    return clock() - began
