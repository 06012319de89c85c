"""The screen: what is told once, what is flagged, and what never is."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from domain.errors import BadInput
from monitoring.drift import DRIFT_COLUMNS, _column_tests, _judged, _months, _trimmed, screen
from monitoring.pooling import pool
from monitoring.settings import MonitoringSettings

Month = Callable[..., pd.DataFrame]
Flagged = Callable[[pd.DataFrame], set[tuple[str, str]]]
NO_GATE = MonitoringSettings(effect_min=0)


def row(drift: pd.DataFrame, cell: str, column: str) -> pd.Series:
    return drift[(drift["cell_id"] == cell) & (drift["column"] == column)].iloc[0]


def test_the_table_has_the_promised_columns_and_a_row_per_group_and_column(month: Month) -> None:
    drift = screen(month(1), month(2), as_of=date(2026, 2, 1), grid_version="grid-1")
    assert tuple(drift.columns) == DRIFT_COLUMNS
    assert len(drift) == 13 * 6
    assert set(drift["as_of"]) == {date(2026, 2, 1)}
    assert set(drift["grid_version"]) == {"grid-1"}
    assert set(drift["n_reference"]) == {300, 3600}


def test_without_drift_nothing_is_flagged_and_p_values_are_no_smaller_than_chance(
    month: Month,
) -> None:
    p, kinds = [], []
    for seed in range(4):
        months = month(2 * seed, cells=80), month(2 * seed + 1, cells=80)
        drift = screen(*months, settings=NO_GATE)
        assert drift["drifted"].sum() <= 1
        tested = drift[(drift["cell_id"] != "bank") & (drift["freedom"] > 0)]
        p.append(tested["p_value"])
        kinds.append(tested.loc[tested["column"] == "customer_kind", "p_value"])
    for level in (0.5, 0.2, 0.05, 0.01):  # two looks at a number cost some of the level
        assert 0.6 * level < (np.concatenate(p) < level).mean() < 1.15 * level
    assert stats.kstest(np.concatenate(kinds), "uniform").pvalue > 1e-3


@pytest.mark.parametrize(("share", "later"), [(0.003, 0.004), (0.01, 0.013), (0.03, 0.04)])
@pytest.mark.parametrize("per_cell", [2000, 150])
@pytest.mark.parametrize("stay", [0.0, 0.7])
def test_a_rare_count_that_moves_in_the_whole_bank_alarms_no_cell(
    share: float, later: float, per_cell: int, stay: float
) -> None:
    rng = np.random.default_rng(17)
    size = np.tile([100, 300, 1000], 10)
    place = np.repeat([f"C{at:02d}" for at in range(30)], size)
    chance = rng.random((40, len(place)))
    again = np.where(rng.random(chance.shape) < stay, chance, rng.random(chance.shape))
    before, after = (
        pd.DataFrame((values < part).astype(float).T, columns=[f"x{at}" for at in range(40)])
        for values, part in ((chance, share), (again, later))
    )
    before["cell_id"], after["cell_id"] = place, place
    before["weight"] = np.repeat(np.maximum(size / per_cell, 1.0), size)
    before = before[before.groupby("cell_id").cumcount() < per_cell]
    drift = screen(before, after, settings=NO_GATE)
    cells = drift[drift["cell_id"] != "bank"]
    assert not cells["drifted"].any()
    for level in (0.1, 0.01, 0.001):
        assert (cells["p_value"] < level).mean() < 1.3 * level
    assert cells["p_value"].min() > 1e-5


def test_a_cell_without_the_rare_value_does_not_drift_when_the_bank_has_more_of_it() -> None:
    place = np.repeat([f"C{at}" for at in range(6)], 500)
    first = np.arange(3000) % 500
    before = pd.DataFrame({"cell_id": place, "x": ((place != "C0") & (first < 6)).astype(float)})
    after = pd.DataFrame({"cell_id": place, "x": ((place != "C0") & (first < 7)).astype(float)})
    found = row(screen(before, after, settings=NO_GATE), "C0", "x")
    assert found["p_value"] == 1
    assert found["effect"] < 0.01


def test_one_value_computed_in_two_ways_is_one_value(month: Month) -> None:
    before, after = month(1), month(2)
    rng = np.random.default_rng(3)
    for frame, noise in ((before, 0.0), (after, 1e-15)):
        mass = rng.random(len(frame)) < 0.3
        ratio = 4.055555555555555 * (1 + noise * rng.choice([-1, 0, 1], len(frame)))
        frame["credit_trend"] = np.where(mass, ratio, rng.exponential(5, len(frame)))
    drift = screen(before, after, settings=NO_GATE)
    rounded = [
        frame.assign(credit_trend=frame["credit_trend"].round(9)) for frame in (before, after)
    ]
    of_it = drift["column"] == "credit_trend"
    same = screen(*rounded, settings=NO_GATE)
    assert drift[of_it]["p_value"].to_numpy() == pytest.approx(same[of_it]["p_value"].to_numpy())


def test_a_certain_but_tiny_move_does_not_loosen_the_threshold_of_others() -> None:
    sizes = MonitoringSettings(effect_min=0.2)
    table = pd.DataFrame({"p_value": [1e-9] * 9 + [0.04], "effect": [0.1] * 9 + [0.3]})
    judged = _judged(table, sizes)
    assert judged["q_value"].iloc[-1] == pytest.approx(0.04)
    assert not judged["drifted"].any()


def test_a_cell_left_out_of_the_bank_is_compared_with_a_sample() -> None:
    p = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        place = np.repeat(["A", "B", "C"], [400, 300, 300])
        frames = [pd.DataFrame({"cell_id": place, "x": rng.normal(size=1000)}) for _ in range(2)]
        months = _months(*frames, "cell_id", pool(*(f["cell_id"] for f in frames), {}, NO_GATE))
        out = _trimmed(months, pd.DataFrame({"effect": [1.0], "cell_id": ["A"]}))
        p.append(_column_tests(out, "x", NO_GATE, relative=True)["p_value"].iloc[0])
    assert (np.array(p) < 0.1).mean() < 0.14  # 0.2 if the rest were the truth itself


def test_one_cell_that_moves_is_flagged_and_no_other(month: Month, flagged: Flagged) -> None:
    before, after = month(1), month(2)
    after.loc[after["cell_id"] == "C03", "credit_30d"] *= 0.5
    drift = screen(before, after)
    assert flagged(drift) == {("C03", "credit_30d")}
    found = row(drift, "C03", "credit_30d")
    assert found["direction"] == "lower"
    assert found["median_current"] == pytest.approx(found["median_reference"] / 2, rel=0.2)
    assert found["effect"] > 0.1


@pytest.mark.parametrize("factor", [1.6, 0.4])
def test_what_moves_the_whole_bank_is_told_once(
    month: Month, flagged: Flagged, factor: float
) -> None:
    before, after = month(1), month(2)
    after["credit_30d"] *= factor
    after["balance_last"] = after["balance_last"] ** 3
    assert flagged(screen(before, after)) == {("bank", "credit_30d"), ("bank", "balance_last")}


def test_zeros_gaps_and_categories_that_come_everywhere_flag_no_cell(
    month: Month, flagged: Flagged
) -> None:
    before, after = month(1), month(2)
    rng = np.random.default_rng(3)
    for column, hole in (("transactions_30d", 0.0), ("regularity", np.nan)):
        after.loc[rng.random(len(after)) < 0.25, column] = hole
    after.loc[rng.random(len(after)) < 0.3, "customer_kind"] = "online"
    drift = screen(before, after)
    bank = {("bank", name) for name in ("transactions_30d", "regularity", "customer_kind")}
    assert flagged(drift) == bank
    assert row(drift, "bank", "regularity")["direction"] == "more missing"
    assert row(drift, "bank", "customer_kind")["direction"] == "more online"


def test_a_cell_that_stays_while_the_bank_moves_is_flagged(month: Month, flagged: Flagged) -> None:
    before, after = month(1), month(2)
    after.loc[after["cell_id"] != "C05", "balance_last"] += 300
    drift = screen(before, after)
    assert flagged(drift) == {("bank", "balance_last"), ("C05", "balance_last")}
    assert row(drift, "C05", "balance_last")["direction"] == "lower"


def test_one_of_three_equal_cells_does_not_drag_the_others_along(
    month: Month, flagged: Flagged
) -> None:
    before, after = month(1, cells=3), month(2, cells=3)
    after.loc[after["cell_id"] == "C01", "balance_last"] += 800
    cells = {pair for pair in flagged(screen(before, after)) if pair[0] != "bank"}
    assert cells == {("C01", "balance_last")}


@pytest.mark.parametrize(
    ("column", "change", "direction"),
    [
        (
            "regularity",
            lambda x, rng: np.where(rng.random(len(x)) < 0.3, np.nan, x),
            "more missing",
        ),
        ("regularity", lambda x, rng: np.where(np.isnan(x), 0.5, x), "fewer missing"),
        (
            "customer_kind",
            lambda x, rng: np.where(rng.random(len(x)) < 0.3, "farm", x),
            "more farm",
        ),
        ("balance_last", lambda x, rng: x.mean() + 2.5 * (x - x.mean()), "more unequal"),
        ("balance_last", lambda x, rng: x.mean() + 0.2 * (x - x.mean()), "more alike"),
        ("transactions_30d", lambda x, rng: x + 2, "higher"),
    ],
)
def test_every_kind_of_move_is_found_and_named(
    month: Month, flagged: Flagged, column: str, change: Callable, direction: str
) -> None:
    before, after = month(1), month(2)
    inside = after["cell_id"] == "C07"
    moved = change(after.loc[inside, column].to_numpy(), np.random.default_rng(5))
    after.loc[inside, column] = moved
    drift = screen(before, after)
    assert flagged(drift) == {("C07", column)}
    assert row(drift, "C07", column)["direction"] == direction


def test_the_order_of_rows_does_not_matter(month: Month) -> None:
    before, after = month(1), month(2)
    after.loc[after["cell_id"] == "C03", "credit_30d"] *= 0.5
    shuffled = screen(before.sample(frac=1, random_state=1), after.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(shuffled, screen(before, after), rtol=1e-9)


def test_a_rising_transformation_of_a_column_changes_no_test(month: Month) -> None:
    before, after = month(1), month(2)
    after.loc[after["cell_id"] == "C03", "credit_30d"] *= 0.5
    plain = screen(before, after)
    for frame in (before, after):
        frame["credit_30d"] = np.log(frame["credit_30d"]) * 1000
        frame["transactions_30d"] = np.sqrt(frame["transactions_30d"])
    told = ["cell_id", "column", "statistic", "p_value", "effect", "drifted", "direction"]
    pd.testing.assert_frame_equal(screen(before, after)[told], plain[told])


def test_inputs_are_left_as_they_were(month: Month) -> None:
    before, after = month(1), month(2)
    screen(before, after)
    pd.testing.assert_frame_equal(before, month(1))
    pd.testing.assert_frame_equal(after, month(2))


def test_constant_and_empty_columns_are_not_drift(month: Month) -> None:
    before, after = month(1), month(2)
    for frame in (before, after):
        frame["constant"], frame["nothing"] = 7.0, np.nan
        frame["one_kind"] = "person"
    drift = screen(before, after)
    quiet = drift[drift["column"].isin(["constant", "nothing", "one_kind"])]
    assert (quiet["p_value"] == 1).all()
    assert (quiet["effect"] == 0).all()
    assert set(quiet["direction"]) == {"same"}


def test_a_column_that_goes_missing_in_one_cell_is_flagged(month: Month, flagged: Flagged) -> None:
    before, after = month(1), month(2)
    after.loc[after["cell_id"] == "C02", "balance_last"] = np.nan
    assert ("C02", "balance_last") in flagged(screen(before, after))


def test_small_cells_are_flagged_as_a_pool(month: Month, flagged: Flagged) -> None:
    before, after = month(1, cells=30, size=60), month(2, cells=30, size=60)
    parents = {f"C{at:02d}": f"O{at % 5}" for at in range(30)}
    after.loc[after["cell_id"].map(parents) == "O2", "balance_last"] += 400
    drift = screen(before, after, parents=parents)
    assert ("parent:O2", "balance_last") in flagged(drift)
    assert set(drift["cell_id"]) == {"bank", *(f"parent:O{at}" for at in range(5))}


def test_a_pool_whose_cells_grew_unequally_has_not_drifted(month: Month) -> None:
    before, after = month(1, cells=12, size=95), month(2, cells=12, size=95)
    for frame in (before, after):
        frame.loc[frame["cell_id"] == "C01", "balance_last"] += 3000
    after = after[(after["cell_id"] != "C01") | (np.arange(len(after)) % 4 == 0)]
    parents = {"C00": "X", "C01": "X"}
    drift = screen(before, after, parents=parents)
    assert row(drift, "parent:X", "balance_last")["p_value"] > 0.01


def test_a_profile_sampled_by_cell_tells_the_same_with_its_weights(month: Month) -> None:
    before, after = month(1, size=900), month(2, size=900)
    keep = before.groupby("cell_id").cumcount() < np.where(before["cell_id"] < "C06", 100, 900)
    profile = before[keep].copy()
    profile["weight"] = np.where(profile["cell_id"] < "C06", 9.0, 1.0)
    weighted = screen(profile, after)
    assert not weighted["drifted"].any()
    assert row(weighted, "bank", "credit_30d")["p_value"] > 0.001
    # taken at face value, the sample is a bank of other cells
    assert row(screen(profile.drop(columns="weight"), after), "bank", "credit_30d")["drifted"]


def test_equal_weights_are_no_weights(month: Month) -> None:
    before, after = month(1), month(2)
    after.loc[after["cell_id"] == "C03", "credit_30d"] *= 0.5
    plain, weighted = screen(before, after), screen(before.assign(weight=4.0), after)
    pd.testing.assert_frame_equal(plain, weighted, rtol=1e-6, atol=1e-9)


def test_the_statistic_of_a_cell_is_the_one_computed_by_hand() -> None:
    rng = np.random.default_rng(11)
    frames = [
        pd.DataFrame({"cell_id": ["A"] * 120 + ["B"] * 200, "x": rng.poisson(lam, 320)})
        for lam in (2.0, 2.4)
    ]
    found = row(screen(*frames, settings=NO_GATE), "A", "x")
    before, after = _expected_by_hand(*(frame["x"].to_numpy() for frame in frames), 120)
    pooled = np.concatenate([before[0], after[0]])
    spread = np.cov(pooled.T, aweights=np.concatenate([before[1], after[1]]), ddof=0)
    apart = after[1] @ after[0] / 120 - before[1] @ before[0] / 120
    whole = 60 * apart @ np.linalg.solve(spread, apart)
    place = 60 * apart[0] ** 2 / spread[0, 0]
    p = stats.chi2.sf([whole, place], [4, 1])
    assert p.min() > 0.01  # below, the likelihood ratio takes over
    assert found["statistic"] == pytest.approx([whole, place][p.argmin()], rel=1e-6)
    assert found["freedom"] == [4, 1][p.argmin()]
    assert found["p_value"] == pytest.approx(1 - (1 - p.min()) ** 2, rel=1e-6)


def _expected_by_hand(
    before: np.ndarray, after: np.ndarray, cell: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Scores and weights of the cell: expected from the first month, and seen in the second.

    Banks of equal size: a customer tied on the ranks i to k of the first month is expected to
    have any of the values on the ranks i to k of the second.
    """
    ordered = np.sort(after)
    scores = dict(zip(after, _scores_by_hand(after), strict=True))
    then, shares = [], []
    for value in before[:cell]:
        tied = ordered[(before < value).sum() : (before <= value).sum()]
        then += [scores[expected] for expected in tied]
        shares += [1 / len(tied)] * len(tied)
    seen = np.array([scores[value] for value in after[:cell]])
    return [(np.array(then), np.array(shares)), (seen, np.ones(cell))]


def _scores_by_hand(values: np.ndarray) -> np.ndarray:
    rows = []
    for value in values:
        low, high = (values < value).mean(), (values <= value).mean()
        area = [
            integrate.quad(lambda u, k=k: special.eval_sh_legendre(k, u), low, high)[0]
            for k in (1, 2, 3, 4)
        ]
        rows.append(np.array(area) / (high - low))
    return np.array(rows)


def test_false_discoveries_stay_few_when_many_cells_move(month: Month, flagged: Flagged) -> None:
    before, after = month(1, cells=60), month(2, cells=60)
    moved = {f"C{at:02d}" for at in range(0, 60, 4)}
    inside = after["cell_id"].isin(moved)
    after.loc[inside, "balance_last"] += 500
    found = {pair for pair in flagged(screen(before, after)) if pair[0] != "bank"}
    true = {(cell, "balance_last") for cell in moved}
    assert len(found & true) >= 14
    assert len(found - true) <= 2


def test_a_small_effect_is_not_drift_however_certain(month: Month) -> None:
    before, after = month(1, cells=8, size=20_000), month(2, cells=8, size=20_000)
    after.loc[after["cell_id"] == "C02", "balance_last"] += 30
    found = row(screen(before, after), "C02", "balance_last")
    assert found["q_value"] < 1e-3
    assert not found["drifted"]


def test_the_columns_may_be_chosen(month: Month) -> None:
    drift = screen(month(1), month(2), settings=MonitoringSettings(columns=["balance_last"]))
    assert set(drift["column"]) == {"balance_last"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b, a: (b, a.drop(columns="balance_last")), "balance_last"),
        (lambda b, a: (b.drop(columns="cell_id"), a), "no column 'cell_id'"),
        (lambda b, a: (b, a.iloc[:0]), "current month has no rows"),
        (lambda b, a: (b.iloc[:0], a), "reference has no rows"),
        (lambda b, a: (b, a.assign(cell_id=None)), "missing values"),
        (lambda b, a: (b.assign(weight=-1.0), a), "'weight'"),
        (lambda b, a: (b[["cell_id"]], a), "no columns to compare"),
    ],
)
def test_months_that_cannot_be_compared_are_refused_in_words(
    month: Month, change: Callable, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        screen(*change(month(1), month(2)))


def test_an_unknown_column_in_the_settings_is_refused(month: Month) -> None:
    with pytest.raises(BadInput, match="colour"):
        screen(month(1), month(2), settings=MonitoringSettings(columns=["colour"]))


def test_a_bank_without_a_testable_cell_is_still_told_as_a_whole(month: Month) -> None:
    before, after = month(1, cells=2, size=14), month(2, cells=2, size=14)
    assert set(screen(before, after)["cell_id"]) == {"bank"}


def test_progress_rises_to_one(month: Month) -> None:
    told: list[float] = []
    before, after = month(1), month(2)
    after.loc[after["cell_id"] == "C03", "credit_30d"] *= 0.5
    screen(before, after, progress=lambda step, share: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1


def test_no_median_of_fewer_values_than_may_be_told(month: Month) -> None:
    before, after = month(1, cells=5), month(2, cells=5)
    rank, moved = after.groupby("cell_id").cumcount(), after["cell_id"] == "C03"
    after.loc[moved, "regularity"] = np.where(rank[moved] < 7, 0.9, np.nan)
    for least, told in ((8, False), (7, True)):
        found = row(screen(before, after, customers_min=least), "C03", "regularity")
        assert found["drifted"]
        assert pd.notna(found["median_current"]) == told
