"""The few expressions in which engines differ, said once so that definitions need not know.

Measured on DuckDB and Spark: `delta('day')` counts midnights on the one and elapsed days on
the other; ties of `argmax` fall differently and it skips nulls on DuckDB; a division by zero
is infinite on the one and an error on the other; a float literal is DECIMAL on Spark.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, Column, NumericValue, Table, Value

MICROSECONDS_A_DAY = 86_400_000_000


def days_between(later: "Value", earlier: "Value") -> "NumericValue":
    """Elapsed days from one timestamp to another, fractional, exact to the microsecond."""
    return later.delta(earlier, unit="microsecond").cast("float64") / MICROSECONDS_A_DAY


def days_since(later: "Value", earlier: "Value") -> "NumericValue":
    """Whole days from one date to another, as a float."""
    return later.delta(earlier, unit="day").cast("float64")


def ratio(above: "NumericValue", below: "NumericValue") -> "NumericValue":
    """`above / below`, null where `below` is zero or so near it that the result could overflow.

    No count, sum of money or time that means anything is below one part in a thousand million.
    """
    divisor = below.cast("float64")
    return above.cast("float64") / (divisor.abs() * 1_000_000_000 >= 1).ifelse(divisor, None)


def sample_std(values: "NumericValue", where: "BooleanValue | None" = None) -> "NumericValue":
    """Sample standard deviation (n - 1); null below two values."""
    return values.std(how="sample", where=where)


def mean_and_spread(
    values: "NumericValue", where: "BooleanValue | None" = None
) -> "tuple[NumericValue, NumericValue, NumericValue]":
    """Aggregates: number of known values, their mean, the sum of squares around it."""
    known = values.notnull() if where is None else values.notnull() & where
    n = known.sum().cast("float64")
    return n, values.mean(where=where), values.var(how="pop", where=where) * n


def distinct_bits(bits: "Column", where: "BooleanValue | None" = None) -> "NumericValue":
    """Aggregate: the bits that any row has; 0 where there is no row."""
    return bits.bit_or(where=where).fill_null(0)


def distinct(values: "Column", where: "BooleanValue | None" = None) -> "NumericValue":
    """Number of different non-null values."""
    return values.nunique(where=where)


def last_row(
    rows: "Table",
    order: tuple[str, ...],
    keep: tuple[str, ...],
    where: "BooleanValue | None" = None,
) -> "Column":
    """Aggregate: `keep` of the row that is last by `order`, as a struct; nulls are kept.

    The greatest struct compares field by field, so ties fall by the next name in `order`.
    """
    import ibis

    return ibis.struct({name: rows[name] for name in (*order, *keep)}).max(where=where)
