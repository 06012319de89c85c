import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from features.customer import customer_features
from features.labels import churn_labels, require_two_classes
from training.retention import RetentionClassifier
from training.rows import store as row_store
from training.rows.dataset import NO_CELL, CutoffPlan, cutoff_plan, feature_names
from training.rows.encoding import encoded, manifest_of
from training.rows.frames import data_days
from training.rows.population import profile_at
from training.rows.store import (
    StoredRows,
    customer_draws,
    everyone_at,
    needing_room,
    read_rows,
    read_sample,
    write_rows,
)
from training.settings import RetentionSettings
from training.store.bundle import profile


@pytest.fixture(scope="module")
def plan(small_bank: Any) -> CutoffPlan:
    settings = RetentionSettings(train_cutoffs=2, evaluate_cutoffs=1)
    return cutoff_plan(*data_days(small_bank.tables), small_bank.label, settings)


@pytest.fixture(scope="module")
def write(small_bank: Any, plan: CutoffPlan) -> Callable[..., StoredRows]:
    def run(folder: Path, cells: pd.DataFrame = small_bank.cells, **options: int) -> StoredRows:
        bank = small_bank
        return write_rows(
            bank.tables, cells, plan, bank.label, folder, lambda step, share: None, **options
        )

    return run


@pytest.fixture(scope="module")
def stored(write: Callable[..., StoredRows], tmp_path_factory: pytest.TempPathFactory) -> Any:
    return write(tmp_path_factory.mktemp("stored"))


@pytest.fixture(scope="module")
def expected(small_bank: Any, plan: CutoffPlan) -> pd.DataFrame:
    """The rows by two queries a cut-off and a merge, all in memory."""
    parts = []
    for day in plan.train:
        rows = customer_features(small_bank.tables, day).to_pandas().sort_values("customer_id")
        labels = churn_labels(small_bank.tables, day, small_bank.label).to_pandas()
        parts.append(rows.merge(labels[["customer_id", "churned"]], on="customer_id"))
    return pd.concat(parts, ignore_index=True)


def test_stored_rows_are_those_of_the_queries_in_order(stored: StoredRows, expected: Any) -> None:
    found = read_rows(stored.train)
    assert found["customer_id"].tolist() == expected["customer_id"].tolist()
    assert found["churned"].tolist() == expected["churned"].tolist()
    assert found["as_of"].map(str).tolist() == expected["as_of"].astype(str).str[:10].tolist()
    names = expected[feature_names(expected)].select_dtypes("number").columns
    np.testing.assert_allclose(found[names], expected[names], rtol=1e-8)
    assert found["customer_kind"].tolist() == expected["customer_kind"].tolist()


def test_customers_are_counted_once(stored: StoredRows, expected: pd.DataFrame) -> None:
    lost = expected[expected.churned == 1]
    assert stored.counts == (
        len(expected),
        expected.customer_id.nunique(),
        len(lost),
        lost.customer_id.nunique(),
    )
    assert stored.counts.lost_rows > stored.counts.lost_customers > 0


def test_small_batches_and_full_files_change_nothing(
    stored: StoredRows,
    write: Callable[..., StoredRows],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_store, "BATCH_ROWS", 97)
    monkeypatch.setattr(row_store, "PART_ROWS", 150)
    found = write(tmp_path)
    assert len(found.train) > len(stored.train) == 2
    assert found.counts == stored.counts
    assert read_rows(found.train).equals(read_rows(stored.train))
    assert read_rows(found.later).equals(read_rows(stored.later))


def test_buckets_are_random_groups_of_whole_customers(
    stored: StoredRows, write: Callable[..., StoredRows], tmp_path: Path
) -> None:
    found = write(tmp_path, buckets=8)
    key = ["as_of", "customer_id"]
    assert (
        read_rows(found.train).sort_values(key, ignore_index=True).equals(read_rows(stored.train))
    )
    assert read_rows(found.later).equals(read_rows(stored.later))
    groups = [set(read_rows([file]).customer_id) for file in found.train]
    assert len(groups) == 8
    assert sum(map(len, groups)) == found.counts.customers  # nobody is in two
    assert min(map(len, groups)) > found.counts.customers / 16


def test_everyone_is_there_in_the_set_or_not(
    stored: StoredRows, small_bank: Any, plan: CutoffPlan
) -> None:
    day = plan.evaluate[-1]
    everyone = everyone_at(stored.snapshot, day)
    assert len(everyone) == customer_features(small_bank.tables, day).count().execute()
    assert set(read_rows(stored.later).customer_id) < set(everyone.customer_id)
    two = everyone.customer_id[3:5]
    assert everyone_at(stored.snapshot, day, ["recency_days"], two).equals(
        everyone[3:5][["recency_days"]].reset_index(drop=True)
    )


@pytest.mark.parametrize("at_most", [3, 10_000])
def test_the_profile_read_by_columns_is_that_of_the_whole_frame(
    stored: StoredRows, plan: CutoffPlan, at_most: int
) -> None:
    day = plan.evaluate[-1]
    whole = profile(everyone_at(stored.snapshot, day), at_most, seed=4)
    pd.testing.assert_frame_equal(profile_at(stored.snapshot, day, at_most, seed=4), whole)


def test_a_customer_whom_the_grid_does_not_know_is_unassigned(
    write: Callable[..., StoredRows], small_bank: Any, tmp_path: Path
) -> None:
    found = read_rows(write(tmp_path, cells=small_bank.cells[10:]).train)
    strangers = set(small_bank.cells.customer_id[:10])
    assert set(found.customer_id[found.cell_id == NO_CELL]) == strangers & set(found.customer_id)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(
            BadInput, match=r"cannot write the training rows in .*: No space left .*room"
        ),
        needing_room(tmp_path),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_nobody_in_the_set_is_no_row() -> None:
    assert not len(read_rows(()))
    with pytest.raises(BadInput, match=r"rows \(a customer at a cut-off\) 0 stayed and 0 churned"):
        require_two_classes(read_sample((), 10, 0))


def test_a_sample_holds_whole_customers(stored: StoredRows) -> None:
    rows, customers = read_rows(stored.train), stored.counts.customers
    assert read_sample(stored.train, customers, customers).equals(rows)
    some = read_sample(stored.train, 200, customers)
    assert 140 < some.customer_id.nunique() < 260
    others = read_rows(stored.train, 0.0, 1.0 - 200 / customers)
    assert not set(some.customer_id) & set(others.customer_id)
    assert len(some) + len(others) == len(rows)


@given(st.lists(st.text(max_size=6), min_size=1, unique=True), st.integers(0, 10**9))
def test_a_draw_depends_on_id_and_seed_alone(ids: list[str], seed: int) -> None:
    draws = customer_draws(pd.Series(ids), seed)
    assert ((draws >= 0) & (draws < 1)).all()
    assert (customer_draws(pd.Series(ids[::-1]), seed) == draws[::-1]).all()


def test_draws_are_even_and_another_seed_draws_anew() -> None:
    ids = pd.Series([f"C{at}" for at in range(20_000)])
    draws, others = customer_draws(ids, 0), customer_draws(ids, 1)
    assert np.quantile(draws, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.02)
    assert abs(np.corrcoef(draws, others)[0, 1]) < 0.03


def test_rows_coded_from_files_give_the_model_of_the_frame(
    stored: StoredRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = read_rows(stored.train)
    X = rows[feature_names(rows)]
    model = RetentionClassifier(rounds=15, threads=1)
    expected = model.fit(X, rows["churned"], rows["customer_id"]).booster_.model_to_string()
    monkeypatch.setattr("training.rows.encoding.BATCH_ROWS", 101)
    found = encoded(stored.train, stored.counts.rows, tmp_path / "matrix")
    assert found.manifest == model.manifest_ == manifest_of(stored.train)
    np.testing.assert_array_equal(found.matrix, model.manifest_.encode(X))
    assert model.fit_encoded(found).booster_.model_to_string() == expected
