"""The few expressions in which engines differ, said once so that definitions need not know.

Measured on DuckDB and Spark: `delta('day')` counts midnights on the one and elapsed days on
the other; ties of `argmax` fall differently and it skips nulls on DuckDB; a division by zero
is infinite on the one and an error on the other; a float literal is DECIMAL on Spark.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, Column, NumericValue, Table, Value

MICROSECONDS_A_DAY = 86_400_000_000

# Operations that gave the same values on DuckDB and Spark. Not among them: mode, ordered first and
# last, argmax, median and quantiles, as-of joins, microseconds of a time, elapsed whole days,
# several distinct counts side by side, division by whole numbers, and whatever nobody has tried.
_PORTABLE = """
    Aggregate CrossJoin Distinct DropColumns Field Filter InMemoryTable DatabaseTable JoinChain
    JoinLink JoinReference Project SelfReference SortKey UnboundTable Union WindowFunction Lag
    Abs Add Cast Coalesce Divide Greatest IfElse InValues Least Literal Multiply Negate NullIf
    SearchedCase Sqrt Subtract StructColumn StructField Lowercase StringContains BitwiseAnd
    And Equals Greater GreaterEqual IsNull Less LessEqual Not NotEquals NotNull Or
    Date DateAdd DateDelta DateSub DayOfWeekIndex ExtractMonth ExtractYear IntervalFromInteger
    TimestampAdd TimestampDelta TimestampSub
    BitOr Count CountStar Max Mean Min StandardDev Sum Variance
"""
PORTABLE = frozenset(_PORTABLE.split())
JOINS = ("inner", "left", "semi", "anti", "cross")


def unportable(expression: "Value | Table") -> list[str]:
    """What engines would read differently in an expression or query; empty when nothing.

    Refused are operations that are not in `PORTABLE`, differences of times in anything but
    microseconds, and fractions written as literals, which are DECIMAL on Spark (write a ratio of
    whole numbers; zero is the same in both).

    >>> import ibis
    >>> rows = ibis.table({"amount": "float64"}, name="rows")
    >>> unportable(rows.amount.sum()), unportable(rows.amount.median() * 1.5)
    ([], ['literal 1.5', 'operation Median'])
    """
    import ibis.expr.operations as ops

    nodes = expression.op().find(ops.Node)
    found = {f"operation {name}" for node in nodes if (name := type(node).__name__) not in PORTABLE}
    for node in nodes:
        if isinstance(node, ops.TimestampDelta) and node.part.value != "microsecond":
            found.add(f"difference of times in {node.part.value}s")
        if isinstance(node, ops.JoinLink) and node.how not in JOINS:
            found.add(f"join {node.how}")
        if isinstance(node, ops.Literal) and _is_fraction(node):
            found.add(f"literal {node.value}")
    return sorted(found)


def _is_fraction(literal: Any) -> bool:
    kind = literal.dtype
    return bool((kind.is_floating() or kind.is_decimal()) and literal.value not in (None, 0))


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
