"""Verdicts, moves of `champion` and histories in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridkeep.show import table

if TYPE_CHECKING:
    from training.promotion.verdict import Verdict
    from training.store.history import Entry, History

SHORT = 12  # characters of a seal that are shown


@dataclass(frozen=True)
class Promoted:
    """The verdict on a version, and the move of `champion` if there was one."""

    name: str
    verdict: "Verdict"
    entry: "Entry | None"
    kept: str
    card: str  # where its model card is
    override: str = ""  # the reason that was given

    @property
    def refused(self) -> bool:
        """Whether the champion stays."""
        return self.entry is None

    def lines(self) -> Sequence[str]:
        """The table of checks, what follows from it, and where it is kept."""
        found = self.verdict
        against = f" against champion {found.champion}" if found.champion else ""
        rows = f": {found.rows:,} rows of {found.customers:,} customers" if found.rows else ""
        return [
            f"version {found.challenger} of {self.name}{against}, on {found.judged_on}{rows}",
            table("", ["check", "champion", "challenger", "passed", "why"], _checks(found)),
            found.refusal if self.entry is None else _moved(self.name, self.entry),
            *self._in_vain(),
            f"verdict: {self.kept}",
            f"model card: {self.card}",
        ]

    def _in_vain(self) -> Sequence[str]:
        if not self.override or self.verdict.failed:
            return []
        return ["the gate passed: --override was not needed, and its reason is not kept"]


def _checks(verdict: "Verdict") -> list[list[object]]:
    return [
        [one.name, one.champion, one.challenger, "yes" if one.passed else "NO", one.reason]
        for one in verdict.checks
    ]


@dataclass(frozen=True)
class RolledBack:
    """The move back to the last champion."""

    name: str
    entry: "Entry"
    card: str  # where its model card is

    def lines(self) -> Sequence[str]:
        """The champion that is back, and how the one before it would be."""
        return [
            _moved(self.name, self.entry),
            f"version {self.entry.was} is champion no more; the next rollback would put it back",
            f"model card: {self.card}",
        ]


def _moved(name: str, entry: "Entry") -> str:
    why = f" ({entry.reason})" if entry.reason else ""
    return (
        f"champion of {name} is now version {entry.version}{why}: {entry.action} by {entry.by}, "
        f"entry {entry.number} with seal {entry.seal[:SHORT]}"
    )


@dataclass(frozen=True)
class ModelHistory:
    """The moves of one model's aliases, and what is wrong with them ("": nothing)."""

    name: str
    entries: "tuple[Entry, ...]"
    broken: str
    unlike: tuple[str, ...]  # aliases that point elsewhere than the last entry says

    @classmethod
    def of(cls, name: str, history: "History", aliases: Mapping[str, str]) -> "ModelHistory":
        """The history beside the aliases as they are."""
        known = {*aliases, *(entry.alias for entry in history.entries)}
        unlike = sorted(one for one in known if aliases.get(one, "") != history.says(one))
        told = [
            f"{one} points at {aliases.get(one) or 'none'}, and its last entry says "
            f"{history.says(one) or 'none'}: a move was cut short, or made without gridkeep"
            for one in unlike
        ]
        return cls(name, history.entries, history.broken, tuple(told))

    def lines(self) -> Sequence[str]:
        """A row an entry, then whether the chain holds."""
        if not self.entries and not self.broken:
            return [f"{self.name}: no alias was moved yet"]
        heads = ["", "at (UTC)", "by", "alias", "action", "from", "to", "validator", "verdict"]
        rows = [
            [
                *(one.number, one.at[:16], one.by, one.alias, one.action),
                *(one.was or "-", one.version or "-", one.validator or "-"),
                *(one.verdict[:SHORT] or "-", one.seal[:SHORT], one.reason),
            ]
            for one in self.entries
        ]
        whole = f"BROKEN: {self.broken}" if self.broken else "every entry is sealed onto the last"
        return [table(self.name, [*heads, "seal", "why"], rows), f"  {whole}", *self.unlike]


@dataclass(frozen=True)
class Histories:
    """The history of every model."""

    models: tuple[ModelHistory, ...]

    @property
    def broken(self) -> bool:
        """Whether a chain does not hold."""
        return any(model.broken for model in self.models)

    def lines(self) -> Sequence[str]:
        """One model after the other."""
        return [line for model in self.models for line in model.lines()]
