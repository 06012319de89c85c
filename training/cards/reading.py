"""What the model store knows of one version: sealed files, the gate's verdict, and its history."""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from domain.bundle import ModelCard
from domain.errors import BadInput
from domain.model_store import bundle_folder
from training.store.bundle import file_hashes, read_card
from training.store.history import Entry
from training.tracking import TRAINER_TAG, VERDICT_TAG, VERDICTS, Store

NAMED = ("cell_id", "group", "segment", "hidden")  # words, for "0012" is not 12
EVALUATION = "evaluation"  # artifacts of a run: the tables behind its figures


class VersionFacts(NamedTuple):
    """One registered version. `tables` holds those of `evaluation/`, by name, as they were sealed.

    `verdict` is the gate's last one, None before there is one; `moves` are the entries of the
    history that name the version.
    """

    name: str
    version: str
    aliases: tuple[str, ...]
    trained_by: str
    trained_on: date
    run_id: str
    digest: str
    card: ModelCard
    tables: Mapping[str, pd.DataFrame]
    verdict: Mapping[str, Any] | None
    moves: tuple[Entry, ...]


def read_version(store: Store, name: str, version: str) -> VersionFacts:
    """The facts of a version; BadInput when a file is not as it was sealed."""
    record = store.version(name, version)
    with tempfile.TemporaryDirectory() as temporary:
        into = Path(temporary)
        folder, digest = store.fetch_bundle(record, into)
        card = read_card(folder, digest)
        tables = _tables(store, record.run_id, card, into)
        verdict = _verdict(store, record.run_id, into)
    pointed = store.aliases(name)
    return VersionFacts(
        name,
        str(record.version),
        tuple(sorted(alias for alias, one in pointed.items() if one == str(record.version))),
        record.tags.get(TRAINER_TAG, ""),
        datetime.fromtimestamp(record.creation_timestamp / 1000, UTC).date(),
        record.run_id,
        digest,
        card,
        tables,
        verdict,
        tuple(one for one in store.history(name).entries if version in (one.was, one.version)),
    )


def _tables(store: Store, run_id: str, card: ModelCard, into: Path) -> dict[str, pd.DataFrame]:
    if not card.table_hashes:  # of a release that sealed none: nothing of them can be told
        return {}
    folder = _fetched(store, run_id, EVALUATION, into)
    found = file_hashes(folder)
    if changed := sorted(
        one for one in card.table_hashes if found.get(one) != card.table_hashes[one]
    ):
        raise BadInput(
            f"{EVALUATION}/{', '.join(changed)} of run {run_id} changed after the model was "
            "sealed; no card can be made of it: put the file back from a copy, or train again"
        )
    return {
        Path(one).stem: _table(folder / one) for one in card.table_hashes if one.endswith(".csv")
    }


def _table(file: Path) -> pd.DataFrame:
    if not file.read_text(encoding="utf-8").strip():  # nothing was tried, nothing is told
        return pd.DataFrame()
    return pd.read_csv(file, dtype=dict.fromkeys(NAMED, str), keep_default_na=False, na_values=[""])


def artifacts_folder(store: Store, run_id: str) -> Path | None:
    """Where an embedded store keeps the artifacts of a run, wherever it was moved; else None."""
    bundle = bundle_folder(store.uri, run_id)
    return bundle.parent if bundle is not None and bundle.is_dir() else None


def _fetched(store: Store, run_id: str, place: str, into: Path) -> Path:
    kept = artifacts_folder(store, run_id)
    if kept is not None and (kept / place).exists():
        return kept / place
    return Path(store.client.download_artifacts(run_id, place, str(into)))


def each_row(table: pd.DataFrame) -> Iterator[Any]:
    """Rows of a table with columns as attributes."""
    yield from table.itertuples(index=False)


def _verdict(store: Store, run_id: str, into: Path) -> Mapping[str, Any] | None:
    digest = store.client.get_run(run_id).data.tags.get(VERDICT_TAG)
    if digest is None:
        return None
    place = f"{VERDICTS}/{digest[:12]}/verdict.json"
    text = _fetched(store, run_id, place, into).read_bytes()
    if hashlib.sha256(text).hexdigest() != digest:
        raise BadInput(
            f"{place} of run {run_id} changed after it was written; no card can be made of it: put "
            "it back from a copy, or judge the version again with `gridkeep promote`"
        )
    told: Mapping[str, Any] = json.loads(text)
    return told
