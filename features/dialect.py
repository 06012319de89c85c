"""The few expressions in which engines differ, said once so that definitions need not know.

Measured on DuckDB and Spark: `delta('day')` counts midnights on the one and elapsed days on
the other; ties of `argmax` fall differently and it skips nulls on DuckDB; a division by zero
is infinite on the one and an error on the other; a float literal is DECIMAL on Spark.
PostgreSQL 15 has no `max` of a record, casts no boolean to a bigint, and compares text by
the rules of a language.
"""

from functools import cache
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
    Unnest
    Abs Add Asin Cast Coalesce Cos Divide Floor Greatest IfElse InValues Least Literal Multiply
    Negate NullIf Radians SearchedCase Sin Sqrt Subtract
    StructColumn StructField Lowercase StringContains BitwiseAnd
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
    n = values.count(where=where).cast("float64")
    return n, values.mean(where=where), values.var(how="pop", where=where) * n


def distinct_bits(bits: "Column", where: "BooleanValue | None" = None) -> "NumericValue":
    """Aggregate: the bits that any row has; 0 where there is no row."""
    if _engine(bits) != "pyspark":
        return bits.bit_or(where=where).fill_null(0)
    import ibis

    # Spark has it, and ibis 12 does not know
    known = ibis.udf.agg.builtin(lambda value: None, name="bit_or", signature=(("int64",), "int64"))
    found: NumericValue = known(bits.cast("int64"), where=where).fill_null(0)
    return found


def last_row(
    rows: "Table",
    order: tuple[str, ...],
    keep: tuple[str, ...],
    where: "BooleanValue | None" = None,
) -> "Column":
    """Aggregate: `keep` of the row that is last by `order`, as a struct; nulls are kept.

    The greatest struct compares field by field, so ties fall by the next name in `order`, which
    are times or texts. Of several such columns `max` is the last; `of_last` looks into one.
    """
    import ibis

    names = (*order, *keep)
    if _engine(rows) != "postgres":
        return ibis.struct({name: rows[name] for name in names}).max(where=where)
    # the greatest array compares element by element, and bytes as every other engine does texts
    return ibis.array([_bytes(rows[name]) for name in names]).max(where=where)


def last_in_place(rows: "Table", order: tuple[str, ...], keep: tuple[str, ...]) -> "Column":
    """What `last_row` finds, where the last of `order`, a whole number, orders rows by itself.

    Only on DuckDB, which has to encode every struct that it compares: a fifth of the time.
    """
    import ibis

    latest = _latest()
    found = {name: rows[name].max() for name in order}
    return ibis.struct(found | {name: latest(rows[name], rows[order[-1]]) for name in keep})


def of_last(
    last: "Value", order: tuple[str, ...], keep: tuple[str, ...], name: str, kind: str
) -> "Value":
    """The column `name`, of the type `kind`, of what `last_row` found by `order` and `keep`."""
    if last.type().is_struct():
        return last[name]
    return _builtin("convert_from")(last[(*order, *keep).index(name)], "UTF8").cast(kind)


def in_utc(moment: "Value") -> "Value":
    """A time with a zone as naive UTC, whatever the zone of the session; others as they are."""
    if not moment.type().is_timestamp() or moment.type().timezone is None:
        return moment
    if _engine(moment) not in ("duckdb", "postgres"):
        return moment  # ibis has set the session to UTC, and so a cast says UTC
    return _builtin("timezone")("UTC", moment)


def runnable(table: "Table") -> "Table":
    """The same query in words that its engine has."""
    if _engine(table) != "postgres":
        return table
    rewritten: Table = table.op().replace(_number_of_boolean).to_expr()
    return rewritten


def _number_of_boolean(node: Any, changed: dict[str, Any] | None) -> Any:
    import ibis.expr.operations as ops

    node = node.__recreate__(changed) if changed else node
    if isinstance(node, ops.Cast) and node.arg.dtype.is_boolean() and node.to.is_numeric():
        truth = node.arg.to_expr()
        return truth.ifelse(1, (~truth).ifelse(0, None)).cast(node.to).op()
    return node


def _engine(of: "Table | Value") -> str | None:
    """Name of the engine that holds what is looked at; None of a table without one."""
    from ibis.common.exceptions import IbisError

    try:
        return str(of.get_backend().name)
    except IbisError:
        return None


def _bytes(value: "Value") -> "Value":
    """A time or a text as bytes that are ordered alike; a number as bytes of its digits."""
    is_time = value.type().is_timestamp()
    text = value.strftime("%Y-%m-%d %H:%M:%S.%f") if is_time else value.cast("string")
    return _builtin("convert_to")(text, "UTF8")


@cache
def _latest() -> Any:
    """The value of the row with the largest number; unlike `argmax` it may be null."""
    import ibis

    signature = (("float64", "int64"), "float64")
    return ibis.udf.agg.builtin(
        lambda value, number: None, name="arg_max_null", signature=signature
    )


@cache
def _builtin(name: str) -> Any:
    """A function that the engine has and ibis has no word for."""
    import ibis

    signature = {
        "convert_to": (("string", "string"), "binary"),
        "convert_from": (("binary", "string"), "string"),
        "timezone": (("string", "timestamp('UTC')"), "timestamp(6)"),
    }[name]
    return ibis.udf.scalar.builtin(lambda first, second: None, name=name, signature=signature)
