"""Which version is champion, which ones were, and moving from one to another.

The registry keeps no history of what an alias pointed at, so every move is written beside it.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from domain.bundle import CHALLENGER, CHAMPION
from domain.errors import BadInput
from training.promotion import Evidence, refusal

HISTORY_TAG = "gridkeep.champion."  # + a running number: one record of the alias's history


class Promotion(NamedTuple):
    """One record of what `champion` was moved to, when (UTC) and why."""

    action: str  # first, promote, force or rollback
    version: str
    at: str
    reason: str = ""


class Champions:
    """The aliases of one registered model; `client` is the store's."""

    def __init__(self, client: Any, model: str) -> None:
        self.client, self.model = client, model

    def registered(self) -> Any | None:
        """The store's record of the model, or None."""
        found = self.client.search_registered_models(f"name = '{self.model}'")
        return found[0] if found else None

    def aliases(self) -> dict[str, str]:
        """Alias -> version."""
        record = self.registered()
        return {k: str(v) for k, v in record.aliases.items()} if record else {}

    def history(self) -> list[Promotion]:
        """What `champion` pointed at, oldest first."""
        record = self.registered()
        tags = record.tags if record else {}
        keys = sorted(key for key in tags if key.startswith(HISTORY_TAG))
        return [Promotion(**json.loads(tags[key])) for key in keys]

    def welcome(self, version: str) -> str:
        """Name a new version: champion when there is none, else challenger."""
        if CHAMPION in self.aliases():
            self.client.set_registered_model_alias(self.model, CHALLENGER, version)
            return CHALLENGER
        self.point(Promotion("first", version, now()))
        return CHAMPION

    def promote(
        self, champion: Evidence | None, challenger: Evidence, force_reason: str | None
    ) -> Promotion:
        """Move `champion` through the gate; a reason opens it and is recorded."""
        if champion is not None and champion.version == challenger.version:
            raise BadInput(f"version {champion.version} of {self.model} is the champion already")
        name = self.model.rpartition("-")[2]
        no = refusal(name, champion, challenger) if champion is not None else None
        if no and not force_reason:
            raise BadInput(no)
        action = "force" if no else "promote"
        return self.point(Promotion(action, challenger.version, now(), force_reason or ""))

    def previous(self) -> str:
        """The version that a rollback goes back to."""
        history = self.history()
        past = standing(history)
        if len(past) < 2:
            raise BadInput(f"{self.model} {_no_way_back(history, past)}")
        return past[-2]

    def point(self, record: Promotion) -> Promotion:
        """Write the record, then move the alias."""
        # the record goes first: an alias that moved without one could not be rolled back
        key = f"{HISTORY_TAG}{len(self.history()) + 1:06d}"
        told = json.dumps(record._asdict(), ensure_ascii=False)
        self.client.set_registered_model_tag(self.model, key, told)
        self.client.set_registered_model_alias(self.model, CHAMPION, record.version)
        if self.aliases().get(CHALLENGER) == record.version:
            self.client.delete_registered_model_alias(self.model, CHALLENGER)
        return record


def _no_way_back(history: Sequence[Promotion], past: Sequence[str]) -> str:
    if len({record.version for record in history}) < 2:
        return (
            "has had no other champion to go back to; `gridkeep models` lists the versions and "
            "`gridkeep promote` moves to one"
        )
    return (
        f"is back at its first champion, version {past[0]}: there was none before it; "
        "`gridkeep promote` moves to a later version"
    )


def standing(history: Sequence[Promotion]) -> list[str]:
    """Champions that a rollback can still reach, the present one last.

    >>> def did(action, version): return Promotion(action, version, "")
    >>> standing([did("first", "1"), did("promote", "2"), did("rollback", "1")])
    ['1']
    """
    stack: list[str] = []
    for record in history:
        if record.action == "rollback":
            stack.pop()
        else:
            stack.append(record.version)
    return stack


def now() -> str:
    """The time in UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
