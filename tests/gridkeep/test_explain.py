"""`gridkeep features --explain NAME` tells of a feature, with or without data."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.explain import explained, registered, spread_of
from features.registry import FEATURES

DAY = "2025-08-06"


def told(run, bank, *words):
    answer = run("features", "--config", bank.config, "--json", *words)
    assert answer.code == 0, answer.err
    return json.loads(answer.out)["feature"]


def test_without_any_tables_a_feature_is_explained_and_says_so(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = run("features", "--explain", "digital_share_90d")
    assert answer.code == 0
    meaning = "Online or mobile share of own transactions of known channel in the last 90 days."
    assert meaning in answer.out
    assert "0 to 1" in answer.out
    assert "def digital_share(" in answer.out
    assert 'FROM "transactions"' in answer.out
    assert "no tables here yet" in answer.out
    assert list(tmp_path.iterdir()) == []


def test_at_a_cutoff_the_spread_is_that_of_the_feature_file(run, parted, tmp_path):
    found = told(run, parted, "--explain", "transactions_365d", "--as-of", DAY)
    out = tmp_path / "f.parquet"
    assert run("features", "--config", parted.config, "--as-of", DAY, "--out", out).code == 0
    values = pd.read_parquet(out)["transactions_365d"]
    assert found["spread"]["customers"] == len(values) == 3
    assert (found["spread"]["low"], found["spread"]["high"]) == (values.min(), values.max())
    assert sum(bar["customers"] for bar in found["spread"]["bars"]) == 3
    assert found["sources"] == ["customers", "transactions", "closures"]
    # without a cut-off: that of the latest snapshot
    assert told(run, parted, "--explain", "transactions_365d") == found
    text = run("features", "--config", parted.config, "--explain", "transactions_365d").out
    assert "values at 2025-08-06: 3 customers, 0.0% missing" in text


def test_tables_without_a_snapshot_ask_for_a_cutoff(run, bank):
    assert run("check", "--config", bank.config).code == 0
    found = told(run, bank, "--explain", "age_years")
    assert found["spread"] is None
    assert "--as-of" in found["note"]
    assert found["as_of"] == "2025-08-01"  # the last first of a month that the data reach


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--explain", "recency_day"], "no feature 'recency_day'; near it: recency_days"),
        (["--explain", "zzz"], "all of them: docs/features.md"),
        (["--explain", "recency_days", "--out", "x"], "takes no --out"),
        (["--explain", "recency_days", "--as-of", DAY, "--as-of", "2025-08-01"], "one --as-of"),
        (["--out", "x"], "--as-of DATE is missing"),
        (["--as-of", DAY], "--out FILE is missing"),
        (["--explain", "recency_days", "--as-of", DAY], "there is no gridkeep.toml"),
    ],
)
def test_what_does_not_go_together_is_one_clear_message(run, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    answer = run("features", *words)
    assert answer.code == 1
    assert message in answer.err
    assert "Traceback" not in answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_is_explained(name):
    found = explained(name, date(2026, 1, 31), "Asia/Shanghai")
    assert found.meaning == registered(name).meaning
    assert f"def {name.rsplit('_', 1)[0]}" in found.definition
    assert found.sql.startswith(("SELECT", "WITH"))
    assert "customers" in found.sources


@given(st.lists(st.none() | st.floats(-1e12, 1e12), min_size=1, max_size=60))
def test_every_value_is_in_one_bar_and_quantiles_rise(values):
    found = spread_of(pd.Series(values, dtype="float64"), date(2026, 1, 31))
    known = [value for value in values if value is not None]
    assert sum(bar.customers for bar in found.bars) == len(known)
    assert found.missing_share == pytest.approx(1 - len(known) / len(values))
    if known:
        assert found.quantiles["0.5"] == pytest.approx(np.median(known))
        rising = [found.low, *found.quantiles.values(), found.high]
        assert np.all(np.diff(rising) >= -1e-3)


def test_words_are_counted():
    found = spread_of(pd.Series(["a", "b", "a", None]), date(2026, 1, 31))
    assert [(bar.label, bar.customers) for bar in found.bars] == [("a", 2), ("b", 1)]
    assert (found.low, found.missing_share) == (None, 0.25)
