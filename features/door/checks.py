"""The contracts as pandera schemas, and what a batch of typed rows breaks in them."""

import warnings
from functools import cache

import pandas as pd

from domain.tables import CONTRACTS, Column
from features.door.convert import DTYPES, Fault, Problem
from features.door.pandera_alone import SchemaErrors
from features.door.pandera_alone import pandera as pa


@cache
def schema(table: str) -> pa.DataFrameSchema:
    """The pandera schema of a contract table, in the types that the door gives.

    >>> sorted(schema("closures").columns)
    ['closed_on', 'customer_id', 'reason']
    """
    columns = {column.name: _column(column) for column in CONTRACTS[table]}
    return pa.DataFrameSchema(columns, strict=True, ordered=True, name=table)


def violations(frame: pd.DataFrame, table: str, unread: dict[str, pd.Index]) -> list[Fault]:
    """What typed rows break in their contract; `unread` cells were judged already.

    >>> typed = pd.DataFrame({"customer_id": ["7"], "closed_on": [None], "reason": [None]})
    >>> typed = typed.astype({name: DTYPES[kind] for name, kind in
    ...     (("customer_id", "string"), ("closed_on", "date"), ("reason", "string"))})
    >>> violations(typed, "closures", {})[0][:3]
    ('closed_on', 'missing', 'empty')
    """
    try:
        with warnings.catch_warnings():
            # pandera glues its findings with a form of concat that pandas is about to change
            warnings.simplefilter("ignore", FutureWarning)
            schema(table).validate(frame, lazy=True)
    except SchemaErrors as errors:
        return _faults(errors.failure_cases, table, unread)
    return []


def wanted(column: Column) -> str:
    """The values a column may take, in words.

    >>> wanted(CONTRACTS["customers"].column("sex"))
    'one of F, M, X'
    """
    if column.values is not None:
        return f"one of {', '.join(column.values)}"
    return f"between {column.low:g} and {column.high:g}"


def refuses(table: str, column: str, problem: Problem) -> bool:
    """Whether a row with this problem is refused; else it enters, and the problem is told.

    >>> refuses("customers", "latitude", "out_of_range"), refuses(
    ...     "customers", "latitude", "not_parsable")
    (False, True)
    """
    return problem != "out_of_range" or CONTRACTS[table].column(column).outside == "refused"


def _column(column: Column) -> pa.Column:
    checks = []
    if column.low is not None and column.high is not None:
        checks.append(pa.Check.in_range(column.low, column.high))
    if column.values is not None:
        checks.append(pa.Check.isin(list(column.values)))
    return pa.Column(DTYPES[column.kind], checks, nullable=not column.required)


def _faults(cases: pd.DataFrame, table: str, unread: dict[str, pd.Index]) -> list[Fault]:
    found = []
    for (name, check), group in cases.groupby(["column", "check"], sort=False):
        column = CONTRACTS[table].column(str(name))
        rows = pd.Index(group["index"].astype("int64")).difference(unread.get(column.name, []))
        if check == "not_nullable" and len(rows):
            found.append(Fault(column.name, "missing", "empty", rows))
        elif check != "not_nullable":
            found.append(Fault(column.name, "out_of_range", f"not {wanted(column)}", rows))
    return found
