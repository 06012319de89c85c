"""False alarms of drift screens when nothing drifts, and what they find when something does.

    python benchmarks/drift_null.py [--cells 400] [--columns 20] [--repeats 3]

The bank has cells of 100 to 1,000 customers; each column differs by cell. The current month is
the same customers later (correlation 0.9), and everyone's values moved with the season. Power:
in 10 cells one column in five moves otherwise than the bank. Rare counts: a few customers in a
thousand have a complaint, and all over the bank more have one in the current month.
"""

import argparse
import os
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from monitoring.drift import screen
from monitoring.ranks import rank_scores, ranking
from monitoring.statistics import Block, most_telling, score_test

EVIDENTLY_CELLS = 6  # Evidently takes seconds a cell
RHO = 0.9
Pairs = set[tuple[str, str]]


class Bank(NamedTuple):
    """Two months of one bank, and the (cell, column) pairs that were moved."""

    before: pd.DataFrame
    after: pd.DataFrame
    moved: Pairs


def bank(
    rng: np.random.Generator, cells: int, columns: int, season: float, moved: int, fresh: bool
) -> Bank:
    size = rng.choice([100, 200, 500, 1000], cells, p=[0.2, 0.3, 0.3, 0.2])
    place = np.repeat(np.arange(cells), size)
    names = np.array([f"C{at:03d}" for at in range(cells)])
    before: dict[str, np.ndarray] = {"cell_id": names[place]}
    after: dict[str, np.ndarray] = {"cell_id": names[place]}
    planted: Pairs = set()
    for column in range(columns):
        level = rng.normal(0, 0.5, cells)
        first = rng.normal(size=len(place))
        rho = 0.0 if fresh else RHO
        second = rho * first + np.sqrt(1 - rho**2) * rng.normal(size=len(place)) + season
        first, second = first + level[place], second + level[place]
        if moved and column % 5 == 0:
            chosen = rng.choice(cells, moved, replace=False)
            second += 0.5 * np.isin(place, chosen)
            planted |= {(names[at], f"x{column}") for at in chosen}
        before[f"x{column}"], after[f"x{column}"] = first, second
    return Bank(pd.DataFrame(before), pd.DataFrame(after), planted)


def ours(month: Bank) -> Pairs:
    drift = screen(month.before, month.after)
    found = drift[drift["drifted"] & (drift["cell_id"] != "bank")]
    return set(zip(found["cell_id"], found["column"], strict=True))


def by_cell(test: Callable[[np.ndarray, np.ndarray], bool]) -> Callable[[Bank], Pairs]:
    def found(month: Bank) -> Pairs:
        groups = [dict(list(frame.groupby("cell_id"))) for frame in (month.before, month.after)]
        return {
            (cell, column)
            for cell in groups[0]
            for column in month.before.columns[1:]
            if test(groups[0][cell][column].to_numpy(), groups[1][cell][column].to_numpy())
        }

    return found


def psi_over_a_tenth(one: np.ndarray, two: np.ndarray) -> bool:
    edges = np.quantile(one, np.arange(1, 10) / 10)
    p, q = (np.bincount(np.searchsorted(edges, x), minlength=10) / len(x) for x in (one, two))
    p, q = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    return bool(((p - q) * np.log(p / q)).sum() > 0.1)


def ks_under_a_twentieth(one: np.ndarray, two: np.ndarray) -> bool:
    return bool(stats.ks_2samp(one, two, method="asymp").pvalue < 0.05)


def evidently_defaults(month: Bank) -> Pairs:
    os.environ["DO_NOT_TRACK"] = "1"
    found: Pairs = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently import Report
        from evidently.presets import DataDriftPreset

        for cell in sorted(set(month.before["cell_id"]))[:EVIDENTLY_CELLS]:
            one, two = (
                frame[frame["cell_id"] == cell].drop(columns="cell_id")
                for frame in (month.before, month.after)
            )
            result = Report([DataDriftPreset()]).run(two, one).dict()
            found |= {
                (cell, metric["config"]["column"])
                for metric in result["metrics"]
                if "ValueDrift" in metric["metric_name"] and _says_drift(metric)
            }
    return found


def _says_drift(metric: dict) -> bool:
    by_p_value = "p_value" in metric["config"]["method"]
    value, threshold = float(metric["value"]), float(metric["config"]["threshold"])
    return value < threshold if by_p_value else value >= threshold


SCREENS = {
    "gridkeep": ours,
    "PSI > 0.1": by_cell(psi_over_a_tenth),
    "KS p < 0.05": by_cell(ks_under_a_twentieth),
}


def null_table(cells: int, columns: int, repeats: int) -> None:
    print(f"\nFalse alarms, {cells} cells x {columns} columns, mean of {repeats} months")
    print(f"{'screen':<20}{'new customers':>15}{'same customers':>16}{'same + season':>15}")
    kinds = [(True, 0.0), (False, 0.0), (False, 0.3)]
    for name, found in SCREENS.items():
        alarms = []
        for fresh, season in kinds:
            rng = np.random.default_rng(1)
            months = [bank(rng, cells, columns, season, 0, fresh) for _ in range(repeats)]
            alarms.append(np.mean([len(found(month)) for month in months]))
        print(f"{name:<20}{alarms[0]:>15,.1f}{alarms[1]:>16,.1f}{alarms[2]:>15,.1f}")
    shares = []
    for fresh, season in kinds:
        month = bank(np.random.default_rng(1), EVIDENTLY_CELLS, columns, season, 0, fresh)
        shares.append(len(evidently_defaults(month)) * cells / EVIDENTLY_CELLS)
    row = f"{shares[0]:>15,.1f}{shares[1]:>16,.1f}{shares[2]:>15,.1f}"
    print(f"{'Evidently defaults':<20}{row}   ({EVIDENTLY_CELLS} cells, scaled up)")


def power_table(cells: int, columns: int, repeats: int) -> None:
    print("\nShifts of half a standard deviation planted in 10 cells of every fifth column, season")
    print(f"{'screen':<20}{'planted':>9}{'found':>9}{'false':>9}{'seconds':>9}")
    for name, found in SCREENS.items():
        rng = np.random.default_rng(2)
        hits = planted = false = 0
        spent = 0.0
        for _ in range(repeats):
            month = bank(rng, cells, columns, 0.3, 10, False)
            start = time.perf_counter()
            pairs = found(month)
            spent += time.perf_counter() - start
            hits, planted = hits + len(pairs & month.moved), planted + len(month.moved)
            false += len(pairs - month.moved)
        print(f"{name:<20}{planted:>9,}{hits:>9,}{false:>9,}{spent / repeats:>9.1f}")


SHAPES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "no drift": lambda rng, n: rng.normal(size=n),
    "place +0.25 sd": lambda rng, n: rng.normal(0.25, 1, n),
    "spread x1.3": lambda rng, n: rng.normal(0, 1.3, n),
    "one in ten at +2 sd": lambda rng, n: rng.normal(size=n) + 2 * (rng.random(n) < 0.1),
    "two humps": lambda rng, n: rng.choice([-0.9, 0.9], n) + rng.normal(0, 0.44, n),
    "one in ten at zero": lambda rng, n: rng.normal(size=n) * (rng.random(n) > 0.1),
}


def smooth(degree: int, place: bool = False) -> Callable[[np.ndarray, np.ndarray], float]:
    def p_value(one: np.ndarray, two: np.ndarray) -> float:
        both = ranking(np.concatenate([one, two]), np.ones(len(one) + len(two)))
        scores = rank_scores(both.lower, both.upper, degree)
        counts = [
            np.bincount(both.level(x), minlength=len(both.edges))[None].astype(float)
            for x in (one, two)
        ]
        found = score_test(Block(counts[0], counts[1], scores), 30)
        if place:
            found = most_telling(found, score_test(Block(*counts, scores[:, :1]), 30))
        return float(found.p_value[0])

    return p_value


def ten_bins(one: np.ndarray, two: np.ndarray) -> float:
    edges = np.quantile(np.concatenate([one, two]), np.arange(1, 10) / 10)
    table = [np.bincount(np.searchsorted(edges, x), minlength=10) for x in (one, two)]
    return float(stats.chi2_contingency(np.array(table)).pvalue)


STATISTICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    **{f"rank scores, {degree}": smooth(degree) for degree in (1, 2, 4, 6)},
    "gridkeep: 4, or place": smooth(4, place=True),
    "KS": lambda one, two: float(stats.ks_2samp(one, two, method="asymp").pvalue),
    "Cramer-von Mises": lambda one, two: float(
        stats.cramervonmises_2samp(one, two, method="asymptotic").pvalue
    ),
    "chi-square, 10 bins": ten_bins,
}


def choice_table(repeats: int, size: int = 300) -> None:
    print(f"\nShare of p < 0.01, {size} against {size} customers, {repeats} draws")
    print(f"{'statistic':<24}" + "".join(f"{name:>21}" for name in SHAPES))
    for name, p_value in STATISTICS.items():
        shares = []
        for shape in SHAPES.values():
            rng = np.random.default_rng(3)
            p = [p_value(rng.normal(size=size), shape(rng, size)) for _ in range(repeats)]
            shares.append((np.array(p) < 0.01).mean())
        print(f"{name:<24}" + "".join(f"{share:>20.0%} " for share in shares))


def rare_table(columns: int, sizes: tuple[int, ...] = (100, 300, 1000)) -> None:
    levels = (0.1, 0.01, 1e-3, 1e-4, 1e-5)
    print(
        f"\nRare counts, nothing drifts, 60 cells x {columns:,} columns: share of p under a level"
    )
    print(f"{'share':<17}{'reference':>10}{'tested':>8}" + "".join(f"{at:>10g}" for at in levels))
    place = np.repeat([f"C{at:02d}" for at in range(60)], np.tile(sizes, 60 // len(sizes)))
    shares = [(0.001, 0.0013), (0.003, 0.004), (0.01, 0.013), (0.05, 0.065)]
    for (share, later), rows in ((pair, rows) for pair in shares for rows in (1000, 100)):
        rng, p = np.random.default_rng(4), []
        for _ in range(columns // 50):
            months = [
                pd.DataFrame(
                    rng.random((len(place), 50)) < part, columns=[f"x{at}" for at in range(50)]
                )
                for part in (share, later)
            ]
            before, after = (month.astype(float).assign(cell_id=place) for month in months)
            kept = before.groupby("cell_id").cumcount() < rows
            weight = before.groupby("cell_id")["x0"].transform("size").clip(lower=rows) / rows
            drift = screen(before.assign(weight=weight)[kept], after)
            p.append(drift.loc[drift["cell_id"] != "bank", ["p_value", "freedom"]])
        found = pd.concat(p)
        told = "".join(f"{(found['p_value'] < at).mean():>10.1g}" for at in levels)
        sampled = "all" if rows > 100 else "100 a cell"
        tested = f"{(found['freedom'] > 0).mean():>8.0%}"
        print(f"{share:.1%} -> {later:<8.2%}{sampled:>11}{tested}{told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", type=int, default=400)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    rare_table(100 * chosen.repeats)
    choice_table(100 * chosen.repeats)
    power_table(chosen.cells, chosen.columns, chosen.repeats)
    null_table(chosen.cells, chosen.columns, chosen.repeats)


if __name__ == "__main__":
    main()
