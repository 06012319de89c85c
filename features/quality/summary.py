"""The measures in few lines: a dimension at a time, and what is too low."""

from collections.abc import Sequence
from typing import NamedTuple

from domain.errors import BadInput
from domain.intervals import wilson
from domain.tables import CONTRACTS
from features.quality.behind import Behind, behind
from features.quality.measured import Freshness, Measure, Measured
from features.quality.rules import DIMENSIONS, Dimension
from features.settings import QualitySettings

SHOWN = 8  # of what is too low, in one message
APART_DIGITS = 6  # at most, where fewer would tell a share and its interval as one number
PERCENT_DIGITS = 3  # at most: more would claim to know a share of millions of rows better


class DimensionShare(NamedTuple):
    """A dimension over every column and rule of the bank, and the one that is lowest."""

    dimension: Dimension
    checked: int
    good: int
    share: float
    low: float
    high: float
    lowest: Measure


class Shortfall(NamedTuple):
    """A measure that is surely below its minimum, and the key that holds the minimum."""

    measure: Measure
    key: str
    minimum: float


class QualitySummary(NamedTuple):
    """The measures in few lines, against the configured minima."""

    accuracy: Measure
    target: float
    dimensions: tuple[DimensionShare, ...]
    too_low: tuple[Shortfall, ...]
    low_cells: tuple[Measure, ...]
    cells: int
    behind: tuple[Behind, ...]
    freshness: tuple[Freshness, ...]
    notes: tuple[str, ...]


def summary(measured: Measured, settings: QualitySettings) -> QualitySummary:
    """What a reader wants to know of the measures."""
    return QualitySummary(
        measured.accuracy,
        settings.accuracy_min,
        dimension_shares(measured),
        shortfalls(measured, settings),
        low_cells(measured, settings),
        len(measured.cells),
        behind(measured),
        measured.freshness,
        measured.notes,
    )


def dimension_shares(measured: Measured) -> tuple[DimensionShare, ...]:
    """Every dimension that could be judged; a column that nobody delivered is left out.

    >>> there = Measure("customers", "sex", "known", "all", "all", "completeness",
    ...     4, 3, .75, .3, .95, False)
    >>> absent = there._replace(column="kind", good=0, share=0, low=0, high=.5)
    >>> [(one.dimension, one.good) for one in dimension_shares(_of((there, absent)))]
    [('completeness', 3)]
    """
    found = []
    for dimension in DIMENSIONS:
        rows = [one for one in measured.bank if one.dimension == dimension and delivered(one)]
        if rows:
            checked, good = sum(one.checked for one in rows), sum(one.good for one in rows)
            lowest = min(rows, key=lambda one: one.share)
            shares = (good / checked, *wilson(good, checked))
            found.append(DimensionShare(dimension, checked, good, *shares, lowest))
    return tuple(found)


def delivered(one: Measure) -> bool:
    """Whether a measure is of a column that the source has; an optional one may be absent."""
    if one.dimension != "completeness" or one.good:
        return True
    return CONTRACTS[one.table].column(one.column).required


def shortfalls(measured: Measured, settings: QualitySettings) -> tuple[Shortfall, ...]:
    """What is below its minimum with the whole of its interval, the accuracy first.

    A share whose interval reaches the minimum may be low by chance alone: it is no shortfall.
    """
    judged = [(one, *_minimum(one, settings)) for one in (measured.accuracy, *measured.bank)]
    return tuple(
        Shortfall(one, key, minimum)
        for one, key, minimum in judged
        if minimum is not None and one.high < minimum
    )


def low_cells(measured: Measured, settings: QualitySettings) -> tuple[Measure, ...]:
    """Cells whose accuracy is surely below `accuracy_min`, the lowest first: told, not gating."""
    return tuple(cell for cell in measured.cells if cell.high < settings.accuracy_min)


def require_quality(measured: Measured, settings: QualitySettings) -> None:
    """BadInput that names each share below its minimum, unless [quality] has no gate."""
    low = shortfalls(measured, settings)
    if not settings.gate or not low:
        return
    lines = [sentence(one) for one in low[:SHOWN]]
    more = [f"and {len(low) - SHOWN} more shares"] if len(low) > SHOWN else []
    advice = (
        "no model is trained on such tables: correct the source, lower the key, or set "
        "quality.gate = false; `gridkeep check` shows every figure"
    )
    raise BadInput("\n".join([*lines, *more, advice]))


def sentence(found: Shortfall) -> str:
    """A shortfall in words.

    >>> low = Measure("customers", "birth_date", "born before joining", "all", "all",
    ...     "consistency", 1000, 800, 0.8, 0.774, 0.8236, True)
    >>> print(sentence(Shortfall(low, "quality.consistency_min", 0.95)))
    customers.birth_date: consistency (born before joining) is 80.0 % of 1,000 (77.4 % to
    82.4 %), below quality.consistency_min = 0.95
    """
    one = found.measure
    share, low, high = percents(one.share, one.low, one.high)
    return (
        f"{_where(one)}: {one.dimension} ({one.rule}) is {share} of {one.checked:,} "
        f"({low} to {high}), below {found.key} = {found.minimum:g}"
    )


def source_sentence(found: Behind) -> str:
    """A source that is behind the others, in words.

    >>> low = Measure("closures", "closed_on", "known", "all", "may.csv", "completeness",
    ...     100, 80, 0.8, 0.7112, 0.8666, False)
    >>> print(source_sentence(Behind(low, low._replace(share=1.0, checked=900))))
    may.csv: closures.closed_on: completeness (known) is 80.0 % of 100 (71.1 % to 86.7 %), that of
    the other sources 100.0 % of 900
    """
    one, rest = found
    share, low, high = percents(one.share, one.low, one.high)
    return (
        f"{one.source}: {_where(one)}: {one.dimension} ({one.rule}) is {share} of "
        f"{one.checked:,} ({low} to {high}), that of the other sources "
        f"{percent(rest.share)} of {rest.checked:,}"
    )


def percents(*shares: float) -> list[str]:
    """Shares in per cent, with as many digits as tell them apart, up to six.

    >>> percents(0.8, 0.71, 0.86), percents(0.999991, 0.999988, 0.999993), percents(1.0, 0.97, 1.0)
    (['80.0 %', '71.0 %', '86.0 %'], ['99.9991 %', '99.9988 %', '99.9993 %'], ['100.0 %', ...])
    """
    told, digits = [percent(share) for share in shares], 1
    while len(set(told)) < len(set(shares)) and digits < APART_DIGITS:
        digits += 1
        told = [f"{share:.{digits}%}".replace("%", " %") for share in shares]
    return told


def percent(share: float) -> str:
    """A share in per cent: a digit, or up to three where they tell it from none and from all.

    >>> percent(0.9871), percent(0.99996), percent(1.0), percent(0.00001)
    ('98.7 %', '99.996 %', '100.0 %', '0.001 %')
    >>> percent(0.9999999), percent(0.0000001)
    ('over 99.999 %', 'under 0.001 %')
    """
    whole = share in (0, 1)
    for digits in range(1, PERCENT_DIGITS + 1):
        if whole or 0 < round(share, digits + 2) < 1:
            return f"{share:.{digits}%}".replace("%", " %")
    least = 10.0**-PERCENT_DIGITS
    return f"under {least:g} %" if share < 0.5 else f"over {100 - least:g} %"


def _where(one: Measure) -> str:
    return f"{one.table}.{one.column}" if one.column else one.table


def _minimum(one: Measure, settings: QualitySettings) -> tuple[str, float | None]:
    if one.dimension == "completeness":
        name = f"{one.table}.{one.column}"
        return f'quality.completeness."{name}"', settings.completeness.get(name)
    key = f"{one.dimension}_min"
    return f"quality.{key}", getattr(settings, key) if one.gates else None


def _of(rows: Sequence[Measure]) -> Measured:
    import pandas as pd

    return Measured(pd.DataFrame(rows, columns=list(Measure._fields)), ())
