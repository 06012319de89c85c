from datetime import date

import numpy as np
import pandas as pd
import pytest

from domain.bundle import ModelCard
from domain.errors import BadInput
from domain.profit import ProfitSettings
from features.settings import LabelSettings
from tests.training.versions import card_of
from training.evaluation.campaign import Campaign
from training.evaluation.metrics import Estimate
from training.promotion import gate
from training.promotion.contest import Contest, contest_cutoffs
from training.promotion.gate_segments import segment_checks
from training.promotion.latency import Latency
from training.promotion.validator import validator_check
from training.promotion.verdict import Check, Verdict, unmeasured
from training.settings import PromotionSettings, RetentionSettings

BOUNDS = PromotionSettings(cell_customers=50)
CELLS, PEOPLE = 30, 100


def odds(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(-2.5, 1.2, CELLS * PEOPLE)


def probability(of: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-of))


def contest(truth: np.ndarray, ours: np.ndarray, theirs: np.ndarray | None, seed: int) -> Contest:
    """Customers lost by a true probability, and what two models say of them (log-odds)."""
    drawn = np.random.default_rng(seed).random(len(truth))
    number = np.arange(len(truth))
    rows = pd.DataFrame(
        {
            "customer_id": number.astype(str),
            "as_of": date(2026, 1, 1),
            "cell_id": (number % CELLS).astype(str),
            "churned": (drawn < probability(truth)).astype(int),
        }
    )
    campaign = Campaign(ProfitSettings(), "CNY", len(rows), rows["as_of"])
    champion = None if theirs is None else probability(theirs)
    return Contest(rows, "2026-01-01", probability(ours), champion, "it is damaged", campaign)


def versus_champion(found: Contest, draws: int = 60) -> dict[str, Check]:
    cells, _ = gate.cells_check(found, BOUNDS)
    checks = [*gate.comparison_checks(found, BOUNDS, draws, 0), cells]
    return {check.name: check for check in checks}


def failed(checks: dict[str, Check]) -> set[str]:
    return {name for name, check in checks.items() if not check.passed}


def test_an_equal_challenger_is_refused_in_at_most_a_twentieth_of_the_cases() -> None:
    random, refused = np.random.default_rng(0), 0
    for seed in range(150):
        truth = odds(seed)
        ours, theirs = (truth + random.normal(0, 0.4, len(truth)) for _ in range(2))
        refused += bool(failed(versus_champion(contest(truth, ours, theirs, seed))))
    assert refused <= 13  # of 150: a true 5 % gives more once in 50 times


def test_the_same_model_passes_with_a_difference_of_nothing() -> None:
    truth = odds()
    checks = versus_champion(contest(truth, truth, truth, 0))
    assert failed(checks) == set()
    assert checks["log-loss"].difference == Estimate(0.0, 0.0, 0.0)
    assert checks["log-loss"].champion == checks["log-loss"].challenger


def test_a_challenger_that_knows_less_is_refused_for_loss_and_profit() -> None:
    truth = odds()
    blind = np.random.default_rng(1).permutation(truth)
    checks = versus_champion(contest(truth, blind, truth, 0))
    assert {"log-loss", "profit"} <= failed(checks)
    assert checks["log-loss"].reason.startswith("surely worse: +")
    assert failed(versus_champion(contest(truth, truth, blind, 0))) == set()


def test_more_loss_than_is_tolerated_refuses_even_where_chance_could_explain_it() -> None:
    truth = odds()
    ours = truth + np.random.default_rng(3).normal(0, 0.9, len(truth))
    found = contest(truth[:200], ours[:200], truth[:200], 5)
    loss = gate.comparison_checks(found, BOUNDS, 200, 0)[0]
    assert loss.difference is not None
    assert loss.difference.low < 0 < loss.difference.value
    assert loss.difference.value > 0.02 * (loss.champion or 0)
    assert not loss.passed
    assert loss.reason.startswith("worse by more than is tolerated")
    wide = BOUNDS.model_copy(update={"log_loss_tolerance": 1.0})
    assert gate.comparison_checks(found, wide, 200, 0)[0].passed


def test_one_bad_cell_refuses_a_challenger_that_is_better_elsewhere() -> None:
    truth = odds()
    cell = np.arange(len(truth)) % CELLS == 7
    ours = truth + np.where(cell, 2.5, 0.0)
    theirs = truth + np.random.default_rng(2).normal(0, 1.0, len(truth))
    checks = versus_champion(contest(truth, ours, theirs, 0))
    assert failed(checks) == {"cells"}
    assert checks["cells"].reason == "of 30 cells with 50 customers, worse are 7"


def test_a_cell_of_too_few_customers_refuses_nobody() -> None:
    truth = odds()
    ours = truth + np.where(np.arange(len(truth)) % CELLS == 7, 2.5, 0.0)
    for least, cells in ((PEOPLE, 30), (PEOPLE + 1, 0)):
        bounds = BOUNDS.model_copy(update={"cell_customers": least})
        check, table = gate.cells_check(contest(truth, ours, truth, 0), bounds)
        assert (check.passed, len(table)) == (cells == 0, cells)


def test_an_interval_that_ends_on_a_bound_reaches_it() -> None:
    assert gate.within(Estimate(1.4, 1.25, 1.5), 0.8, 1.25)
    assert gate.within(Estimate(0.7, 0.6, 0.8), 0.8, 1.25)


def test_what_cannot_be_compared_does_not_pass() -> None:
    truth = odds()
    checks = versus_champion(contest(truth, truth, None, 0))
    assert failed(checks) == {"log-loss", "profit", "cells"}
    assert all(check.reason == "not measured: it is damaged" for check in checks.values())
    assert not gate.latency_check(None, BOUNDS, "it is damaged").passed


@pytest.mark.parametrize(("shift", "passed"), [(0.0, True), (-0.5, False), (0.6, False)])
def test_calibration_must_reach_its_bounds(shift: float, passed: bool) -> None:
    truth = np.tile(odds(), 4)
    checks = gate.calibration_checks(contest(truth, truth + shift, truth, 0), BOUNDS)
    assert [check.name for check in checks] == ["calibration", "calibration, riskiest tenth"]
    assert checks[0].passed is passed
    assert checks[0].champion == pytest.approx(1.0, abs=0.15)


def test_the_riskiest_tenth_is_calibrated_for_itself() -> None:
    truth = np.tile(odds(), 4)
    top = truth > np.quantile(truth, 0.9)
    ours = truth + np.where(top, 1.5, -0.1)
    whole, tenth = gate.calibration_checks(contest(truth, ours, None, 0), BOUNDS)
    assert whole.champion is None
    assert (whole.challenger or 0) > (tenth.challenger or 0)
    assert not tenth.passed


def table_of(**figures: tuple[float, float, float]) -> pd.DataFrame:
    lines = [
        {"attribute": "sex", "group": group, "ratio": 1.0, "ratio_low": 0.9, "ratio_high": 1.1}
        | {"gap": value, "gap_low": low, "gap_high": high, "told": True}
        for group, (value, low, high) in figures.items()
    ]
    return pd.DataFrame(lines)


def test_a_group_that_is_surely_listed_otherwise_is_named() -> None:
    fair = table_of(men=(0.1, 0.05, 0.15), women=(-0.3, -0.5, -0.1))
    assert [check.passed for check in gate.fairness_checks(fair, BOUNDS)] == [True, True]
    unfair = table_of(men=(0.1, 0.05, 0.15), women=(-0.3, -0.4, -0.21))
    ratio, lists = gate.fairness_checks(unfair, BOUNDS)
    assert ratio.passed
    assert not lists.passed
    assert lists.reason == "beyond the bound: sex women: -0.30"
    skewed = unfair.assign(ratio=2.0, ratio_low=1.6, ratio_high=2.5)
    assert "sex men: 2.00; sex women: 2.00" in gate.fairness_checks(skewed, BOUNDS)[0].reason


def test_of_a_group_that_may_not_be_told_the_verdict_says_only_that_there_is_one() -> None:
    table = table_of(men=(0.1, 0.05, 0.15), women=(-0.3, -0.4, -0.21))
    hidden = table.assign(told=[True, False], ratio=[1.0, 1.37])
    for check in gate.fairness_checks(hidden, BOUNDS):
        assert check.reason.endswith(": a group of which only fairness.csv may tell")
        assert (check.challenger, check.difference) == (None, None)
    assert [check.passed for check in gate.fairness_checks(hidden, BOUNDS)] == [True, False]
    both = hidden.assign(gap_low=0.3, gap_high=0.5, gap=0.4)
    lists = gate.fairness_checks(both, BOUNDS)[1]
    assert lists.reason.startswith("beyond the bound: sex men: 0.40; a group of which")
    assert lists.challenger == 0.4


def test_latency_is_refused_when_it_is_surely_above_the_bound() -> None:
    def check(*ratio: float) -> Check:
        return gate.latency_check(Latency(0.001, 0.001, Estimate(*ratio)), BOUNDS, "")

    assert check(1.3, 1.1, 1.5).passed
    assert check(1.2, 1.2, 1.2).passed
    assert not check(1.3, 1.21, 1.4).passed


def test_a_card_that_does_not_say_that_no_leak_was_found_does_not_pass() -> None:
    assert gate.leakage_check({"leakage_passed": 1.0}).passed
    assert not gate.leakage_check({"leakage_passed": 0.0}).passed
    assert not gate.leakage_check({}).passed


def test_a_history_that_was_tampered_with_does_not_pass() -> None:
    assert gate.history_check("").passed
    assert gate.history_check("entry 3 is missing").reason == "entry 3 is missing"
    assert not gate.history_check("entry 3 is missing").passed


def test_who_validates_is_not_who_trained() -> None:
    assert validator_check("bob", "ann", required=True).passed
    assert validator_check("", "ann", required=False).reason == "not asked for"
    assert not validator_check("bob", "unknown", required=False).passed
    for validator in ("ann", " ANN "):
        with pytest.raises(BadInput, match="is who trained this version"):
            validator_check(validator, "ann", required=False)
    with pytest.raises(BadInput, match=r"independent_validator asks for --validator NAME"):
        validator_check(" ", "ann", required=True)


def accuracies(value: float) -> dict[str, float]:
    names = ("assign_accuracy", "next_accuracy")
    ends = {"": 0.0, "_low": -0.01, "_high": 0.01}
    return {f"{name}{end}": value + by for name in names for end, by in ends.items()}


def test_segments_are_refused_when_intervals_do_not_touch_or_are_missing() -> None:
    old, near, far = (card_of(metrics=accuracies(value)) for value in (0.8, 0.785, 0.77))
    assert all(check.passed for check in segment_checks(old, near))
    assert not any(check.passed for check in segment_checks(old, far))
    assert all(check.passed for check in segment_checks(far, old))
    assert not any(check.passed for check in segment_checks(old, card_of()))
    assert not any(check.passed for check in segment_checks(None, near, "it is damaged"))


def test_the_cutoffs_that_judge_are_later_than_what_both_learned_from() -> None:
    label = LabelSettings(observation_days=60, gap_days=30, outcome_days=60)
    settings = RetentionSettings(evaluate_cutoffs=2)
    early, late = card_of(), card_of(trained_as_of=(date(2025, 4, 1),))

    def days(*cards: ModelCard, last: date = date(2025, 12, 31), **named: object) -> list[date]:
        changed = settings.model_copy(update=named)
        return list(contest_cutoffs(cards, last, label, changed))

    assert days(early) == [date(2025, 9, 1), date(2025, 10, 1)]  # outcome known on 30 December
    assert days(early, last=date(2025, 6, 30)) == [date(2025, 4, 1)]
    assert days(early, late, last=date(2025, 6, 30)) == []
    assert days(early, late, last=date(2025, 10, 29)) == [date(2025, 7, 1), date(2025, 8, 1)]
    assert days(early, last=date(2025, 10, 28))[-1] == date(2025, 7, 1)
    named = (date(2025, 5, 15), date(2025, 3, 1))
    assert days(early, evaluate_as_of=named) == [date(2025, 5, 15)]


def test_a_verdict_says_what_failed_and_its_document_has_no_nan() -> None:
    good = Check("profit", 1.0, float("nan"), Estimate(1, 0, 2), "bound", True, "fine")
    found = Verdict(
        "retention", "1", "2", "rows", 9, 3, "ann", "", (good, unmeasured("cells", "?"))
    )
    assert found.refusal.startswith(
        "version 2 of retention does not pass the gate against champion 1: cells: not measured: ?."
    )
    assert "NaN" not in found.json
    assert found._replace(checks=(good,)).refusal == ""
    assert found._replace(validator="bob").digest != found.digest
