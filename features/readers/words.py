"""The bank's words for ours, as `[sources.TABLE] values` maps them: what of it cannot be right."""

from collections.abc import Mapping

from domain.errors import BadInput
from domain.tables import Column, Contract
from features.door.convert import FALSEHOOD, TRUTH

Words = Mapping[str, Mapping[str, str]]  # contract column -> the bank's word -> ours


def require_words(contract: Contract, values: Words) -> None:
    """BadInput when a column has no words, or a word is mapped to one that it does not take.

    >>> from domain.tables import CUSTOMERS
    >>> require_words(CUSTOMERS, {"sex": {"男": "male"}})
    Traceback (most recent call last):
    ...
    domain.errors.BadInput: sources.customers.values.sex maps '男' to 'male'; write one of F, M, X
    """
    section = f"sources.{contract.name}.values"
    having = [column for column in contract if column.kind in ("string", "boolean")]
    for name, words in values.items():
        column = next((one for one in having if one.name == name), None)
        if column is None:
            raise BadInput(
                f"{section} names {name!r}, which is no column with words; those of the contract "
                f"are {', '.join(one.name for one in having)}"
            )
        allowed = _allowed(column)
        for theirs, ours in words.items():
            if allowed and ours not in allowed and (ours or column.required):
                raise BadInput(
                    f"{section}.{name} maps {theirs!r} to {ours!r}; "
                    f"write one of {', '.join(allowed)}"
                )


def _allowed(column: Column) -> tuple[str, ...]:
    """The words that a column takes; empty: any."""
    if column.kind == "boolean":
        return tuple(TRUTH | FALSEHOOD)
    return column.values or ()
