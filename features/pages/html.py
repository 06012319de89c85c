"""Pieces that every page has: the document, tables that become cards on a phone, ids, counts."""

import re
from collections.abc import Collection
from hashlib import sha256
from html import escape

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def document(title: str, style: str, parts: list[str]) -> str:
    """The whole page: no script, nothing from elsewhere. `parts` is HTML, `title` is text."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def count(number: int, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "cell"), count(1200, "cell")
    ('1 cell', '1,200 cells')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def anchor(name: str, prefix: str = "cell") -> str:
    """An id that any cell name can have.

    >>> anchor("C12")
    'cell-C12'
    """
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return f"{prefix}-{plain}" + (
        "" if plain == name else f"-{sha256(name.encode()).hexdigest()[:6]}"
    )


def html_table(caption: str, header: tuple[str, ...], bodies: str, numbers: Collection[str]) -> str:
    """A table of HTML bodies under a header of texts; columns in `numbers` are to the right."""
    heads = "".join(
        f'<th scope="col"{" class=number" if name in numbers else ""}>{escape(name)}</th>'
        for name in header
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{heads}</tr></thead>\n{bodies}\n</table>"
