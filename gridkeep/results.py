"""Results of the verbs in words: each has `lines()`, and its fields are the JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridkeep.show import table

if TYPE_CHECKING:
    from domain.reconciliation import Reconciliation
    from features.explain import Explanation, Spread
    from features.simulation import SimulationSummary
    from features.snapshot import SnapshotInfo
    from monitoring.monitor import MonitorReport
    from serving.batch import ScoreSummary
    from training.report import TrainReport
    from training.store.registered import ModelVersion


@dataclass(frozen=True)
class Simulated:
    """A synthetic bank."""

    summary: "SimulationSummary"

    def lines(self) -> Sequence[str]:
        """What was written."""
        found = self.summary
        return [
            f"{found.customers:,} customers, {found.transactions:,} transactions and "
            f"{found.closures:,} closures from {found.first_day} to {found.end_day} "
            f"in {found.folder}",
            f"next: gridkeep check --config {found.folder / 'gridkeep.toml'}",
        ]


@dataclass(frozen=True)
class Built:
    """A feature file."""

    info: "SnapshotInfo"
    reconciliation: "Reconciliation"

    def lines(self) -> Sequence[str]:
        """Rows, cut-offs and columns."""
        days = ", ".join(day.isoformat() for day in self.info.as_of)
        return [
            f"{self.info.rows:,} rows x {len(self.info.features)} features at {days} "
            f"on {self.info.grid_version}",
            _reconciled(self.reconciliation),
            f"written to {self.info.path}",
        ]


@dataclass(frozen=True)
class Explained:
    """A feature."""

    feature: "Explanation"

    def lines(self) -> Sequence[str]:
        """Meaning, sources, definition, SQL and spread."""
        one = self.feature
        facts = {
            "family": one.family,
            "unit": one.unit,
            "range": one.range,
            "without history": one.without_history,
            "watched for drift": "yes" if one.watched else "no",
            "tables": ", ".join(one.sources),
        }
        return [
            f"{one.name}: {one.meaning}",
            *(f"  {name:<18}{value}" for name, value in facts.items()),
            *["", "definition", one.definition],
            *["", f"the same in DuckDB's SQL, at the cut-off {one.as_of}", one.sql, ""],
            *(_spread(one.spread) if one.spread else [one.note]),
        ]


def _spread(spread: "Spread") -> Sequence[str]:
    missing = f"{spread.missing_share:.1%} missing"
    lines = [f"values at {spread.as_of}: {spread.customers:,} customers, {missing}"]
    if spread.low is not None:
        shares = {"min": spread.low, **spread.quantiles, "max": spread.high}
        lines.append(table("", list(shares), [list(shares.values())]))
    most = max((bar.customers for bar in spread.bars), default=1)
    bars = [
        [bar.label, bar.customers, "#" * round(40 * bar.customers / most)] for bar in spread.bars
    ]
    return [*lines, table("", ["values", "customers", ""], bars)]


@dataclass(frozen=True)
class Trained:
    """A registered version and what it is worth."""

    report: "TrainReport"
    card: str = ""  # where its model card is

    def lines(self) -> Sequence[str]:
        """Figures with intervals, beside the baselines."""
        found = self.report
        heads = ["figure", "model", *found.baselines]
        rows = [
            [name, _interval(value), *(_interval(b.get(name)) for b in found.baselines.values())]
            for name, value in found.metrics.items()
        ]
        return [
            f"{found.name} version {found.version} is {found.alias}: trained on "
            f"{found.rows:,} rows of {found.customers:,} customers at {_days(found.trained_as_of)}",
            f"judged at {_days(found.evaluated_as_of)} (95 % intervals)",
            table("", heads, rows),
            *_segments(found),
            *found.notes,
            f"plots and tables: {near(found.artifacts)}",
            *([f"model card: {near(self.card)}"] if self.card else []),
        ]


def _segments(found: "TrainReport") -> Sequence[str]:
    """Shares when judged; what became of those the segments were made of, and the policies."""
    if not found.segments:
        return []
    heads = ["segment", f"customers at {found.evaluated_as_of[-1]}"]
    rows: list[list[Any]] = [[name, f"{share:.1%}"] for name, share in found.segments.items()]
    known = found.segment_table
    if len(known):
        since = found.trained_as_of[0]
        heads += [f"lost since {since}", "value later", "contact", "days", "manager"]
        lost = [None if rate != rate else f"{rate:.1%}" for rate in known["churn"]]
        columns = ["value_later", "contact", "cadence_days", "manager"]
        more = known[columns].itertuples(index=False)
        rows = [[*row, rate, *rest] for row, rate, rest in zip(rows, lost, more, strict=True)]
    return [table("", heads, rows)]


@dataclass(frozen=True)
class Versions:
    """Registered versions."""

    versions: "tuple[ModelVersion, ...]"

    def lines(self) -> Sequence[str]:
        """A row a version."""
        if not self.versions:
            return ["no model is registered yet; run `gridkeep train retention`"]
        rows = [
            [
                *(v.name, v.version, " ".join(v.aliases), f"{v.created:%Y-%m-%d %H:%M}"),
                *(v.trained_by or "-", v.judged_on),
            ]
            for v in self.versions
        ]
        heads = ["model", "version", "alias", "created (UTC)", "trained by", "judged on"]
        return [table("", heads, rows)]


@dataclass(frozen=True)
class Scored:
    """A score file."""

    as_of: date
    summary: "ScoreSummary"
    reconciliation: "Reconciliation"

    def lines(self) -> Sequence[str]:
        """Customers by risk band, and the value at risk."""
        found = self.summary
        bands = ", ".join(f"{count:,} {band}" for band, count in found.risk_bands.items())
        unknown = found.value_unknown
        who = "customer has" if unknown == 1 else "customers have"
        without = f" ({unknown:,} {who} no known value)" if unknown else ""
        return [
            f"{found.customers:,} customers scored at {self.as_of}: {bands}; "
            f"value at risk {found.value_at_risk:,.0f}{without}",
            _reconciled(self.reconciliation),
            f"written to {found.out}",
        ]


@dataclass(frozen=True)
class Monitored:
    """A drift screen."""

    report: "MonitorReport"

    @property
    def flagged(self) -> bool:
        """Whether a cell or a pool of small cells moved."""
        return bool(self.report.flagged)

    def lines(self) -> Sequence[str]:
        """The verdict, the flagged cells, and where to look."""
        found = self.report
        rows = [[cell, ", ".join(columns)] for cell, columns in found.flagged.items()]
        bank = ", ".join(found.bank_columns) or "nothing"
        small = sum(len(cells) for cells in found.pools.values())
        pools = f"{len(found.flagged_pools)} of {len(found.pools)} pools of {small} small cells"
        return [
            f"{len(found.flagged_cells)} of {found.tested_alone} cells and {pools} moved otherwise "
            f"than the bank at {found.as_of} ({found.tests:,} tests on {found.grid_version})",
            *([table("", ["cell", "columns that moved"], rows)] if rows else []),
            f"the bank as a whole: {bank} moved",
            *([f"{len(found.untested)} are too small to test"] if found.untested else []),
            f"page: {found.index}",
        ]


def _reconciled(found: "Reconciliation") -> str:
    """What was compared; a line that does not come out was an error before."""
    words = f"{len(found.lines)} counts and amounts reconciled from the source on"
    return "; ".join([words, *found.notes])


def near(path: str) -> str:
    """The path from here when it lies below, else as it is."""
    here = Path.cwd()
    return Path(path).relative_to(here).as_posix() if Path(path).is_relative_to(here) else path


def _interval(estimate: Any) -> str:
    if estimate is None:
        return "-"
    value, low, high = estimate
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _days(days: Sequence[date]) -> str:
    return ", ".join(day.isoformat() for day in days)
