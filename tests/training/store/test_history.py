import json
from collections.abc import Callable

import pytest

from training.store.history import Entry, History, key_of, read_history, sealed, standing, told


def chain(moves: int = 4) -> dict[str, str]:
    history = History()
    for number in range(1, moves + 1):
        entry = Entry("champion", "promote", str(number - 1), str(number), "2026-01-01", "ann")
        entries = (*history.entries, sealed(entry, history))
        history = History(entries, last=number)
    return {key_of(entry.number): told(entry) for entry in history.entries}


def test_a_whole_chain_reads_back_as_it_was_written() -> None:
    found = read_history({**chain(), "rounds": "3"})
    assert found.broken == ""
    assert [entry.version for entry in found.entries] == ["1", "2", "3", "4"]
    assert found.says("champion") == "4"
    assert found.says("challenger") == ""
    assert found.last == 4


@pytest.mark.parametrize("field", [name for name in Entry._fields if name != "number"])
@pytest.mark.parametrize("number", [1, 3, 4])
def test_no_field_of_any_entry_can_be_changed_unseen(field: str, number: int) -> None:
    kept = chain()
    entry = json.loads(kept[key_of(number)])
    kept[key_of(number)] = json.dumps({**entry, field: "f" * 64})
    assert read_history(kept).broken == f"entry {number} was changed after it was written"


def without(kept: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in kept.items() if key != key_of(2)}


def swapped(kept: dict[str, str]) -> dict[str, str]:
    return {**kept, key_of(2): kept[key_of(3)], key_of(3): kept[key_of(2)]}


def resealed(kept: dict[str, str]) -> dict[str, str]:
    """Entry 2 forged together with its own seal: the next entry still names the old one."""
    first = read_history({key_of(1): kept[key_of(1)]})
    forged = sealed(Entry("champion", "promote", "1", "9", "2026-01-01", "eve"), first)
    return {**kept, key_of(2): told(forged)}


def nonsense(kept: dict[str, str]) -> dict[str, str]:
    return {**kept, key_of(4): "not JSON"}


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (without, "entry 2 is missing"),
        (swapped, "entry 2 was changed after it was written"),
        (resealed, "entry 3 does not follow entry 2"),
        (nonsense, "entry 4 was changed after it was written"),
    ],
)
def test_the_first_link_that_does_not_hold_is_named(
    forge: Callable[[dict[str, str]], dict[str, str]], said: str
) -> None:
    assert read_history(forge(chain())).broken == said


def test_a_broken_chain_goes_on_behind_its_last_place() -> None:
    found = read_history(nonsense(chain()))
    assert sealed(Entry("champion", "rollback", "4", "3", "", "ann"), found).number == 5


def test_rollbacks_walk_back_through_the_champions() -> None:
    def did(*moves: str) -> list[str]:
        pairs = [move.split() for move in moves]
        return standing([Entry("champion", action, "", to, "", "") for action, to in pairs])

    assert did("first 1", "promote 2", "override 3") == ["1", "2", "3"]
    assert did("first 1", "promote 2", "override 3", "rollback 2") == ["1", "2"]
    assert did("first 1", "promote 2", "rollback 1", "promote 4") == ["1", "4"]
    assert did("first 1", "promote 2", "settle 1", "promote 3") == ["1", "3"]
    assert did("first 1", "promote 2", "rollback 1", "settle 2") == ["1", "2"]
    assert did("settle 7", "promote 8") == ["7", "8"]
