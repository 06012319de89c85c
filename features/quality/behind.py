"""Which delivery is bad: sources whose shares are surely below those of the rest of their table."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from scipy.special import bdtr

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

    @property
    def chance(self) -> float:
        """The chance of no more right rows in a source as good as the low end of the rest."""
        return float(bdtr(self.measure.good, self.measure.checked, self.rest.low))


def behind(measured: Measured) -> tuple[Behind, ...]:
    """The figures of sources that are surely below those of the rest, the furthest below first.

    Their 95 % intervals do not meet, and so few right rows have next to no chance in a source
    as good as the rest: LEVEL, divided by the number of comparisons (Bonferroni). Intervals alone
    would tell a small file for one bad row, and some of a thousand files for nothing.
    """
    pairs = [pair for ours in _figures(measured) for pair in _against_the_rest(ours)]
    surely = [pair for pair in pairs if pair.apart > 0 and pair.chance < LEVEL / len(pairs)]
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
