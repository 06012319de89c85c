"""The contract of the source tables as a page: docs/contract.md."""

from collections.abc import Iterable

from domain.tables import CONTRACTS, EVENTS, LARGEST_AMOUNT, Column, Contract

INTRODUCTION = """\
# The tables a bank delivers

Six tables, of which `customers` and `transactions` are needed. `gridkeep init --reader tables`
starts the configuration: `[sources.TABLE]` says where a table lies, `columns` which of your columns
is ours, `values` which of your words; `gridkeep check` says what does not fit. Keys:
[configuration](configuration.md); what features make of it: [features](features.md); measures of
quality: [quality](quality.md).

A table may come in several files. A row that is delivered again with the same content is one row;
rows that repeat a key with other content are refused, each of them, and break the contract whatever
`sources.rejected_share_max` is. Rows of a customer that `customers` does not have are refused, and
so are transactions and events of days to come. An optional column may be absent, and its values may
be empty. Columns beyond these are left alone."""

KINDS = {
    "string": "text",
    "float": "number",
    "timestamp": "time",
    "date": "date",
    "boolean": "yes or no",
}

WRITTEN = """\
## How values are written

| type | in Parquet and databases | in delimited text |
|---|---|---|
| text | text or whole numbers | as it stands, without blanks around it; empty is no value |
| number | any number | `1234.5`, `-3`, `1e3`, no thousands separators; else `decimal = ","` |
| date | date or time | `2026-01-31` or `20260131`; else `date_format = "%d.%m.%Y"` |
| time | time, with or without a zone | `2026-01-31 10:15:00` or `...+08:00`; else `date_format` |
| yes or no | boolean, 1 or 0 | `true`, `yes`, `y`, `t`, `1` or their opposites; else `values` |

A time without an offset is in `timezone` of its section, else in that of the bank.

**Words** that features look for are told in [features](features.md#words); `values` maps yours.

**Coordinates** are decimal degrees, latitude north and longitude east; `datum` converts GCJ-02 and
BD-09.

**Amounts** have the sign of the customer's balance: what is received is positive, what is spent is
negative. Where your amounts have no sign and another column says debit or credit, name it:

```toml
[sources.transactions]
direction = { column = "借贷标志", received = ["贷"], spent = ["借"] }
```

Money is in one currency, `bank.currency`."""


def contract_page() -> str:
    """Every table and column, in words.

    >>> "| `closed_on` | date | yes | day of leaving | any |" in contract_page()
    True
    """
    tables = [line for contract in CONTRACTS.values() for line in _table(contract)]
    return "\n".join([INTRODUCTION, "", *tables, WRITTEN, ""])


def _table(contract: Contract) -> Iterable[str]:
    need = "needed" if contract.required else "optional"
    how = "deliveries add rows" if contract.name in EVENTS else "a picture of a state"
    keys = " + ".join(f"`{name}`" for name in contract.key)
    heads = "| column | type | required | meaning | permitted |"
    rows = [_row(column) for column in contract]
    about = f"One row per {keys}; {need}; {how}."
    return [f"## {contract.name}", "", about, "", heads, "|---|---|---|---|---|", *rows, ""]


def _row(column: Column) -> str:
    need = "yes" if column.required else ""
    cells = (f"`{column.name}`", KINDS[column.kind], need, column.meaning, permitted(column))
    return f"| {' | '.join(cells)} |"


def permitted(column: Column) -> str:
    """The values that a column may take, and what becomes of others.

    >>> permitted(CONTRACTS["customers"].column("latitude"))
    '-90 to 90; others are kept and told, and place nobody'
    """
    if column.values is not None:
        allowed = ", ".join(f"`{value}`" for value in column.values)
    elif column.low is None or column.high is None:
        return "any"
    else:
        allowed = f"{_number(column.low)} to {_number(column.high)}"
    others = {
        "refused": "the row of another is refused",
        "kept": "others are kept and told, and place nobody",
        "missing": "others are left empty and told",
    }
    return f"{allowed}; {others[column.outside]}"


def _number(value: float) -> str:
    if abs(value) == LARGEST_AMOUNT:
        return "a trillion" if value > 0 else "minus a trillion"
    return f"{value:g}"
