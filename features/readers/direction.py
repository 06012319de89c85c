"""The sign of amounts that are delivered without one, from the column that says which way."""

from typing import Any

import pandas as pd

from domain.errors import BadInput
from domain.tables import Contract
from features.door.text import as_text
from features.settings import Direction


def require_direction(contract: Contract, direction: Direction | None, there: list[str]) -> None:
    """BadInput: the table has no amounts, its delivery no such column, or a word goes both ways.

    >>> from domain.tables import CLOSURES
    >>> require_direction(CLOSURES, Direction(column="DC", received=("C",), spent=("D",)), ["DC"])
    Traceback (most recent call last):
    ...
    domain.errors.BadInput: sources.closures.direction is for transactions, which have amounts
    """
    if direction is None:
        return
    section = f"sources.{contract.name}.direction"
    if "amount" not in contract.names:
        raise BadInput(f"{section} is for transactions, which have amounts")
    if direction.column not in there:
        raise BadInput(
            f"{section} names column {direction.column!r}, which is not there; the columns are "
            f"{', '.join(there)}"
        )
    if both := sorted({*direction.received} & {*direction.spent}):
        raise BadInput(f"{section} has {both[0]!r} both as received and as spent; leave one out")


def signed(amounts: pd.Series, words: pd.Series, direction: Direction, place: str) -> pd.Series:
    """The amounts with their sign: what was spent is turned round. `place` is their file.

    Raises BadInput with the first word that is neither; an empty one is "".

    >>> way = Direction(column="DC", received=("C",), spent=("D",))
    >>> given = pd.Series(["12.50", "-3"], dtype="string"), pd.Series(["D", "D"])
    >>> signed(*given, way, "t.csv").tolist()
    ['-12.50', '3']
    """
    told = as_text(words).fillna("")
    spent = told.isin(direction.spent).to_numpy(bool)
    neither = told[~spent & ~told.isin(direction.received).to_numpy(bool)]
    if len(neither):
        raise BadInput(
            f"column {direction.column!r} of {place} says {neither.iloc[0]!r}, which is "
            "neither received nor spent of sources.transactions.direction; add it to one of them"
        )
    plain = amounts.astype(object)
    return plain.where(~spent, plain.map(_turned, na_action="ignore"))


def _turned(value: Any) -> Any:
    if not isinstance(value, str):
        return -value
    text = value.strip()
    return text[1:] if text.startswith("-") else f"-{text.removeprefix('+')}" if text else text
