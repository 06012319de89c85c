"""Which version is champion, which ones were, and moving from one to another.

The registry keeps no history of what an alias pointed at. Ours is a run of the store beside the
model, one parameter an entry: MLflow refuses to write a parameter anew, so of two promotions at
once one finds its place taken. An entry is written before its alias moves; a move that was cut
short is seen by the entry and the alias that differ, and told by the next one.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.bundle import CHALLENGER, CHAMPION
from domain.errors import BadInput
from domain.model_store import StoreFailure
from training.store.history import Entry, History, key_of, read_history, sealed, standing, told
from training.store.processes import PROCESS_TAG, is_gone, this_process

HISTORY_TAG = "gridkeep.history"  # of the registered model: the run that holds the entries
ALIASES = (CHAMPION, CHALLENGER)
PATIENCE = timedelta(minutes=10)  # that a move by a living process may take
LONGEST = 500  # characters of a text: MLflow would cut a longer entry off without a word


class Champions:
    """The aliases of one registered model; `client` is the store's, `user` who acts."""

    def __init__(self, client: Any, model: str, user: str, experiment: str) -> None:
        self.client, self.model, self.user = client, model, user
        self._experiment = experiment  # where the run of the history goes

    def registered(self) -> Any | None:
        """The store's record of the model, or None."""
        found = self.client.search_registered_models(f"name = '{self.model}'")
        return found[0] if found else None

    def register(self) -> None:
        """Make the registered model and the run of its history, unless they are there."""
        record = self.registered()
        if record is not None and HISTORY_TAG in record.tags:
            return
        title, mark = f"history of {self.model}", {PROCESS_TAG: this_process()}
        run = self.client.create_run(self._experiment, tags=mark, run_name=title).info.run_id
        self.client.set_terminated(run, "FINISHED")
        if record is not None:  # made by an earlier release
            self.client.set_registered_model_tag(self.model, HISTORY_TAG, run)
            return
        try:
            self.client.create_registered_model(self.model, tags={HISTORY_TAG: run})
        except StoreFailure as error:  # another training was first: its run is the history
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise

    def aliases(self) -> dict[str, str]:
        """Alias -> version."""
        record = self.registered()
        return {k: str(v) for k, v in record.aliases.items()} if record else {}

    def history(self) -> History:
        """Every move of every alias, oldest first, and whether the chain holds."""
        run = self._run()
        return read_history(self.client.get_run(run).data.params) if run else History()

    def settled(self) -> History:
        """The history, once it says what the aliases point at.

        A move that was cut short, or one made without gridkeep, gets an entry. BadInput while
        another process is at it.
        """
        if self.registered() is None:
            return History()
        self.register()
        aliases, history = self.aliases(), self.history()
        unlike = [one for one in ALIASES if history.says(one) != aliases.get(one, "")]
        for alias in unlike:
            own = history.of(alias)
            if own and _under_way(own[-1]):
                raise BadInput(_at_it(self.model, own[-1]))
            why = f"not as entry {own[-1].number} says" if own else "set without gridkeep"
            told_now = (history.says(alias), aliases.get(alias, ""))
            self._append(self._entry(alias, "settle", *told_now, reason=why))
        return self.history() if unlike else history

    def welcome(self, version: str, first_is_champion: bool = True) -> str:
        """Name a new version: champion when there is none and it may be, else challenger."""
        aliases = self.aliases()
        for alias in ALIASES:
            if aliases.get(alias) == version:  # a registration that was cut short, taken up again
                return alias
        if CHAMPION in aliases or not first_is_champion:
            was = aliases.get(CHALLENGER, "")
            self._append(self._entry(CHALLENGER, "challenge", was, version))
            self.client.set_registered_model_alias(self.model, CHALLENGER, version)
            return CHALLENGER
        self.settled()
        self.crown(self._entry(CHAMPION, "first", "", version))
        return CHAMPION

    def promote(
        self, was: str, version: str, seen: int, validator: str, verdict: str, override: str
    ) -> Entry:
        """Move `champion` from `was`; `seen` entries were known when the verdict was made."""
        entry = self._entry(CHAMPION, "override" if override else "promote", was, version)
        entry = entry._replace(validator=validator, verdict=verdict, reason=override)
        return self.crown(entry, seen)

    def back(self) -> tuple[str, str, int]:
        """The present champion, the one before it, and how many entries say so."""
        history = self.settled()
        past = standing(history.of(CHAMPION))
        if len(past) < 2:
            raise BadInput(f"{self.model} {_no_way_back(history, past)}")
        return past[-1], past[-2], len(history.entries)

    def rollback(self, was: str, version: str, seen: int) -> Entry:
        """Move `champion` from `was` to the version before."""
        return self.crown(self._entry(CHAMPION, "rollback", was, version), seen)

    def crown(self, entry: Entry, seen: int | None = None) -> Entry:
        """Write the entry, then move `champion`; BadInput when somebody moved it since `seen`."""
        # the entry goes first: an alias that moved without one could not be rolled back
        kept = self._append(entry, seen)
        self.client.set_registered_model_alias(self.model, CHAMPION, entry.version)
        if self.aliases().get(CHALLENGER) == entry.version:
            self._append(self._entry(CHALLENGER, "retire", entry.version, ""))
            self.client.delete_registered_model_alias(self.model, CHALLENGER)
        return kept

    def _entry(self, alias: str, action: str, was: str, version: str, reason: str = "") -> Entry:
        at, process = now(), this_process()
        return Entry(alias, action, was, version, at, self.user, reason=reason, process=process)

    def _append(self, entry: Entry, seen: int | None = None) -> Entry:
        while True:
            history = self.history()
            since = history.entries[seen:] if seen is not None else ()
            if moved := [other for other in since if other.alias == entry.alias]:
                raise BadInput(_overtaken(self.model, moved[-1]))
            placed = sealed(_short(entry), history)
            if self._written(placed):
                return placed

    def _written(self, entry: Entry) -> bool:
        """False when its place was taken in the meantime."""
        key = key_of(entry.number)
        try:
            self.client.log_param(self._run(), key, told(entry))
        except StoreFailure:
            if self.history().last < entry.number:
                raise
            return False
        return True

    def _run(self) -> str:
        record = self.registered()
        return str(record.tags.get(HISTORY_TAG, "")) if record else ""


def _short(entry: Entry) -> Entry:
    for text in (entry.by, entry.validator, entry.reason):
        if len(text) > LONGEST:
            raise BadInput(f"'{text[:20]}...' has {len(text)} characters; {LONGEST} are kept")
    return entry


def _under_way(entry: Entry) -> bool:
    try:
        mine_or_dead = entry.process == this_process() or is_gone(entry.process)
        since = datetime.now(UTC) - datetime.fromisoformat(entry.at)
    except (ValueError, TypeError, KeyError):  # it was edited: nobody is at it
        return False
    return not mine_or_dead and since < PATIENCE


def _at_it(model: str, entry: Entry) -> str:
    return (
        f"{entry.by} has been moving {entry.alias} of {model} from version {entry.was or 'none'} "
        f"to {entry.version or 'none'} since {entry.at}; wait for it, and look at "
        "`gridkeep models --history`"
    )


def _overtaken(model: str, entry: Entry) -> str:
    return (
        f"{entry.by} moved {entry.alias} of {model} to version {entry.version or 'none'} at "
        f"{entry.at}, while this was judged against version {entry.was or 'none'}; nothing was "
        "changed: look at `gridkeep models --history`, and promote again if it is still right"
    )


def _no_way_back(history: History, past: Sequence[str]) -> str:
    if not past:
        return (
            "has no champion, so there is none to go back to; `gridkeep models` lists the "
            "versions, `gridkeep train` makes the first"
        )
    if len({entry.version for entry in history.of(CHAMPION)}) < 2:
        return (
            "has had no other champion to go back to; `gridkeep models` lists the versions and "
            "`gridkeep promote` moves to one"
        )
    return (
        f"is back at its first champion, version {past[0]}: there was none before it; "
        "`gridkeep promote` moves to a later version"
    )


def now() -> str:
    """The time in UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
