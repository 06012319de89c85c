"""Rates of loss of cells against SQL, simulation and the labels that they must not know."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from domain.bundle import CARD_FILE, CELL_RATES_FILE, MANIFEST_FILE
from domain.cell_rates import CELL_LEAVING_RATE, CellRates
from domain.errors import BadInput
from training.report import TrainReport
from training.rows.cell_rates import (
    CellCounter,
    add_cell_rates,
    cell_rates,
    fold_rates,
    folds_of,
    prior_customers,
)
from training.rows.dataset import DRAW, NO_CELL, TARGET
from training.rows.store import customer_draws
from training.store.bundle import read_retention

FOLDS = 5

# every weight and sum anew, from the rows
SQL = """
with cell as (
    select cell_id, avg(churned) share, count(distinct customer_id)::double n from rows group by 1
), bank as (
    select sum(share * n) / sum(n) p, sum(n) total from cell
), spread as (
    select p, (sum(n * (share - p) ** 2) / (p * (1 - p)) - sum(1 - n / total))
        / sum((1 - n / total) * (n - 1)) rho
    from cell, bank group by p
)
select cell_id, (n * share + (1 - rho) / rho * p) / (n + (1 - rho) / rho) rate, p
from cell, spread where n >= ? and cell_id <> 'unassigned' order by 1
"""


def rows_of(labels: list[list[int]], cells: list[str]) -> pd.DataFrame:
    """Rows in order of customers: the labels and the cell of each."""
    parts = [
        {"customer_id": f"C{at:05d}", "cell_id": cell, TARGET: label}
        for at, (own, cell) in enumerate(zip(labels, cells, strict=True))
        for label in own
    ]
    rows = pd.DataFrame(parts, columns=["customer_id", "cell_id", TARGET])
    return rows.assign(**{DRAW: customer_draws(rows["customer_id"], 0)})


def drawn(customers: int, cells: int, seed: int, spread: float = 0.3) -> pd.DataFrame:
    """Customers at one to four cut-offs, in cells whose rates lie apart."""
    random = np.random.default_rng(seed)
    rates = np.clip(random.normal(0.3, spread, cells), 0.01, 0.99)
    at = random.integers(0, cells, customers)
    labels = [
        (random.random(n) < rates[c]).astype(int).tolist()
        for n, c in zip(random.integers(1, 5, customers), at, strict=True)
    ]
    return rows_of(labels, [f"cell-{c:02d}" if c else NO_CELL for c in at])


def counted(rows: pd.DataFrame, folds: int = FOLDS) -> pd.DataFrame:
    counter = CellCounter(folds)
    counter.add(rows)
    return counter.table


def beside(rows: pd.DataFrame, least: int = 1) -> Any:
    """The rate beside each row."""
    rates = fold_rates(counted(rows), FOLDS, "g", least)
    return rates.beside(rows["cell_id"].tolist(), folds_of(rows[DRAW].to_numpy(), FOLDS))


def test_a_rate_is_the_posterior_mean_that_sql_computes() -> None:
    rows = drawn(400, 12, seed=3)
    found = cell_rates(counted(rows), "g", customers_min=30)
    expected = duckdb.execute(SQL, [30]).fetchall()
    assert list(found.rates) == [cell for cell, _, _ in expected]
    assert list(found.rates.values()) == pytest.approx([rate for _, rate, _ in expected])
    assert found.bank_rate == pytest.approx(expected[0][2])
    assert 0 < len(expected) < 11  # the floor and `unassigned` leave some out


@pytest.mark.parametrize("strength", [20.0, 200.0])
def test_the_prior_is_that_which_the_cells_were_drawn_with(strength: float) -> None:
    random = np.random.default_rng(1)
    customers = random.integers(50, 500, 4000)
    rates = random.beta(0.1 * strength, 0.9 * strength, len(customers))
    share = random.binomial(customers, rates) / customers
    assert prior_customers(share, customers.astype(float)) == pytest.approx(strength, rel=0.1)


def test_cells_that_differ_by_chance_alone_have_the_banks_rate() -> None:
    # a chance spread looks like none in about half of the draws, and like very little in the rest
    random = np.random.default_rng(2)
    customers = np.full(300, 200.0)
    priors = [
        prior_customers(random.binomial(200, 0.1, 300) / customers, customers) for _ in range(40)
    ]
    assert 8 <= sum(prior is None for prior in priors) <= 32
    assert min(prior for prior in priors if prior is not None) > 500  # five standard deviations


def test_batches_count_as_the_whole_and_a_customer_once() -> None:
    rows = drawn(300, 6, seed=4)
    counter = CellCounter(FOLDS)
    for start in range(0, len(rows), 7):  # customers are cut in two
        counter.add(rows.iloc[start : start + 7])
    counter.add(rows.iloc[:0])
    by = rows.assign(fold=folds_of(rows[DRAW].to_numpy(), FOLDS)).groupby(["cell_id", "fold"])
    expected = by.agg(
        rows=(TARGET, "size"), lost=(TARGET, "sum"), customers=("customer_id", "nunique")
    )
    pd.testing.assert_frame_equal(counter.table, expected.reset_index())


@given(st.data())
def test_the_own_labels_never_touch_the_own_rate(data: st.DataObject) -> None:
    # but for the bank's rate, which is added to every row alike
    size = data.draw(st.integers(10, 40))
    label = st.lists(st.integers(0, 1), min_size=1, max_size=3)
    labels = data.draw(st.lists(label, min_size=size, max_size=size))
    cells = data.draw(st.lists(st.sampled_from(["a", "b"]), min_size=size, max_size=size))
    own = data.draw(st.integers(0, size - 1))
    rows = rows_of(labels, cells)
    flipped = rows.copy()
    mine = (rows["customer_id"] == f"C{own:05d}").to_numpy()
    flipped.loc[mine, TARGET] = 1 - rows.loc[mine, TARGET]
    before, after = (
        beside(some)[mine] - cell_rates(counted(some), "g", 1).bank_rate for some in (rows, flipped)
    )
    assert before.tolist() == pytest.approx(after.tolist(), abs=1e-12)


def test_random_labels_are_foretold_in_fold_and_neither_out_of_fold_nor_by_the_fold() -> None:
    honest, within, naive = [], [], []
    for seed in range(30):
        random = np.random.default_rng(seed)
        labels = [[int(lost)] for lost in random.random(900) < 0.2]
        rows = rows_of(labels, [f"c{cell:02d}" for cell in random.integers(0, 30, 900)])
        y, found = rows[TARGET].to_numpy(), beside(rows)
        folds = folds_of(rows[DRAW].to_numpy(), FOLDS)
        honest.append(roc_auc_score(y, found))
        within += [roc_auc_score(y[folds == at], found[folds == at]) for at in range(FOLDS)]
        naive.append(roc_auc_score(y, rows.groupby("cell_id")[TARGET].transform("mean")))
    assert np.mean(within) == pytest.approx(0.5, abs=0.01)
    # a cell with many lost in one fold has fewer in the others, so a little below a half
    assert np.mean(honest) == pytest.approx(0.5, abs=0.02)
    assert min(naive) > 0.55


def test_rows_of_cells_without_a_rate_are_alike_in_every_fold() -> None:
    rows = drawn(600, 8, seed=2)
    tiny = (rows["cell_id"] == NO_CELL).to_numpy()
    found = beside(rows)
    assert found[tiny].tolist() == pytest.approx([found[tiny][0]] * tiny.sum(), abs=1e-12)
    assert len(np.unique(found[~tiny])) > 20


def test_the_rate_beside_a_row_is_that_of_the_other_folds_counted_by_hand(tmp_path: Path) -> None:
    rows = drawn(500, 8, seed=6)
    parts = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    rows[::2].to_parquet(parts[0], index=False)
    rows[1::2].to_parquet(parts[1], index=False)
    add_cell_rates(parts, fold_rates(counted(rows), FOLDS, "g", 10))
    fold = np.floor(rows[DRAW] * FOLDS).astype(int)
    expected = pd.Series(np.nan, index=rows.index)
    bank = duckdb.execute(SQL, [10]).fetchone()
    for at in range(FOLDS):
        others = rows[fold != at]  # noqa: F841 (read by SQL)
        query = SQL.replace("from rows", "from others")
        told = duckdb.execute(query, [10]).fetchall()
        known = {cell: rate for cell, rate, _ in told}
        mine = rows.loc[fold == at, "cell_id"]
        apart = mine.map(known).fillna(told[0][2]) - told[0][2]
        expected[mine.index] = bank[2] + apart
    for part, some in zip(parts, (rows[::2], rows[1::2]), strict=True):
        found = pd.read_parquet(part)
        assert list(found.columns) == [*rows.columns, CELL_LEAVING_RATE]
        assert found[CELL_LEAVING_RATE].tolist() == pytest.approx(expected[some.index].tolist())
        pd.testing.assert_frame_equal(found[rows.columns], some.reset_index(drop=True))
    assert {file.name for file in tmp_path.iterdir()} == {"a.parquet", "b.parquet"}


def test_a_cell_without_a_lost_customer_has_a_low_rate_and_not_none() -> None:
    labels = [[1]] * 30 + [[0]] * 70 + [[0]] * 100
    found = cell_rates(counted(rows_of(labels, ["bad"] * 100 + ["good"] * 100)), "g", 10)
    assert 0 < found.rates["good"] < found.bank_rate < found.rates["bad"] < 0.3


@pytest.mark.parametrize(
    ("labels", "cells"),
    [
        ([[1], [0], [0], [0]] * 10, ["only"] * 40),  # one cell
        ([[1], [0], [0], [0]] * 10, [NO_CELL] * 40),  # no cells
        ([[0], [0]] * 10, ["a", "b"] * 10),  # nobody was lost
        ([[1], [1]] * 10, ["a", "b"] * 10),  # everybody was
        ([[1], [0], [0], [0]] * 5, [f"c{at}" for at in range(20)]),  # everyone in a cell alone
    ],
)
def test_cells_that_tell_nothing_have_the_banks_rate(
    labels: list[list[int]], cells: list[str]
) -> None:
    found = cell_rates(counted(rows_of(labels, cells)), "g", 1)
    assert (found.prior_customers, found.rates) == (None, {})
    assert found.of(cells).tolist() == [np.mean([own[0] for own in labels])] * len(cells)


def test_a_cell_under_the_floor_unseen_or_unassigned_has_the_banks_rate() -> None:
    labels = [[1]] * 50 + [[0]] * 50 + [[0]] * 100 + [[1]] * 9 + [[1]] * 100
    cells = ["a"] * 100 + ["b"] * 100 + ["tiny"] * 9 + [NO_CELL] * 100
    found = cell_rates(counted(rows_of(labels, cells)), "g", customers_min=10)
    assert set(found.rates) == {"a", "b"}
    others = found.of(["tiny", NO_CELL, "never seen", None])
    assert others.tolist() == [found.bank_rate] * 4


def test_rows_without_cells_and_a_fold_with_everyone_are_refused_in_words() -> None:
    rates = cell_rates(counted(drawn(100, 3, seed=1)), "g", 10)
    with pytest.raises(BadInput, match="no column 'cell_id'; make them by `gridkeep features`"):
        rates.added_to(pd.DataFrame({"customer_id": ["a"]}))
    with pytest.raises(BadInput, match=r"too few customers.*retention\.cell_rates = false"):
        fold_rates(counted(rows_of([[0, 1]], ["a"])), FOLDS, "g", 10)


def test_rates_are_of_one_grid() -> None:
    rates = cell_rates(counted(drawn(100, 3, seed=1)), "grid-1", 10)
    rates.require_grid("grid-1")
    with pytest.raises(BadInput, match=r"cells of grid grid-1, and these are cells of grid-2"):
        rates.require_grid("grid-2")


@pytest.mark.parametrize("change", [{"bank_rate": 1.5}, {"rates": {"a": float("nan")}}])
def test_a_rate_that_is_no_share_is_refused(change: dict[str, Any]) -> None:
    good = {"grid_version": "g", "bank_rate": 0.1, "prior_customers": 5.0, "customers_min": 10}
    with pytest.raises(ValueError, match=r"less than or equal|finite"):
        CellRates.model_validate({**good, "rates": {}, **change})


class Rated:
    """Versions with rates of cells and without, of a bank whose leavers live together."""

    def __init__(self, folder: Path, train: Callable[..., TrainReport], bank: Any) -> None:
        self.folder, self.cells = folder, leavers_together(bank)
        self.first = train("retention", folder, self.cells, cell_rates=True)
        self.second = train("retention", folder, self.cells)
        self.model = Path(self.first.artifacts) / "model"
        self.rates = CellRates.model_validate_json((self.model / CELL_RATES_FILE).read_text())


def leavers_together(bank: Any) -> pd.DataFrame:
    """The cells of a bank, with most of those who will leave in one of their own."""
    gone = bank.tables.closures.execute()["customer_id"]
    moved = bank.cells["customer_id"].isin(gone) & (np.arange(len(bank.cells)) % 3 > 0)
    return bank.cells.assign(cell_id=bank.cells["cell_id"].mask(moved, "leavers"))


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory, train: Any, small_bank: Any) -> Rated:
    return Rated(tmp_path_factory.mktemp("rated"), train, small_bank)


def test_the_rates_are_files_of_the_model_and_one_of_its_inputs(rated: Rated) -> None:
    manifest = json.loads((rated.model / MANIFEST_FILE).read_text())
    rate = {"name": CELL_LEAVING_RATE, "kind": "number", "vocabulary": []}
    assert manifest["columns"].count(rate) == 1
    rates = rated.rates
    card = json.loads((rated.model / CARD_FILE).read_text())
    assert rates.grid_version == card["grid_version"] == "grid-00000000"
    assert card["settings"]["retention"]["cell_rates"] is True
    assert rates.of(["leavers"]) > 2 * rates.of(["nowhere"])
    told = f"{len(rates.rates)} cells have a rate of loss of their own"
    assert len([note for note in rated.first.notes if note.startswith(told)]) == 1


def test_the_profile_holds_the_rate_of_each_cell(rated: Rated) -> None:
    rates = rated.rates
    profile = pd.read_parquet(rated.model / "profile.parquet")
    expected = [rates.rates.get(cell, rates.bank_rate) for cell in profile["cell_id"]]
    assert profile[CELL_LEAVING_RATE].tolist() == expected


def test_the_same_tables_give_the_same_rates_byte_for_byte(
    rated: Rated, train: Callable[..., TrainReport], tmp_path: Path
) -> None:
    assert train("retention", tmp_path, rated.cells, cell_rates=True).digest == rated.first.digest


def test_an_altered_rate_is_refused_before_it_is_read(rated: Rated, tmp_path: Path) -> None:
    for file in rated.model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    rates = json.loads((tmp_path / CELL_RATES_FILE).read_text())
    rates["bank_rate"] /= 2
    (tmp_path / CELL_RATES_FILE).write_text(json.dumps(rates))
    with pytest.raises(BadInput, match=rf"{CELL_RATES_FILE} changed after it was written"):
        read_retention(tmp_path, rated.first.digest)


def test_a_champion_is_judged_by_its_own_rates_and_not_on_another_grid(rated: Rated) -> None:
    assert rated.second.baselines["champion"]["auc"] == rated.first.metrics["auc"]
    assert rated.second.differences["champion"]["log_loss"].value > 0  # the planted rates help
    model = read_retention(rated.model, rated.first.digest)
    profile = pd.read_parquet(rated.model / "profile.parquet")
    rows = profile.reindex(columns=["cell_id", *model.manifest.names])
    found = model.probability(rows, "grid-00000000")
    of_others = rows.assign(**{CELL_LEAVING_RATE: 0.5})  # as a later training has added it
    assert model.probability(of_others, "grid-00000000").tolist() == found.tolist()
    leavers = (rows["cell_id"] == "leavers").to_numpy()
    assert found[leavers].mean() > 2 * found[~leavers].mean()
    with pytest.raises(BadInput, match="cells of grid grid-00000000, and these are cells of other"):
        model.probability(rows, "other")


def test_without_the_setting_nothing_of_it_is_in_the_model(rated: Rated) -> None:
    model = Path(rated.second.artifacts) / "model"
    assert not (model / CELL_RATES_FILE).exists()
    assert CELL_LEAVING_RATE not in (model / MANIFEST_FILE).read_text()
    assert CELL_LEAVING_RATE not in pd.read_parquet(model / "profile.parquet").columns


def test_cells_that_tell_nothing_add_nothing_to_the_model_and_the_notes_say_so(
    train: Callable[..., TrainReport], small_bank: Any, tmp_path: Path
) -> None:
    report = train("retention", tmp_path, small_bank.cells.assign(cell_id="all"), cell_rates=True)
    model = Path(report.artifacts) / "model"
    assert not (model / CELL_RATES_FILE).exists()
    assert CELL_LEAVING_RATE not in (model / MANIFEST_FILE).read_text()
    assert [note for note in report.notes if note.startswith("no rate of loss is read")]
