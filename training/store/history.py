"""The history of a model's aliases: entries that are written once, each sealed onto the one before.

An entry holds the SHA-256 of its predecessor and of itself, so that none can be changed, taken
out, put in or moved without the chain saying where. Who rewrites the whole end of the chain is
found by anyone who kept the seal of a later entry.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

GENESIS = "0" * 64  # stands before the first entry
PREFIX = "entry."
PLACE = re.compile(r"entry\.[0-9]{6}")


class Entry(NamedTuple):
    """One move of one alias: who, when (UTC), why, from and to which version ("": none)."""

    alias: str
    action: str  # first, challenge, promote, override, rollback, retire or settle
    was: str
    version: str
    at: str
    by: str
    validator: str = ""
    reason: str = ""
    verdict: str = ""  # SHA-256 of the verdict's JSON, "" where none was asked for
    process: str = ""  # the process that wrote it
    number: int = 0
    before: str = GENESIS  # seal of the entry before
    seal: str = ""


class History(NamedTuple):
    """Entries, oldest first, and what is wrong with the chain of them ("": nothing)."""

    entries: tuple[Entry, ...] = ()
    broken: str = ""
    last: int = 0  # number of the last place that is taken, readable or not

    def of(self, alias: str) -> list[Entry]:
        """The entries of one alias."""
        return [entry for entry in self.entries if entry.alias == alias]

    def says(self, alias: str) -> str:
        """The version that an alias points at by its last entry, "" for none."""
        own = self.of(alias)
        return own[-1].version if own else ""


def sealed(entry: Entry, after: History) -> Entry:
    """The entry as the next of a chain.

    >>> one = sealed(Entry("champion", "first", "", "1", "", "ann"), History())
    >>> two = sealed(Entry("champion", "promote", "1", "2", "", "bob"), History((one,), last=1))
    >>> two.number, two.before == one.seal, len(two.seal)
    (2, True, 64)
    """
    before = after.entries[-1].seal if after.entries else GENESIS
    placed = entry._replace(number=after.last + 1, before=before)
    return placed._replace(seal=_seal(placed))


def key_of(number: int) -> str:
    """Where entry `number` is kept.

    >>> key_of(12)
    'entry.000012'
    """
    return f"{PREFIX}{number:06d}"


def told(entry: Entry) -> str:
    """The entry as it is kept."""
    return json.dumps(entry._asdict(), ensure_ascii=False, sort_keys=True)


def read_history(kept: Mapping[str, str]) -> History:
    """The history from what is kept by `key_of`; `broken` names the first link that does not hold.

    >>> one = sealed(Entry("champion", "first", "", "1", "", "ann"), History())
    >>> read_history({key_of(1): told(one)}).broken
    ''
    >>> read_history({key_of(1): told(one._replace(version="9"))}).broken
    'entry 1 was changed after it was written'
    >>> read_history({key_of(2): told(one)}).broken
    'entry 1 is missing'
    """
    entries: list[Entry] = []
    broken, before, last = "", GENESIS, max(map(_number, kept), default=0)
    for number in range(1, last + 1):
        entry = _read(kept.get(key_of(number)))
        broken = broken or _flaw(number, entry, key_of(number) in kept, before)
        if entry is not None:
            entries.append(entry)
            before = entry.seal
    return History(tuple(entries), broken, last)


def _number(key: str) -> int:
    return int(key.removeprefix(PREFIX)) if PLACE.fullmatch(key) else 0


def _read(text: str | None) -> Entry | None:
    try:
        return Entry(**json.loads(text or ""))
    except (ValueError, TypeError):
        return None


def _flaw(number: int, entry: Entry | None, kept: bool, before: str) -> str:
    if not kept:
        return f"entry {number} is missing"
    if entry is None or entry.seal != _seal(entry) or entry.number != number:
        return f"entry {number} was changed after it was written"
    return "" if entry.before == before else f"entry {number} does not follow entry {number - 1}"


def _seal(entry: Entry) -> str:
    return hashlib.sha256(told(entry._replace(seal="")).encode()).hexdigest()


def standing(entries: Sequence[Entry]) -> list[str]:
    """Champions that a rollback can still reach, the present one last.

    `settle` says what `champion` points at after all: the move before it was not carried out.

    >>> def did(*moves):
    ...     told = [move.split() for move in moves]
    ...     return standing([Entry("champion", a, "", v, "", "") for a, v in told])
    >>> did("first 1", "promote 2", "rollback 1")
    ['1']
    >>> did("first 1", "promote 2", "settle 1")
    ['1']
    >>> did("first 1", "promote 2", "rollback 1", "settle 2")
    ['1', '2']
    """
    stack: list[str] = []
    for entry in entries:
        undone = entry.action == "settle" and stack[-2:-1] == [entry.version]
        if entry.action == "rollback" or undone:
            stack = stack[:-1]
        elif entry.version and stack[-1:] != [entry.version]:
            stack.append(entry.version)
    return stack
