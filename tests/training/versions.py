"""Versions without trees, and verdicts as a test wants them, for tests of store and promotion."""

from datetime import date
from pathlib import Path
from typing import Any

from domain.bundle import ModelCard
from training.promotion.verdict import Check, Verdict
from training.store.bundle import seal
from training.store.history import Entry
from training.tracking import Registered, Store

METRICS = {"log_loss": 0.2}


def card_of(**told: Any) -> ModelCard:
    """A card of the retention model that says nothing but what it is told to."""
    day = date(2025, 1, 1)
    usual: dict[str, Any] = {
        "name": "retention",
        "grid_version": "grid-0",
        "trained_as_of": (day,),
        "evaluated_as_of": (day,),
        "profile_as_of": day,
        "git_revision": "unknown",
        "features_hash": "0" * 64,
        "data_hashes": {},
        "settings": {},
        "metrics": {},
    }
    return ModelCard(**usual | told)


def register(store: Store, tmp_path: Path, first_is_champion: bool = True) -> Registered:
    """A version of the retention model, with a sealed bundle."""
    folder = tmp_path / "out"
    (folder / "model").mkdir(parents=True, exist_ok=True)
    (folder / "model" / "model.txt").write_text("trees")
    card = card_of(metrics=METRICS, judged_on="rows")
    (folder / "model" / "card.json").write_text(card.model_dump_json())
    digest = seal(folder / "model")
    with store.run("retention", {}) as run_id:
        return store.log_and_register(
            "retention",
            run_id,
            folder,
            digest=digest,
            params={"rounds": 3},
            metrics=METRICS,
            tags={"gridkeep.judged_on": "rows"},
            first_is_champion=first_is_champion,
        )


def verdict(store: Store, version: str, passed: bool = True, validator: str = "") -> Verdict:
    """A verdict of one check against the champion of the day."""
    champion = store.champion("retention")
    was = None if champion is None else str(champion.version)
    check = Check("log-loss", 0.2, 0.3, None, "not worse", passed, "as the test says")
    return Verdict("retention", was, version, "rows", 9, 9, "ann", validator, (check,))


def promote(store: Store, version: str, passed: bool = True, override: str = "") -> Entry:
    """Judge by such a verdict, and move."""
    candidacy = store.candidacy("retention", version)
    return store.promote(candidacy, verdict(store, version, passed), override)
