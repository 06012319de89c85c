"""The verdict of the gate before `champion`: a table of checks, and what it says in words."""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from training.evaluation.metrics import Estimate


class Check(NamedTuple):
    """One thing that must be true of a challenger: figures of both, and whether it holds.

    `difference` is challenger against champion, or the figure itself, with its interval; `bound`
    is what it must keep to, in words; `reason` says why it passed or not.
    """

    name: str
    champion: float | None
    challenger: float | None
    difference: Estimate | None
    bound: str
    passed: bool
    reason: str


class Verdict(NamedTuple):
    """What the gate found about one version: every check, and on what rows it looked."""

    model: str
    champion: str | None  # version; None before there is one
    challenger: str
    judged_on: str
    rows: int
    customers: int
    trained_by: str
    validator: str
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def refusal(self) -> str:
        """Why the challenger may not become champion, "" when it may."""
        if not self.failed:
            return ""
        against = f" against champion {self.champion}" if self.champion else ""
        told = "; ".join(f"{check.name}: {check.reason}" for check in self.failed)
        return (
            f"version {self.challenger} of {self.model} does not pass the gate{against}: {told}. "
            'Keep the champion and train again, or promote with --override "REASON", which is kept'
        )

    @property
    def json(self) -> str:
        """The verdict as the document that is kept; what was not measured is null."""
        told = {**self._asdict(), "checks": [_plain(check) for check in self.checks]}
        return json.dumps(told, ensure_ascii=False, indent=1)

    @property
    def digest(self) -> str:
        """SHA-256 of that document."""
        return hashlib.sha256(self.json.encode()).hexdigest()

    @property
    def table(self) -> pd.DataFrame:
        """One row per check, for people."""
        return pd.DataFrame([_plain(check) for check in self.checks])


def unmeasured(name: str, why: str, bound: str = "measured") -> Check:
    """A check that failed because there is no figure: what was not shown does not pass.

    >>> unmeasured("profit", "the champion cannot be read").passed
    False
    """
    return Check(name, None, None, None, bound, False, f"not measured: {why}")


def _plain(check: Check) -> dict[str, object]:
    value, low, high = check.difference or (None, None, None)
    found = {**check._asdict(), "difference": value, "low": low, "high": high}
    order = ["name", "champion", "challenger", "difference", "low", "high", "bound"]
    return {key: _finite(found[key]) for key in [*order, "passed", "reason"]}


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def names(checks: Sequence[Check]) -> str:
    """Names of checks, for a sentence.

    >>> names([unmeasured("profit", ""), unmeasured("cells", "")])
    'profit, cells'
    """
    return ", ".join(check.name for check in checks)
