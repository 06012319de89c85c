"""The one error that people cause and people can mend."""

from collections.abc import Sequence


class BadInput(Exception):  # noqa: N818 (the field's word; it is what the message is about)
    """Bad input or configuration: says what was seen, where, and what to do. The command exits 1.

    >>> raise BadInput("file 'a.csv' is empty; deliver at least one row")
    Traceback (most recent call last):
    domain.errors.BadInput: file 'a.csv' is empty; deliver at least one row
    """


def together(faults: Sequence[str]) -> str:
    """Several faults as one message, a line each; one stands alone.

    >>> print(together(["table 'a' has no rows", "table 'b' has no rows"]))
    2 faults:
      table 'a' has no rows
      table 'b' has no rows
    """
    if len(faults) == 1:
        return faults[0]
    return "\n".join([f"{len(faults)} faults:", *(f"  {fault}" for fault in faults)])
