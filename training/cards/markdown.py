"""A model card as Markdown (CommonMark with tables), for a repository or a ticket."""

import re

from training.cards.structure import (
    Block,
    Commands,
    ModelCardPage,
    Picture,
    Points,
    Section,
    Table,
    Words,
    printable,
)

SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~&$!^])")
AT_START = re.compile(r"^([#+=-]|\d+[.)])(?=[\s#=-]|$)")  # would begin a title or a list


def markdown(card: ModelCardPage) -> str:
    """The card as Markdown."""
    parts = [f"# {escaped(card.title)}", f"**{escaped(card.verdict)}**"]
    return "\n\n".join([*parts, *map(_section, card.sections)]) + "\n"


def escaped(text: str) -> str:
    r"""Text of which nothing is a mark of Markdown or of HTML.

    >>> print(escaped("a|b <i> *c*"))
    a\|b \<i\> \*c\*
    """
    plain = SPECIAL.sub(r"\\\1", printable(text)).strip()
    return AT_START.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", plain)


def _section(one: Section) -> str:
    return "\n\n".join([f"## {escaped(one.title)}", *map(_block, one.blocks)])


def _block(block: Block) -> str:
    match block:
        case Words(text):
            return escaped(text)
        case Points(items):
            return "\n".join(f"- {escaped(item)}" for item in items)
        case Commands(lines):
            return "\n".join(f"    {printable(line)}" for line in lines)
        case Picture(told, _):
            return f"*{escaped(told)}*"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    rules = ["---:" if name in table.numbers else "---" for name in table.header]
    rows = [table.header, *table.rows]
    told = [f"| {' | '.join(map(escaped, row))} |" for row in rows]
    told.insert(1, f"|{'|'.join(rules)}|")
    return "\n".join([f"**{escaped(table.caption)}**", "", *told])
