"""The one error that people cause and people can mend."""


class BadInput(Exception):  # noqa: N818 (the field's word; it is what the message is about)
    """Bad input or configuration: says what was seen, where, and what to do. The command exits 1.

    >>> raise BadInput("file 'a.csv' is empty; deliver at least one row")
    Traceback (most recent call last):
    domain.errors.BadInput: file 'a.csv' is empty; deliver at least one row
    """
