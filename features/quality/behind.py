"""Which delivery is bad: sources whose shares are surely below those of the rest of their table."""

from collections import defaultdict
from collections.abc import Iterator
from statistics import NormalDist
from typing import NamedTuple

from domain.intervals import wilson
from features.quality.measured import Measure, Measured

OTHERS = "the others"
LEVEL = 0.05  # the chance that any source at all is told where all are alike, at most


class Behind(NamedTuple):
    """A figure of a source, and the same of all other sources of its table together."""

    measure: Measure
    rest: Measure

    @property
    def apart(self) -> float:
        """How far their intervals are apart; below 0 they meet."""
        return self.rest.low - self.measure.high


def behind(measured: Measured) -> tuple[Behind, ...]:
    """The figures of sources that are surely below those of the rest, the furthest below first.

    Their Wilson intervals, at a level for so many comparisons (Bonferroni), do not meet: where
    all sources are equally good, none is told in 95 of 100 deliveries. The intervals that are
    told are the usual ones of 95 %.
    """
    pairs = [pair for ours in _figures(measured) for pair in _against_the_rest(ours)]
    z = NormalDist().inv_cdf(1 - LEVEL / 2 / max(len(pairs), 1))
    surely = [pair for pair in pairs if _below(pair, z)]
    return tuple(sorted(surely, key=lambda pair: (-pair.apart, pair.measure[:5])))


def _figures(measured: Measured) -> list[list[Measure]]:
    """The measures of all sources, those of one column and rule together."""
    found: dict[tuple[str, ...], list[Measure]] = defaultdict(list)
    for one in measured.sources:
        found[one.table, one.column, one.rule, one.dimension].append(one)
    return list(found.values())


def _against_the_rest(sources: list[Measure]) -> Iterator[Behind]:
    """Each source beside the others together; nothing where there is only one."""
    checked, good = sum(one.checked for one in sources), sum(one.good for one in sources)
    for one in sources if len(sources) > 1 else ():
        n, right = checked - one.checked, good - one.good
        low, high = wilson(right, n)
        yield Behind(
            one,
            one._replace(source=OTHERS, checked=n, good=right, share=right / n, low=low, high=high),
        )


def _below(pair: Behind, z: float) -> bool:
    one, rest = pair
    return wilson(one.good, one.checked, z)[1] < wilson(rest.good, rest.checked, z)[0]
