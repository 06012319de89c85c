"""`gridkeep promote`, `rollback`, `models --history`: the gate on today's data, and its moves."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from domain.bundle import MODEL_NAMES
from domain.errors import BadInput
from domain.town import town_density
from features.engine import Tables
from features.grid_store import current_version
from gridkeep.cards import keep_cards
from gridkeep.config import Config
from gridkeep.promotion_results import Histories, ModelHistory, Promoted, RolledBack
from gridkeep.workspace import cells_of, clean_tables

if TYPE_CHECKING:
    from serving.loader import LoadedModel
    from training.promotion.latency import Latency
    from training.promotion.verdict import Check
    from training.store.history import Entry
    from training.store.registered import Candidacy

Progress = Callable[[str, float], None]
TIMED_CUSTOMERS = 1_000  # as many as one request may bring


class Findings(NamedTuple):
    """What the gate found of one model: checks, the rows behind them, and their tables."""

    checks: "list[Check]"
    judged_on: str
    rows: int
    customers: int
    tables: Mapping[str, pd.DataFrame]


class Rivals(NamedTuple):
    """Challenger and champion as serving would load them; `why_not` where it refuses the latter."""

    challenger: "LoadedModel"
    champion: "LoadedModel | None"
    why_not: str
    folders: tuple[tuple[Path, str], ...]  # of those that can be loaded, challenger first


def promote_version(
    config: Config,
    name: str,
    version: int,
    validator: str,
    override: str | None,
    progress: Progress,
) -> Promoted:
    """Judge a version against the champion on the data in place; move `champion` if it passes."""
    from training.promotion.gate import history_check
    from training.promotion.validator import validator_check
    from training.promotion.verdict import Verdict
    from training.tracking import Store

    if override is not None and not override.strip():
        raise BadInput("--override needs the reason in words; it is kept in the history")
    store = Store(config.tracking, config.home)
    candidacy = store.candidacy(name, str(version))
    required = config.promotion.independent_validator
    first = [
        validator_check(validator, candidacy.trained_by, required),
        history_check(candidacy.history.broken),
    ]
    tables = clean_tables(config, progress)
    with tempfile.TemporaryDirectory() as temporary:
        rivals = _rivals(store, candidacy, Path(temporary))
        judge = _retention if name == MODEL_NAMES[0] else _segmentation
        found = judge(config, tables, rivals, candidacy.champion is None, progress)
    verdict = Verdict(
        name,
        None if candidacy.champion is None else str(candidacy.champion.version),
        str(version),
        found.judged_on,
        found.rows,
        found.customers,
        candidacy.trained_by,
        validator.strip(),
        (*first, *found.checks),
    )
    kept = store.keep_verdict(candidacy, verdict, found.tables)
    progress("judging", 1.0)
    entry = None
    if override or not verdict.failed:
        entry = store.promote(candidacy, verdict, override or "")
    card = _carded(config, name, entry, str(version))
    return Promoted(name, verdict, entry, kept, card, override or "")


def roll_back(config: Config, name: str) -> RolledBack:
    """Put the last champion back."""
    from training.tracking import Store

    entry = Store(config.tracking, config.home).rollback(name)
    return RolledBack(name, entry, _carded(config, name, entry, entry.version))


def _carded(config: Config, name: str, entry: "Entry | None", version: str) -> str:
    """The card of a version made again, and that of the champion it took the place of."""
    former = [entry.was] if entry is not None and entry.was else []
    return keep_cards(config, name, *former, version)


def list_history(config: Config) -> Histories:
    """Every move of every alias of every model, and whether the chains hold."""
    from training.tracking import Store

    store = Store(config.tracking, config.home)
    return Histories(
        tuple(
            ModelHistory.of(name, store.history(name), store.aliases(name)) for name in MODEL_NAMES
        )
    )


def _rivals(store: Any, candidacy: "Candidacy", into: Path) -> Rivals:
    from serving.loader import load_bundle
    from training.store.rival import rival_of

    challenger = _fetched(store, candidacy.challenger, into)
    ours = load_bundle(*challenger, version=str(candidacy.challenger.version))
    rival = rival_of(store, candidacy.champion, into)
    if rival is None:
        return Rivals(ours, None, "", (challenger,))
    try:
        champion = rival.place()
        theirs = load_bundle(*champion, version=rival.version)
    except BadInput as error:  # a champion that cannot be read must not stay for ever
        return Rivals(ours, None, str(error), (challenger,))
    return Rivals(ours, theirs, "", (challenger, champion))


def _fetched(store: Any, record: Any, into: Path) -> tuple[Path, str]:
    folder = into / str(record.version)
    folder.mkdir()
    fetched: tuple[Path, str] = store.fetch_bundle(record, folder)
    return fetched


def _retention(
    config: Config, tables: Tables, rivals: Rivals, alone: bool, progress: Progress
) -> Findings:
    from training.evaluation.fairness import fairness_at
    from training.promotion import gate
    from training.promotion.contest import hold_contest
    from training.store.bundle import read_retention

    ours, *theirs = [read_retention(*place) for place in rivals.folders]
    contest = hold_contest(
        tables,
        cells_of(config, tables),
        ours,
        theirs[0] if theirs else None,
        rivals.why_not,
        grid_version=current_version(config.layout),
        label=config.label,
        settings=config.retention,
        profit=config.profit,
        currency=config.bank.currency,
        folder=config.layout.root,
        progress=progress,
    )
    progress("judging", 0.0)
    bounds, seed = config.promotion, config.retention.seed
    fairness = fairness_at(
        tables,
        contest.rows,
        contest.challenger,
        contest.campaign,
        town_density(config.grid),
        config.publication.customers_min,
    )
    checks = [
        gate.leakage_check(ours.card.metrics),
        *gate.calibration_checks(contest, bounds),
        *gate.fairness_checks(fairness, bounds),
    ]
    found = {"fairness": fairness}
    if not alone:
        cells, found["cells"] = gate.cells_check(contest, bounds)
        progress("judging", 0.3)
        latency = _latency(rivals, contest.rows.head(TIMED_CUSTOMERS), seed)
        checks += [
            *gate.comparison_checks(contest, bounds, config.retention.bootstrap, seed),
            cells,
            gate.latency_check(latency, bounds, rivals.why_not),
        ]
    return Findings(checks, contest.judged_on, len(contest.rows), contest.customers, found)


def _segmentation(
    config: Config, tables: Tables, rivals: Rivals, alone: bool, progress: Progress
) -> Findings:
    from training.promotion.contest import require_grid
    from training.promotion.gate import latency_check
    from training.promotion.gate_segments import segment_checks

    card = rivals.challenger.card
    require_grid(card, current_version(config.layout))
    checks: list[Check] = []
    if not alone:
        progress("judging", 0.0)
        rows = _rows_to_time(config, tables, card.profile_as_of)
        latency = _latency(rivals, rows, config.segmentation.seed)
        theirs = rivals.champion.card if rivals.champion else None
        checks = [
            *segment_checks(theirs, card, rivals.why_not),
            latency_check(latency, config.promotion, rivals.why_not),
        ]
    return Findings(checks, card.judged_on, 0, 0, {})


def _rows_to_time(config: Config, tables: Tables, as_of: Any) -> pd.DataFrame:
    from features.customer import customer_features
    from features.engine import frame_of
    from training.rows.dataset import steady, with_cells

    ids = frame_of(tables.customers.select("customer_id").limit(TIMED_CUSTOMERS))["customer_id"]
    rows = frame_of(customer_features(tables, as_of, list(ids)))
    return with_cells(steady(rows), cells_of(config, tables))


def _latency(rivals: Rivals, rows: pd.DataFrame, seed: int) -> "Latency | None":
    from training.promotion.latency import compare_latency

    ours, theirs = rivals.challenger, rivals.champion
    if theirs is None:
        return None
    return compare_latency(lambda: _scored(theirs, rows), lambda: _scored(ours, rows), seed)


def _scored(model: "LoadedModel", rows: pd.DataFrame) -> Any:
    encoded = model.manifest.encode(model.inputs(rows))
    return np.asarray(model.booster.predict(encoded, raw_score=True))
