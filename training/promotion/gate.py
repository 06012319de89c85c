"""The checks before a retention model becomes champion, each a row of the verdict."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.intervals import Z_95
from training.evaluation.fairness import calibration
from training.evaluation.metrics import Estimate, customer_weights
from training.promotion.cell_losses import cell_losses
from training.promotion.contest import Contest
from training.promotion.latency import Latency
from training.promotion.verdict import Check, unmeasured
from training.settings import PromotionSettings

Floats = NDArray[np.float64]
LOSS, PROFIT = "log_loss", "profit_per_customer"
TENTH = 0.1
# a card is published, and this figure would give back that of a smaller group
UNTOLD = "a group of which only fairness.csv may tell"


def comparison_checks(
    contest: Contest, settings: PromotionSettings, draws: int, seed: int
) -> list[Check]:
    """Log-loss and profit, paired by customer; without a champion to read, they fail."""
    if contest.champion is None:
        return [unmeasured(name, contest.why_not) for name in ("log-loss", "profit")]
    found = paired(contest, draws, seed)
    return [_log_loss(found[LOSS], settings.log_loss_tolerance), _profit(found[PROFIT])]


class Paired(NamedTuple):
    """A figure of both models, and challenger minus champion with its 95 % interval."""

    champion: float
    challenger: float
    difference: Estimate


def paired(contest: Contest, draws: int, seed: int) -> dict[str, Paired]:
    """Log-loss and profit of both on the same resamples of customers.

    The interval is normal with the bootstrap's standard error: the ends of a few hundred resamples
    themselves are too unsteady, and would refuse equal challengers half as often again.
    """
    rivals = [contest.champion, contest.challenger]
    metrics = [contest.campaign.metrics(contest.y, np.asarray(one)) for one in rivals]
    every, people = np.ones(len(contest.rows)), contest.rows["customer_id"]
    weights = chain([every], customer_weights(people, draws, seed))
    of = [[[one[name](weight) for one in metrics] for name in (LOSS, PROFIT)] for weight in weights]
    figures = np.array(of)  # (1 + draws) x figures x (champion, challenger)
    change = figures[:, :, 1] - figures[:, :, 0]
    around = Z_95 * change[1:].std(axis=0, ddof=1)
    return {
        name: Paired(
            float(figures[0, at, 0]), float(figures[0, at, 1]), _around(change[0, at], around[at])
        )
        for at, name in enumerate((LOSS, PROFIT))
    }


def _around(value: float, reach: float) -> Estimate:
    return Estimate(float(value), float(value - reach), float(value + reach))


def _log_loss(found: Paired, tolerance: float) -> Check:
    theirs, ours, change = found
    surely, far = change.low > 0, change.value > tolerance * theirs
    bound = f"not surely above 0, nor above {tolerance:.0%} of the champion's"
    why = "surely worse" if surely else "worse by more than is tolerated" if far else "not worse"
    passed = np.isfinite([change.low, theirs]).all() and not surely and not far
    return Check("log-loss", theirs, ours, change, bound, bool(passed), f"{why}: {_by(change)}")


def _profit(found: Paired) -> Check:
    theirs, ours, change = found
    passed = bool(np.isfinite(change.high) and change.high >= 0)
    why = f"{'not worse' if passed else 'surely worse'}: {_by(change)} a customer"
    return Check("profit", theirs, ours, change, "not surely below 0", passed, why)


def calibration_checks(contest: Contest, settings: PromotionSettings) -> list[Check]:
    """Losses over predicted losses, of everyone and of the tenth at the highest risk."""
    return [
        _calibrated(name, contest, share, settings.calibration_ratio)
        for name, share in (("calibration", 1.0), ("calibration, riskiest tenth", TENTH))
    ]


def _calibrated(name: str, contest: Contest, share: float, most: float) -> Check:
    theirs = None if contest.champion is None else _ratio(contest, contest.champion, share).value
    ours = _ratio(contest, contest.challenger, share)
    passed = within(ours, 1 / most, most)
    why = f"{ours.value:.2f} losses for each that was predicted ({ours.low:.2f} to {ours.high:.2f})"
    return Check(name, theirs, ours.value, ours, _between(1 / most, most), passed, why)


def _ratio(contest: Contest, probability: Floats, share: float) -> Estimate:
    top = probability >= np.quantile(probability, 1 - share)
    people = int(contest.rows["customer_id"][top].nunique())
    return calibration(contest.y[top], probability[top], people)


def cells_check(contest: Contest, settings: PromotionSettings) -> tuple[Check, pd.DataFrame]:
    """No cell with enough customers is significantly worse; and the table of cells."""
    name, least = "cells", settings.cell_customers
    if contest.champion is None:
        return unmeasured(name, contest.why_not), pd.DataFrame()
    y, theirs, ours = contest.y, contest.champion, contest.challenger
    cells = cell_losses(contest.rows, y, theirs, ours, least, settings.cell_significance)
    worse = list(cells.loc[cells["worse"], "cell_id"])
    why = f"of {len(cells)} cells with {least} customers, {_listed(worse)}"
    bound = f"none worse at {settings.cell_significance:g} for all together"
    return Check(name, None, float(len(worse)), None, bound, not worse, why), cells


def fairness_checks(table: pd.DataFrame, settings: PromotionSettings) -> list[Check]:
    """Calibration and lists by age, sex and place, from the table of groups."""
    most, gap = settings.fairness_ratio, settings.fairness_gap
    return [
        _groups("fairness, calibration", table, "ratio", 1 / most, most, 1.0),
        _groups("fairness, lists", table, "gap", -gap, gap, 0.0),
    ]


def _groups(
    name: str, table: pd.DataFrame, figure: str, low: float, high: float, fair: float
) -> Check:
    bound = f"{_between(low, high)} in every group"
    if not len(table):
        return Check(name, None, None, None, bound, True, "there is one group only")
    found = {
        f"{row.attribute} {row.group}": Estimate(
            *(float(getattr(row, f"{figure}{end}")) for end in ("", "_low", "_high"))
        )
        for row in table.itertuples()
    }
    known = {f"{row.attribute} {row.group}" for row in table[table["told"]].itertuples()}
    out = [group for group, one in found.items() if not within(one, low, high)]
    far = max(found, key=lambda group: abs(np.nan_to_num(found[group].value) - fair))
    shown = out or [far]
    told = (f"{one}: {found[one].value:.2f}" if one in known else UNTOLD for one in shown)
    why = f"{'beyond the bound' if out else 'farthest'}: {'; '.join(told)}"
    first = found[shown[0]] if shown[0] in known else None
    return Check(name, None, first and first.value, first, bound, not out, why)


def latency_check(found: Latency | None, settings: PromotionSettings, why_not: str) -> Check:
    """The time that scoring takes, against the champion's on the same rows."""
    name, most = "latency", settings.latency_ratio
    if found is None:
        return unmeasured(name, why_not)
    passed = found.ratio.low <= most
    times = 1e3 * found.champion, 1e3 * found.challenger
    why = f"{times[1]:.2f} ms against {times[0]:.2f} ms, {found.ratio.value:.2f} times"
    return Check(name, *times, found.ratio, f"not surely above {most:g} times", passed, why)


def leakage_check(metrics: Mapping[str, float]) -> Check:
    """Whether training passed the leakage gate, by the sealed card."""
    passed = metrics.get("leakage_passed") == 1.0
    why = "passed when it was trained" if passed else "the card does not say that it passed"
    return Check("leakage", None, None, None, "passed", passed, why)


def history_check(broken: str) -> Check:
    """Whether the history of the aliases is whole."""
    why = broken or "every entry is sealed onto the one before"
    return Check("history", None, None, None, "unbroken", not broken, why)


def within(estimate: Estimate, low: float, high: float) -> bool:
    """Whether the interval reaches into the bounds; one that is not known does not.

    >>> within(Estimate(1.4, 1.2, 1.6), 0.8, 1.25), within(Estimate(1.4, 1.3, 1.5), 0.8, 1.25)
    (True, False)
    """
    return estimate.low <= high and estimate.high >= low


def _between(low: float, high: float) -> str:
    return f"interval reaches {low:.2f} to {high:.2f}"


def _by(change: Estimate) -> str:
    return f"{change.value:+.4g} ({change.low:+.4g} to {change.high:+.4g})"


def _listed(cells: Sequence[str], shown: int = 5) -> str:
    more = f" and {len(cells) - shown} more" if len(cells) > shown else ""
    return f"worse are {', '.join(cells[:shown])}{more}" if cells else "none is surely worse"
