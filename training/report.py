"""What a training found, as values; and what it says of itself in the model store."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from features.settings import LabelSettings
from training.evaluation.metrics import Estimate
from training.store.bundle import write_text

Progress = Callable[[str, float], None]
Estimates = Mapping[str, Estimate]
VERSUS = "versus_"  # before the paired differences of the model from a rival
HOME = Path(__file__).resolve().parents[1]
PACKAGES = ("domain", "features", "training", "serving", "monitoring", "gridkeep")


@dataclass(frozen=True)
class TrainReport:
    """One training: its registered version, its figures, and where its pictures are."""

    name: str
    digest: str
    trained_as_of: tuple[date, ...]
    evaluated_as_of: tuple[date, ...]
    rows: int  # trained on
    customers: int
    metrics: Mapping[str, Estimate]
    baselines: Mapping[str, Mapping[str, Estimate]]
    differences: Mapping[str, Mapping[str, Estimate]]  # model minus baseline (or champion)
    cells: pd.DataFrame = field(default_factory=pd.DataFrame)
    campaign: Mapping[str, float] = field(default_factory=dict)  # its threshold and shares
    segments: Mapping[str, float] = field(default_factory=dict)  # name -> share when judged
    segment_table: pd.DataFrame = field(default_factory=pd.DataFrame)  # what became of each
    notes: tuple[str, ...] = ()
    run_id: str = ""  # this and the next three: once it is registered
    version: str = ""
    alias: str = ""
    artifacts: str = ""
    plots: tuple[str, ...] = ()  # below `artifacts`


def silent(step: str, share: float) -> None:
    """Progress that nobody watches.

    >>> silent("training", 0.5)
    """


def within(progress: Progress, low: float, high: float) -> Progress:
    """Progress of a part that spans `low` to `high` of the whole.

    >>> within(lambda step, share: print(step, share), 0.5, 1.0)("fitting", 0.5)
    fitting 0.75
    """
    return lambda step, share: progress(step, low + (high - low) * share)


def flat(estimates: Mapping[str, Estimate], prefix: str = "") -> dict[str, float]:
    """NAME, NAME_low and NAME_high; what could not be measured is left out.

    >>> flat({"auc": Estimate(0.8, 0.7, 0.9)})
    {'auc': 0.8, 'auc_low': 0.7, 'auc_high': 0.9}
    """
    found = {}
    for name, (value, low, high) in estimates.items():
        values = {
            f"{prefix}{name}": value,
            f"{prefix}{name}_low": low,
            f"{prefix}{name}_high": high,
        }
        found.update({key: float(number) for key, number in values.items() if np.isfinite(number)})
    return found


def beside(
    ours: Estimates, rivals: Mapping[str, Estimates], differences: Mapping[str, Estimates]
) -> dict[str, float]:
    """`flat` of the model, of every rival (RIVAL_NAME) and of the differences (versus_RIVAL_NAME).

    >>> one, other = {"auc": Estimate(0.8, 0.7, 0.9)}, {"a rule": {"auc": Estimate(0.6, 0.5, 0.7)}}
    >>> list(beside(one, other, {}))[::3]
    ['auc', 'a_rule_auc']
    """
    figures = flat(ours)
    for prefix, tables in (("", rivals), (VERSUS, differences)):
        for rival, estimates in tables.items():
            figures |= flat(estimates, f"{prefix}{rival.replace(' ', '_')}_")
    return figures


def judged_on(cutoffs: Sequence[date], label: LabelSettings) -> str:
    """Cut-offs and label in words; equal words mean comparable figures.

    >>> judged_on([date(2026, 1, 1)], LabelSettings(kind="closed"))
    '2026-01-01 (closed, 90 + 30 + 90 days)'
    """
    limit = {
        "balance_attrition": f", ratio {label.balance_ratio:g}",
        "zero_balance": f", below {label.zero_below:g}",
    }.get(label.kind, "")
    days = f"{label.observation_days} + {label.gap_days} + {label.outcome_days} days"
    return f"{', '.join(map(str, cutoffs))} ({label.kind}, {days}{limit})"


def git_revision(home: Path = HOME) -> str:
    """Commit of this code, `-changed` when it is not what runs; 'unknown' outside its repository.

    Changed means: a file differs from the commit, or a module of ours is in none.
    """
    git = shutil.which("git")
    if git is None or not _ours(home, _git(git, home, "rev-parse", "--show-toplevel")):
        return "unknown"
    commit = _git(git, home, "rev-parse", "HEAD")
    # --others without exclusions: an ignored module is imported all the same
    modules = [f"{package}/*.py" for package in PACKAGES]
    changed = _git(git, home, "status", "-s", "-uno") or _git(
        git, home, "ls-files", "--others", "--", *modules
    )
    return f"{commit}-changed" if commit and changed else commit or "unknown"


def _ours(home: Path, top: str) -> bool:
    # an installed copy lies in somebody else's repository, whose commit says nothing about it
    return bool(top) and Path(top) == home and (home / "pyproject.toml").is_file()


def _git(git: str, home: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: S603 (fixed words, no shell)
        [git, *words], cwd=home, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def write_tables(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Each table as NAME.csv in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_text(folder / f"{name}.csv", table.to_csv(index=False))


def write_metrics(folder: Path, metrics: Mapping[str, float]) -> None:
    """The figures as `metrics.json` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "metrics.json", json.dumps(dict(metrics), indent=1))
