"""Defects in words: what was seen, where, and what to do about it."""

from typing import NamedTuple

from domain.tables import CONTRACTS, Column
from features.door.checks import refuses, wanted
from features.door.clock import TOO_EARLY
from features.door.convert import Problem
from features.settings import TableSource

REPEATS = "repeats an id with different content"
STRANGER = "customer is not in the customer table"
ORPHAN = f"{STRANGER}: refused there"


class Defect(NamedTuple):
    """What is wrong in one column of one file, and for which reason."""

    table: str
    file: str
    column: str
    problem: Problem
    reason: str

    @property
    def refused(self) -> bool:
        """Whether it costs the row."""
        return refuses(self.table, self.column, self.problem)


class Seen(NamedTuple):
    """How often a defect was seen, and the first time."""

    cells: int
    row: int
    value: str

    def followed(self, cells: int) -> "Seen":
        """Itself, seen in so many more cells.

        >>> Seen(1, 4, "x").followed(2)
        Seen(cells=3, row=4, value='x')
        """
        return self._replace(cells=self.cells + cells)


def is_settled(reason: str) -> bool:
    """Whether a row was refused for this reason after reading: its content is in contract form.

    >>> is_settled(f"{REPEATS} (amount)"), is_settled("not a number")
    (True, False)
    """
    return reason.startswith((REPEATS, STRANGER))


def sentence(defect: Defect, seen: Seen, source: TableSource, files: int = 1) -> str:
    """One defect as one sentence; `seen` may be of several files, of which it names the first.

    >>> defect = Defect("transactions", "t.csv", "amount", "not_parsable", "not a number")
    >>> print(sentence(defect, Seen(3, 8112, "12,50"), TableSource()))
    column 'amount' of t.csv holds 3 values that are not numbers (first: '12,50' in row 8112);
    write decimals with a point or set sources.transactions.decimal = ","
    """
    place = f"row {seen.row}" if files == 1 else f"row {seen.row} of {defect.file}"
    where = defect.file if files == 1 else f"{files} files of {defect.table}"
    first = f"(first: {seen.value!r} in {place})"
    hold = "holds" if files == 1 else "hold"
    column = f"{_column(defect, source)} of {where}"
    one = seen.cells == 1
    match defect.problem:
        case "missing":
            cells = "1 row" if one else f"{seen.cells} rows"
            what = f"{column} is empty in {cells} (first: {place})"
        case "unknown":
            rows = "1 row of a customer" if one else f"{seen.cells} rows of customers"
            what = f"{where} {hold} {rows} that the customer table does not have {first}"
        case "conflict":
            key = " + ".join(CONTRACTS[defect.table].key)
            rows = "1 row that repeats" if one else f"{seen.cells} rows that repeat"
            how = defect.reason.partition(" with ")[2]
            what = f"{where} {hold} {rows} a {key} with {how} {first}"
        case "not_parsable" | "out_of_range":
            values = "1 value that is" if one else f"{seen.cells} values that are"
            wrong = defect.reason if one else _plural(defect.reason)
            what = f"{column} holds {values} {wrong} {first}"
    return f"{what}; {_advice(defect, seen, source)}"


def _column(defect: Defect, source: TableSource) -> str:
    name = source.columns.get(defect.column, defect.column)
    contract_name = "" if name == defect.column else f" ({defect.column})"
    return f"column {name!r}{contract_name}"


def _plural(reason: str) -> str:
    for single, many in (
        ("a number", "numbers"),
        ("a date", "dates"),
        ("a time that", "times that"),
        ("a time", "times"),
    ):
        if single in reason:
            return reason.replace(single, many)
    return reason


def _advice(defect: Defect, seen: Seen, source: TableSource) -> str:
    match defect.problem:
        case "missing":
            return "every row needs it"
        case "unknown":
            one = seen.cells == 1
            return f"deliver {'this customer' if one else 'these customers'}, or correct the ids"
        case "conflict":
            return (
                f"deliver each once, or correct the rows in quarantine/{defect.table}.csv and run "
                "`gridkeep check --replay` on it; sources.rejected_share_max does not allow them"
            )
        case "out_of_range":
            column = CONTRACTS[defect.table].column(defect.column)
            if column.name == "currency":
                return (
                    "convert the amounts or leave these rows out; bank.currency is the one of "
                    "every amount"
                )
            if column.kind in ("timestamp", "date"):
                return "correct the dates, or set sources.data_until to the last day of the data"
            if column.outside == "kept":
                return (
                    "the rows are kept and not placed by them: where latitude and longitude are "
                    "the wrong way round, exchange the two columns in the source"
                )
            if column.outside == "missing":
                return f"they are left empty; correct them, or {_mapping(defect, seen, column)}"
            return f"correct them; {wanted(column)} is allowed"
        case "not_parsable":
            return _reading_advice(defect, seen, source)


def _mapping(defect: Defect, seen: Seen, column: Column) -> str:
    """How the first of the bank's words is mapped; only the bank knows to which of ours."""
    ours = wanted(column) if column.values else "true or false"
    words = f'{{ {column.name} = {{ "{seen.value}" = "..." }} }}'
    return f"map them, each to {ours}: sources.{defect.table}.values = {words}"


def _reading_advice(defect: Defect, seen: Seen, source: TableSource) -> str:
    reason, value, section = defect.reason, seen.value, f"sources.{defect.table}"
    if "NUL" in reason:
        return "write them without it"
    if "number" in reason:
        mark, other = ("point", ",") if source.decimal == "." else ("comma", ".")
        swap = f' or set {section}.decimal = "{other}"' if other in value else ""
        return f"write decimals with a {mark}{swap}" if swap else "write plain numbers"
    if reason == TOO_EARLY:
        return "correct them; where the day is not known, leave the field empty"
    if "clocks" in reason:
        return f"correct them, or set {section}.timezone to the zone of these times"
    if "date" in reason or "time" in reason:
        if source.date_format is not None:
            return f"write them like {section}.date_format = {source.date_format!r}, or correct it"
        return f"write them like 2026-01-31 or set {section}.date_format"
    column = CONTRACTS[defect.table].column(defect.column)
    return f"write true or false, or {_mapping(defect, seen, column)}"
