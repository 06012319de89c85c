"""EMPC against numeric integration, simulation, closed formulas and another library."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.stats import beta as beta_distribution

from domain.profit import ProfitSettings
from tests.profit_settings import drawn_settings
from training.evaluation.metrics import Ranked
from training.evaluation.profit import Frontier, expected_maximum_profit, maximum_profit

SCORES = [0.05, 0.2, 0.35, 0.5, 0.9]
rows = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(SCORES), st.integers(0, 4)),
    min_size=2,
    max_size=25,
).filter(lambda found: any(weight for _, _, weight in found))
settings = drawn_settings((20, 30), (1, 30), (1, 400))


def earnings(y, score, weight, given, acceptance):
    """Money per customer of every list that a threshold can make, and its share of customers."""
    found = []
    for threshold in [np.inf, *sorted(set(score), reverse=True)]:
        on = score >= threshold
        left, stayed = (weight * y)[on].sum(), (weight * (1 - y))[on].sum()
        earned = left * acceptance * (given.customer_value - given.offer_cost)
        earned -= (left + stayed) * given.contact_cost + stayed * given.offer_cost
        found.append((earned / weight.sum(), weight[on].sum() / weight.sum()))
    return found


def integrated(y, score, weight, given, steps=20_000):
    """EMPC by quadrature over the acceptance of the best of all lists."""
    angle = np.linspace(0, np.pi / 2, steps + 1)
    acceptance = np.sin(angle) ** 2  # fine towards both ends
    nothing, all_ = (np.array(earnings(y, score, weight, given, a))[:, 0] for a in (0.0, 1.0))
    best = (nothing + acceptance[:, None] * (all_ - nothing)).max(axis=1)
    density = beta_distribution(given.accept_alpha, given.accept_beta).pdf(acceptance)
    return trapezoid(best * density * 2 * np.sin(angle) * np.cos(angle), angle)


def ours(y, score, weight, given):
    return expected_maximum_profit(Frontier.of(y, Ranked.of(score), weight), given)


def columns(found):
    return tuple(np.array(column, dtype=float) for column in zip(*found, strict=True))


def sample(size, seed, rate=0.1):
    random = np.random.default_rng(seed)
    y = (random.random(size) < rate).astype(float)
    return y, np.round(y + random.normal(0, 1.2, size), 1), np.ones(size)


@given(rows, settings)
def test_empc_is_the_integral_of_the_best_list_over_the_acceptance(found, chosen):
    y, score, weight = columns(found)
    expected = integrated(y, score, weight, chosen)
    assert ours(y, score, weight, chosen).per_customer == pytest.approx(expected, abs=2e-5)


@given(rows, settings, st.floats(0, 1))
def test_the_maximum_profit_is_that_of_the_best_of_all_thresholds(found, chosen, acceptance):
    y, score, weight = columns(found)
    frontier = Frontier.of(y, Ranked.of(score), weight)
    best = maximum_profit(frontier, chosen, acceptance)
    every = earnings(y, score, weight, chosen, acceptance)
    assert best.per_customer == pytest.approx(max(e for e, _ in every), abs=1e-9)
    good = [share for e, share in every if e >= best.per_customer - 1e-9]
    assert min(abs(best.share - share) for share in good) < 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_a_long_ranking_with_uneven_weights_keeps_every_list_that_may_be_best(seed):
    y, score, _ = sample(300, seed, rate=0.3)
    weight = np.random.default_rng(seed).exponential(1, 300) ** 3
    chosen = ProfitSettings()
    frontier = Frontier.of(y, Ranked.of(score), weight)
    for acceptance in np.linspace(0, 1, 201):
        best = max(e for e, _ in earnings(y, score, weight, chosen, acceptance))
        found = maximum_profit(frontier, chosen, acceptance).per_customer
        assert found == pytest.approx(best, abs=1e-9)
    expected = integrated(y, score, weight, chosen)
    assert ours(y, score, weight, chosen).per_customer == pytest.approx(expected, rel=1e-6)


def test_simulated_acceptances_give_the_profit_and_the_share_of_the_formula():
    y, score, weight = sample(400, seed=1)
    chosen = ProfitSettings()
    lists = np.array(earnings(y, score, weight, chosen, 0.0))
    gain = np.array(earnings(y, score, weight, chosen, 1.0))[:, 0] - lists[:, 0]
    drawn = np.random.default_rng(2).beta(6, 14, 200_000)
    best = (lists[:, 0] + drawn[:, None] * gain).argmax(axis=1)
    profit = lists[best, 0] + drawn * gain[best]
    found = ours(y, score, weight, chosen)
    error = 5 / np.sqrt(len(drawn))
    assert found.per_customer == pytest.approx(profit.mean(), abs=error * profit.std())
    assert found.share == pytest.approx(lists[best, 1].mean(), abs=error * lists[best, 1].std())


@given(rows, settings)
def test_a_weight_is_the_same_as_repeating_the_row(found, chosen):
    y, score, weight = columns(found)
    times = weight.astype(int)
    repeated = ours(np.repeat(y, times), np.repeat(score, times), np.ones(times.sum()), chosen)
    assert ours(y, score, weight, chosen) == pytest.approx(repeated)
    assert ours(y, score, 3 * weight, chosen) == pytest.approx(repeated)


@given(rows, settings)
def test_only_the_order_of_the_scores_counts(found, chosen):
    y, score, weight = columns(found)
    assert ours(y, np.exp(5 * score) - 2, weight, chosen) == ours(y, score, weight, chosen)


@given(rows, settings)
def test_knowing_the_acceptance_is_worth_something_and_never_costs(found, chosen):
    y, score, weight = columns(found)
    known = maximum_profit(
        Frontier.of(y, Ranked.of(score), weight), chosen, chosen.acceptance
    ).per_customer
    assert ours(y, score, weight, chosen).per_customer >= known - 1e-9
    assert known >= 0


def test_a_perfect_ranking_earns_the_closed_formula():
    # contact every lost customer once the acceptance covers the contact: E[(g (v - d) - f)+]
    y = np.repeat([1.0, 0.0], [30, 170])
    chosen = ProfitSettings(contact_cost=40)
    prior = beta_distribution(6, 14)
    gain = prior.expect(lambda a: max(a * 190 - 40, 0))
    assert ours(y, y, np.ones(200), chosen).per_customer == pytest.approx(0.15 * gain, rel=1e-6)


def test_a_sure_acceptance_makes_it_the_maximum_profit():
    y, score, weight = sample(500, seed=3)
    sure = ProfitSettings(accept_alpha=3e8, accept_beta=7e8)
    known = maximum_profit(Frontier.of(y, Ranked.of(score), weight), sure, 0.3)
    assert ours(y, score, weight, sure) == pytest.approx(known, rel=1e-4)


def test_free_contacts_reach_everybody_who_may_be_lost_and_dear_ones_nobody():
    y, score, weight = sample(500, seed=4)
    free = ProfitSettings(contact_cost=0, offer_cost=0)
    assert ours(y, score, weight, free).per_customer == pytest.approx(0.3 * 200 * y.mean())
    dear = ProfitSettings(contact_cost=1000)
    assert ours(y, score, weight, dear) == (0, 0)
    hardly_worth_it = ProfitSettings(offer_cost=0, customer_value=1e-313)
    assert ours(y, score, weight, hardly_worth_it) == (0, 0)
    nobody_lost = ours(np.zeros(500), score, weight, ProfitSettings())
    assert nobody_lost == (0, 0)


@pytest.mark.slow
def test_another_library_finds_the_same_empc(tmp_path: Path) -> None:
    """empulse is AGPL and no dependency: it lives and dies in a folder of this test."""
    if not os.environ.get("GRIDKEEP_INSTALL_PEERS"):
        pytest.skip("installs empulse (AGPL) apart, from the network: set GRIDKEEP_INSTALL_PEERS=1")
    cases = []
    for seed, changes in enumerate(
        [{}, {"contact_cost": 3.0}, {"offer_cost": 40.0}, {"accept_alpha": 2.0, "accept_beta": 3.0}]
    ):
        y, score, _ = sample(300, seed, rate=0.2)
        chosen = ProfitSettings(**changes)
        cases.append((y.tolist(), score.tolist(), chosen.model_dump()))
    for (y, score, costs), theirs in zip(cases, empulse(tmp_path, cases), strict=True):
        found = ours(np.array(y), np.array(score), np.ones(len(y)), ProfitSettings(**costs))
        assert found == pytest.approx(theirs, rel=1e-6)


ORACLE = """
import json, sys
from empulse.metrics import empc_score
for y, score, s in json.load(sys.stdin):
    given = dict(clv=s["customer_value"], incentive_cost=s["offer_cost"],
                 contact_cost=s["contact_cost"], alpha=s["accept_alpha"], beta=s["accept_beta"])
    print(json.dumps([float(empc_score(y, score, **given)),
                      float(empc_score.optimal_rate(y, score, **given))]))
"""


def empulse(folder: Path, cases: list) -> list:
    home = folder / "empulse"
    python = home / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run(
            [*install, "empulse==0.13.1"], check=True, capture_output=True, text=True, timeout=300
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"empulse 0.13.1 cannot be installed here: {str(error.stderr)[-300:]}")
    done = subprocess.run(
        [python, "-c", ORACLE], input=json.dumps(cases), check=True, capture_output=True, text=True
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]
