"""What every registered feature keeps to, whatever it means."""

import re
import shutil
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from features.customer import customer_features
from features.dictionary import families_told, markdown
from features.engine import Tables, frame_of, tables_of
from features.feature import REGISTERED, Feature, feature
from features.registry import FEATURES, WINDOWS, features_hash

EVERY = pytest.mark.parametrize("known", FEATURES.values(), ids=FEATURES)
DAYS = [date(2025, 12, 1), date(2026, 3, 1)]
CANONICAL = [
    "recency_days",
    "tenure_days",
    "active_months_365d",
    "balance_last",
    "channels_365d",
    "categories_365d",
    "counterparties_365d",
    "gap_mean_365d",
    "gap_std_365d",
]
FAMILIES = [
    "transactions",
    "credit",
    "debit",
    "amount_mean",
    "amount_std",
    "amount_max",
    "balance_mean",
]
CANONICAL += [f"{name}_{days}d" for name in FAMILIES for days in (30, 90, 180, 365)]


@pytest.fixture(scope="module")
def tables() -> Tables:
    """A bank of 30 customers, two of them without any history."""
    draw = np.random.default_rng(5)
    rows = 1500
    ids = np.array([f"C{at}" for at in range(30)])
    posted = np.datetime64("2024-06-01", "us") + draw.integers(0, 6e7, rows).astype(
        "timedelta64[s]"
    )
    transactions = pd.DataFrame(
        {
            "transaction_id": np.arange(rows).astype(str),
            "customer_id": draw.choice(ids[2:], rows),
            "posted_at": posted,
            "amount": draw.normal(0, 500, rows),
            "balance_after": draw.normal(0, 5000, rows),
            "category": draw.choice(["salary", "other_bank", "fee", "cash_out", None], rows),
            "channel": draw.choice(["atm", "web", "counter"], rows),
            "counterparty_id": draw.choice(["x", "y", "z", None], rows),
            "initiated_by_customer": draw.random(rows) < 0.7,
        }
    )
    events = pd.DataFrame(
        {
            "event_id": np.arange(200).astype(str),
            "customer_id": draw.choice(ids[2:], 200),
            "occurred_at": posted[:200],
            "kind": draw.choice(["complaint", "contact", "survey", "visit"], 200),
            "resolved_at": np.where(
                draw.random(200) < 0.7, posted[:200] + np.timedelta64(9, "D"), None
            ),
            "satisfaction": draw.integers(1, 6, 200).astype(float),
        }
    )
    products = pd.DataFrame(
        {"customer_id": ids[2:], "product": "card", "opened_on": "2025-01-05", "closed_on": None}
    )
    products.loc[::3, "closed_on"] = "2025-11-05"
    customers = pd.DataFrame({"customer_id": ids, "onboarded_on": "2020-01-01", "kind": "person"})
    customers["birth_date"] = "1980-05-05"
    customers["latitude"], customers["longitude"] = 30 + draw.normal(0, 0.01, (2, len(ids)))
    customers.loc[:1, "latitude"] = np.nan
    customers["outlet_id"] = "B1"
    outlets = {"outlet_id": ["B1", "B2"], "latitude": [30.0, 30.1], "longitude": [30.0, 30.0]}
    return tables_of(
        {
            "outlets": pd.DataFrame(outlets),
            "customers": customers,
            "transactions": transactions,
            "service_events": events,
            "holdings": products,
        }
    )


@pytest.fixture(scope="module")
def rows(tables: Tables) -> pd.DataFrame:
    return frame_of(customer_features(tables, DAYS))


@pytest.fixture(scope="module")
def empty() -> pd.Series:
    customers = pd.DataFrame({"customer_id": ["a"], "onboarded_on": ["2026-01-01"]})
    return frame_of(customer_features(tables_of({"customers": customers}), DAYS)).iloc[0]


@EVERY
def test_a_feature_says_what_it_means_and_in_which_unit(known: Feature) -> None:
    assert known.expression.__name__ == known.name
    assert (known.expression.__doc__ or "").strip().startswith(known.meaning)
    assert re.fullmatch(r"[A-Z].{4,98}\.", known.meaning)
    assert "{" not in known.meaning
    assert known.unit
    assert known.text[0].islower()
    assert not known.text.endswith(".")


@EVERY
def test_a_feature_stays_in_its_range(known: Feature, rows: pd.DataFrame) -> None:
    if known.kind == "category":
        return
    values = rows[known.name].dropna()
    assert np.isfinite(values).all()
    assert values.min() >= (-np.inf if known.low is None else known.low)
    assert values.max() <= (np.inf if known.high is None else known.high)
    assert len(values), "nobody in the bank of this test has a value"


HOSTILE = (0.0, 1e12, -1e12, 5e-324, -5e-324, 1e-12, -0.01, 0.01)


def test_no_feature_is_infinite_or_out_of_range_whatever_the_amounts() -> None:
    draw, rows = np.random.default_rng(2), 600
    # few rows each, all at one time for some, so that sums, spreads and gaps are often zero
    posted = np.datetime64("2026-02-01", "us") - draw.choice([0, 0, 1, 20, 100, 300], rows).astype(
        "timedelta64[D]"
    )
    transactions = pd.DataFrame(
        {
            "transaction_id": np.arange(rows).astype(str),
            "customer_id": draw.integers(0, 150, rows).astype(str),
            "posted_at": posted,
            "amount": draw.choice(HOSTILE, rows),
            "balance_after": draw.choice([*HOSTILE, np.nan], rows),
            "category": draw.choice(["salary", "other_bank", "cash_out", "", None], rows),
            "channel": draw.choice(["web", "Web", "counter", None], rows),
        }
    )
    customers = pd.DataFrame({"customer_id": np.arange(150).astype(str)})
    customers["onboarded_on"] = "2020-01-01"
    hostile = tables_of({"customers": customers, "transactions": transactions})
    found = customer_features(hostile, DAYS).to_pyarrow()
    for name, known in FEATURES.items():
        if known.kind == "number":
            values = np.array(found[name].drop_null())
            assert np.isfinite(values).all(), f"{name} is infinite"
            slack = 1e-9  # a share of sums of very different size
            assert known.low is None or values.min(initial=known.low) >= known.low - slack, name
            assert known.high is None or values.max(initial=known.high) <= known.high + slack, name


@EVERY
def test_a_feature_is_defined_on_an_empty_history(known: Feature, empty: pd.Series) -> None:
    found = empty[known.name]
    if known.name == "tenure_days":
        assert found == 59
    elif known.empty is None:
        assert pd.isna(found)
    else:
        assert found == known.empty


@EVERY
def test_a_feature_of_a_customer_without_rows_among_others_is_the_empty_one(
    known: Feature, rows: pd.DataFrame, empty: pd.Series
) -> None:
    if known.family == "who":
        return
    quiet = rows.loc[rows["customer_id"] == "C0", known.name]
    assert quiet.isna().all() if known.empty is None else (quiet == known.empty).all()


def test_the_canonical_features_are_all_there() -> None:
    assert set(CANONICAL) <= set(FEATURES)
    assert len(FEATURES) >= 80


def test_every_family_is_a_module_with_features_and_a_title() -> None:
    families = families_told()
    assert {known.family for known in FEATURES.values()} == {name for name, _ in families}
    assert all(re.fullmatch(r"[A-Z].{10,80}[^.]", title) for _, title in families)
    together = [known.family for known in FEATURES.values()]
    assert together == sorted(together, key=[name for name, _ in families].index)


def test_no_feature_reads_sex_or_the_wish_not_to_be_contacted(tables: Tables) -> None:
    other = tables.customers.mutate(sex=ibis.literal("F"), marketing_opt_out=ibis.literal(True))
    found = frame_of(customer_features(tables._replace(customers=other), DAYS))
    assert not {"sex", "customer_sex", "marketing_opt_out"} & set(found.columns)
    pd.testing.assert_frame_equal(
        _sorted(found), _sorted(frame_of(customer_features(tables, DAYS)))
    )


def test_a_feature_is_the_same_for_a_customer_alone_and_among_all(
    tables: Tables, rows: pd.DataFrame
) -> None:
    alone = frame_of(customer_features(tables, DAYS, ["C7"]))
    expected = rows[rows["customer_id"] == "C7"]
    pd.testing.assert_frame_equal(_sorted(alone), _sorted(expected), rtol=1e-9)


def test_clocks_and_what_is_said_twice_or_shared_are_not_monitored() -> None:
    unwatched = {name for name, known in FEATURES.items() if not known.monitored}
    clocks = {"tenure_days", "age_years", "product_opened_days_since", "product_closed_days_since"}
    clocks |= {"complaint_days_since", "open_complaint_days"}
    said_twice = {"balance_usual", "balance_from_peak_365d", "counterparties_active_share"}
    assert unwatched == clocks | said_twice | {"customers_per_km2"}  # neighbours share it


def test_the_window_starts_are_those_of_the_interface() -> None:
    assert WINDOWS == (30, 90, 180, 365)


def test_the_hash_is_the_same_in_every_process_and_the_registry_needs_no_engine(
    repository: Path,
) -> None:
    code = (
        "import sys; from features.registry import features_hash; import features.online; "
        "print(features_hash(), 'ibis' in sys.modules, 'duckdb' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == [features_hash(), "False", "False"]


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("features/definitions/activity.py", "history.gap_mean()", "history.gap_std()"),
        ("features/history.py", 'events.available_at <= days["at"]', "ibis.literal(True)"),
        ("features/transactions.py", "parts.seen <= rings.cutoff", "ibis.literal(True)"),
        ("features/panes.py", "bisect_right(self.edges, day) - 1", "bisect_right(self.edges, day)"),
        ("features/measures.py", "count > 1", "count > 2"),
        ("features/ground.py", "latitude != 0", "latitude != 1"),
        ("features/places.py", "outlets.open", "outlets.outlet_id.notnull()"),
        ("features/feature.py", "(30, 90, 180, 365)", "(30, 90, 180, 360)"),
        ("features/dialect.py", "1_000_000_000", "1_000_000"),
    ],
)
def test_another_definition_is_another_hash(
    repository: Path, tmp_path: Path, module: str, before: str, after: str
) -> None:
    for package in ("domain", "features"):
        shutil.copytree(repository / package, tmp_path / package)
    text = (tmp_path / module).read_text(encoding="utf-8")
    assert before in text
    (tmp_path / module).write_text(text.replace(before, after), encoding="utf-8")
    code = "from features.registry import features_hash; print(features_hash())"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() != features_hash()


def test_a_comment_or_a_docstring_leaves_the_hash_alone(repository: Path, tmp_path: Path) -> None:
    for package in ("domain", "features"):
        shutil.copytree(repository / package, tmp_path / package)
    module = tmp_path / "features" / "history.py"
    text = module.read_text(encoding="utf-8")
    module.write_text(f'"""Other words."""\n# a comment\n{text}', encoding="utf-8")
    code = "from features.registry import features_hash; print(features_hash())"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == features_hash()


def test_a_feature_without_a_docstring_or_with_a_taken_name_is_refused() -> None:
    def recency_days(latest: object) -> object:
        """Again."""
        return latest

    def silent_feature(latest: object) -> object:
        return latest

    before = list(REGISTERED)
    for function, message in ((recency_days, "two features"), (silent_feature, "no docstring")):
        with pytest.raises(ValueError, match=message):
            feature(unit="days")(function)
    assert before == REGISTERED


def test_the_data_dictionary_is_the_committed_page(repository: Path) -> None:
    page = (repository / "docs" / "features.md").read_text(encoding="utf-8")
    assert page == markdown(), "run `python -m features.dictionary > docs/features.md`"


def test_the_bank_of_this_test_reaches_past_its_cutoffs(tables: Tables) -> None:
    last = tables.transactions.posted_at.max().execute()
    assert last > datetime(2026, 3, 1) + timedelta(days=30)


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(["as_of", "customer_id"], ignore_index=True)
