"""A campaign on the evaluation cut-offs: lists, curve, lift and the line for a banker."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.profit import ProfitSettings, contact_list
from training.evaluation import plots
from training.evaluation.campaign import Campaign, campaign_at, lift_table, profit_curve, worth
from training.evaluation.metrics import Estimate, Ranked, evaluate, lift_top

Months = Callable[..., pd.DataFrame]
LEFT, STAYED = 0.3 * 190 - 1, -11.0  # earned by a contact, default settings


def months(sizes: tuple[int, ...] = (400, 300), seed: int = 1) -> pd.DataFrame:
    """One row per (customer, cut-off), with probabilities that are true and hold ties."""
    random = np.random.default_rng(seed)
    days = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"][: len(sizes)])
    frame = pd.DataFrame({"as_of": np.repeat(days, sizes)})
    frame["customer_id"] = [f"c{at}" for size in sizes for at in range(size)]
    frame["p"] = np.round(random.beta(1, 8, len(frame)), 2)
    frame["churned"] = (random.random(len(frame)) < frame["p"]).astype(float)
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


def campaign(frame: pd.DataFrame, customers: float | None = None, **changes: object) -> Campaign:
    """Of a bank with so many customers at a cut-off; all of them judge where it is not said."""
    everybody = customers or len(frame) / frame["as_of"].nunique()
    return Campaign(ProfitSettings(**changes), "CNY", everybody, frame["as_of"])


def judged(frame: pd.DataFrame, chosen: Campaign, draws: int = 40, **others: np.ndarray):
    y, p = frame["churned"].to_numpy(), frame["p"].to_numpy()
    ids = frame["customer_id"]
    return evaluate(y, p, ids, others, draws, 1, chosen.metrics)


def line(frame: pd.DataFrame, chosen: Campaign) -> str:
    y, p = frame["churned"].to_numpy(), frame["p"].to_numpy()
    return worth(
        chosen, y, {"model": p}, judged(frame, chosen).metrics["profit_per_customer"]
    ).words


@pytest.mark.parametrize("capacity", [None, 1, 17, 1000])
def test_the_profit_is_what_the_contact_lists_of_the_months_earned(capacity: int | None) -> None:
    frame = months()
    # without ties a list is whole customers, and its outcome can be added up by hand
    frame["p"] += np.arange(len(frame)) * 1e-7
    chosen = campaign(frame, contact_capacity=capacity)
    earned = 0.0
    for _, month in frame.groupby("as_of"):
        scores = month.rename(columns={"p": "churn_probability"})
        listed = contact_list(scores, chosen.settings)["customer_id"]
        lost = month.set_index("customer_id").loc[listed, "churned"]
        earned += lost.sum() * LEFT + (1 - lost).sum() * STAYED
    found = judged(frame, chosen).metrics["profit_per_customer"]
    assert found.value == pytest.approx(earned / len(frame))


def test_each_cutoff_has_a_list_of_its_own_however_the_months_differ() -> None:
    frame = months()
    first = frame["as_of"] == frame["as_of"].min()
    frame["p"] = np.where(first, 0.9, 0.5)  # all of January lies above all of February
    found = campaign(frame, contact_capacity=40).contacted(frame["p"].to_numpy())
    assert pd.Series(found).groupby(frame["as_of"]).sum().tolist() == pytest.approx([40, 40])


def test_a_sample_that_judges_has_its_share_of_the_capacity(tmp_path: Path) -> None:
    frame = months((4000, 4000), seed=2)
    frame.iloc[:5000].to_parquet(tmp_path / "a.parquet")
    frame.iloc[5000:].to_parquet(tmp_path / "b.parquet")
    parts = sorted(tmp_path.glob("*.parquet"))
    settings = ProfitSettings(contact_capacity=100)
    whole = campaign_at(settings, "CNY", frame, parts)
    some = frame.sample(frac=0.5, random_state=1).reset_index(drop=True)
    half = campaign_at(settings, "CNY", some, parts)
    assert whole.customers == half.customers == 4000
    assert whole.capacity_share == half.capacity_share == 0.025
    assert whole.contacted(frame["p"].to_numpy()).sum() == pytest.approx(200)
    assert half.contacted(some["p"].to_numpy()).sum() == pytest.approx(100)
    assert line(some, half).startswith("a campaign to 100 of 4,000 customers at a cut-off")


def test_the_interval_of_the_profit_has_the_width_of_theory() -> None:
    frame = months((3000,))
    chosen = campaign(frame)
    earned = chosen.contacted(frame["p"].to_numpy()) * np.where(frame["churned"], LEFT, STAYED)
    found = judged(frame, chosen, draws=300).metrics["profit_per_customer"]
    assert found.low < found.value < found.high
    width = 2 * 1.96 * earned.std() / np.sqrt(len(frame))
    assert found.high - found.low == pytest.approx(width, rel=0.15)


def test_money_is_compared_on_the_same_resamples() -> None:
    frame = months((1500,))
    noise = np.random.default_rng(3).permutation(frame["p"])
    found = judged(frame, campaign(frame), itself=frame["p"].to_numpy(), noise=noise)
    for metric in ("empc", "profit_per_customer"):
        assert found.differences["itself"][metric] == (0.0, 0.0, 0.0)
        ours, theirs = found.metrics[metric], found.baselines["noise"][metric]
        assert found.differences["noise"][metric].value == pytest.approx(ours.value - theirs.value)
        assert found.differences["noise"][metric].low > 0
    assert found.metrics["empc"].value > found.metrics["profit_per_customer"].value


@given(st.integers(0, 10_000), st.sampled_from([None, 25]))
def test_the_curve_is_what_the_riskiest_earned(seed: int, capacity: int | None) -> None:
    frame = months((60, 40), seed)
    y, p = frame["churned"].to_numpy(), frame["p"].to_numpy()
    p = p + np.arange(100) * 1e-7  # no ties: the riskiest n are n customers
    curve = profit_curve(campaign(frame, contact_capacity=capacity), y, p).set_index("share")
    order = np.argsort(-p)
    for share in (0.0, 0.01, 0.05, 0.12, 0.5, 1.0):
        on = order[: round(share * 100)]
        row = curve.loc[share]
        assert row["profit_per_customer"] == pytest.approx(
            (y[on].sum() * LEFT + (1 - y[on]).sum() * STAYED) / 100
        )
        assert row["customers"] == pytest.approx(share * 50)
        assert row["profit_low"] <= row["profit_per_customer"] <= row["profit_high"]
        if share:
            assert row["probability"] == p[on].min()


def test_the_band_of_the_curve_holds_95_percent_of_simulated_acceptances() -> None:
    frame = months((2000,))
    y, p = frame["churned"].to_numpy(), frame["p"].to_numpy() + np.arange(2000) * 1e-7
    row = profit_curve(campaign(frame), y, p).set_index("share").loc[0.1]
    lost = y[np.argsort(-p)[:200]].sum()
    drawn = np.random.default_rng(1).beta(6, 14, 100_000)
    earned = (lost * drawn * 190 - 200 * 1 - (200 - lost) * 10) / 2000
    assert row["profit_per_customer"] == pytest.approx(earned.mean(), rel=0.01)
    assert (earned < row["profit_low"]).mean() == pytest.approx(0.025, abs=0.003)
    assert (earned > row["profit_high"]).mean() == pytest.approx(0.025, abs=0.003)


@given(st.integers(0, 10_000))
def test_the_lift_table_agrees_with_the_figure_of_the_top_tenth(seed: int) -> None:
    frame = months((150, 90), seed)
    y, p = frame["churned"].to_numpy(), frame["p"].to_numpy()
    assume(y.any())
    table = lift_table(y, p).set_index("share")
    for share in (0.005, 0.1, 0.37):
        expected = lift_top(y, Ranked.of(p), np.ones(len(y)), share)
        assert table["lift"][share] == pytest.approx(expected)
        assert table["lost_share"][share] == pytest.approx(expected * share)
    assert table["lost_share"].is_monotonic_increasing
    assert table["lost_share"].iloc[-1] == 1


def test_the_line_says_whom_to_contact_what_it_earns_and_what_is_assumed() -> None:
    frame = months()
    chosen = campaign(frame)
    pays = int((frame["p"] > 11 / 67).sum()) / 2
    earned = judged(frame, chosen).metrics["profit_per_customer"]
    value, low, high = (f"{figure * 350:,.0f}" for figure in earned)
    assert line(frame, chosen) == (
        f"a campaign to the {pays:.0f} of 350 customers at a cut-off with a probability of loss "
        f"above 16.4% would have earned {value} CNY (95 % interval {low} to {high}), if 30% of "
        "those about to leave accept (assumed, 13% to 51%: no pilot has measured it)"
    )


def test_the_line_says_what_a_capacity_cuts_off_and_when_nobody_pays() -> None:
    frame = months()
    assert line(frame, campaign(frame, contact_capacity=5)).startswith(
        "a campaign to 5 of 350 customers at a cut-off (as many as can be contacted; "
    )
    dear = line(frame, campaign(frame, offer_cost=190.0))
    assert dear == (
        "a campaign pays for nobody: a contact pays above a probability of loss of 99.0%, and the "
        f"highest is {frame['p'].max():.1%}"
    )


def test_the_figures_are_the_threshold_the_best_share_and_that_of_the_list() -> None:
    frame = months()
    y, p = frame["churned"].to_numpy(), frame["p"].to_numpy()
    nothing = Estimate(0.0, 0.0, 0.0)
    free = worth(campaign(frame), y, {"model": p, "other": 1 - p}, nothing)
    tight = worth(campaign(frame, contact_capacity=7), y, {"model": p}, nothing)
    assert free.figures["threshold"] == tight.figures["threshold"] == pytest.approx(11 / 67)
    assert free.figures["listed_share"] == pytest.approx((p > 11 / 67).mean())
    assert tight.figures["listed_share"] == pytest.approx(7 / 350)
    # the best share in hindsight knows no capacity
    assert tight.figures["contact_share"] == free.figures["contact_share"] > 7 / 350
    assert free.curve["ranking"].unique().tolist() == ["model", "other"]
    assert free.lift.groupby("ranking").size().nunique() == 1


def test_the_picture_marks_the_capacity_and_ends_past_it(tmp_path: Path) -> None:
    frame = months((2000,))
    y, p = frame["churned"].to_numpy(), frame["p"].to_numpy()
    drawn = {}
    for capacity in (None, 30, 1400):
        chosen = campaign(frame, contact_capacity=capacity)
        found = worth(chosen, y, {"model": p, "itself": p}, Estimate(0.0, 0.0, 0.0))
        drawn[capacity] = plots.profit(found, tmp_path / f"{capacity}.png").read_bytes()
    assert len(set(drawn.values())) == 3
    assert all(picture.startswith(b"\x89PNG") for picture in drawn.values())
