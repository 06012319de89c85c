"""What a model card is made of: plain text in sections, which become Markdown and HTML alike."""

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple


class Words(NamedTuple):
    """A paragraph."""

    text: str


class Points(NamedTuple):
    """A list."""

    items: tuple[str, ...]


class Commands(NamedTuple):
    """Lines for a shell."""

    lines: tuple[str, ...]


class Table(NamedTuple):
    """Rows under a header; the first column names the row, columns in `numbers` are to the right.

    `wide`: it has too many columns for a phone.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: Collection[str] = ()


class Picture(NamedTuple):
    """A drawing as SVG, and the same in words; a table with its figures follows."""

    told: str
    svg: str


Block = Words | Points | Commands | Table | Picture


class Section(NamedTuple):
    """Blocks under a title."""

    title: str
    blocks: tuple[Block, ...]


class ModelCardPage(NamedTuple):
    """The whole card; `verdict` is its one sentence."""

    title: str
    verdict: str
    sections: tuple[Section, ...]


def facts(caption: str, known: Iterable[tuple[str, str]]) -> Table:
    """A table of two columns: what, and which.

    >>> facts("who", [("owner", "ann")]).rows
    (('owner', 'ann'),)
    """
    return Table(caption, ("what", "which"), tuple(known))


def section(title: str, *blocks: Block | None) -> Section:
    """A section of the blocks that there are."""
    return Section(title, tuple(block for block in blocks if block is not None))


def sentence(text: str) -> str:
    """The text as a sentence.

    >>> sentence("a cell moved")
    'A cell moved.'
    """
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


def printable(text: str) -> str:
    r"""The text on one line, without characters that steer a terminal or turn a line round.

    Names come from the bank's tables.

    >>> printable("North\n| \u202etxt.exe")
    'North | txt.exe'
    """
    kept = (" " if one in "\t\n\r" else one for one in text)
    known = (one for one in kept if unicodedata.category(one) not in ("Cc", "Cf", "Zl", "Zp"))
    return "".join(known)


def number(value: float) -> str:
    """A figure with four digits; "-" where there is none, 0 where only rounding is left.

    >>> number(0.81674), number(17188675.2), number(float("nan")), number(-4.9e-19)
    ('0.8167', '17,190,000', '-', '0')
    """
    if value != value:
        return "-"
    if abs(value) < 1e-9:
        return "0"
    if abs(value) >= 1000:
        return f"{float(f'{value:.4g}'):,.0f}"
    return f"{value:.4g}"


def with_interval(known: Sequence[float], sign: str = "") -> str:
    """A figure and its 95 % interval; `sign` is "+" for differences.

    >>> with_interval((0.8, 0.7, 0.9))
    '0.8 (0.7 to 0.9)'
    """
    value, low, high = (f"{sign if one > 0 else ''}{number(one)}" for one in known)
    return f"{value} ({low} to {high})"


def share(value: float) -> str:
    """A share in percent.

    >>> share(0.0312)
    '3.1 %'
    """
    return "-" if value != value else f"{100 * value:.1f} %"
