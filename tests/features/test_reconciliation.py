"""Counts and amounts from the source to the features and scores."""

from copy import copy
from datetime import date
from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.layout import Layout
from domain.reconciliation import Reconciliation
from features.engine import open_tables
from features.intake import take_in
from features.quality.report import QUALITY_FILE, QualityReport
from features.reconciliation import reconciled
from features.settings import SourceSettings
from features.snapshot import write_features

AS_OF = date(2020, 7, 1)
SOURCE = SourceSettings.model_validate(
    {
        "customers": {"file": "customers.csv"},
        "transactions": {"file": "transactions*.csv", "decimal": ","},
        "closures": {"file": "closures.csv"},
        "rejected_share_max": 1,
        "stale_days": 9999,
    }
)
ROW = st.tuples(
    st.sampled_from([f"T{at}" for at in range(4)]),
    st.sampled_from(["C1", "C2", "C3", "C9"]),
    st.sampled_from(["2019-06-01", "2020-02-01", "2020-06-30 23:30", "2020-07-01", "no day"]),
    st.sampled_from(['"1,5"', '"-20,25"', "7", "x", "inf"]),
    st.sampled_from(["", "2020-06-30", "2020-07-02"]),
)
GOOD = ("T0", "C1", "2020-06-01", "1", "")  # so that there always is a table


class Bank:
    """Tables, a snapshot and scores of a few customers, and what reconciles them."""

    def __init__(self, folder: Path, rows: list[tuple[str, ...]]) -> None:
        self.place(folder)
        (folder / "customers.csv").write_text(
            "customer_id,onboarded_on\nC1,2019-01-01\nC2,2019-01-01\nC3,2020-07-01\nC4,2019-01-01\n"
        )
        (folder / "closures.csv").write_text("customer_id,closed_on\nC4,2020-06-30\n")
        text = [
            "transaction_id,customer_id,posted_at,amount,available_at",
            *map(",".join, [GOOD, *rows]),
        ]
        (folder / "transactions.csv").write_text("\n".join(text) + "\n")
        self.report = take_in(SOURCE, folder, self.layout, "Europe/Prague")

    def place(self, folder: Path) -> None:
        self.folder, self.layout = folder, Layout(folder / "out")
        self.features = folder / "features.parquet"
        self.scores = folder / "scores.parquet"

    def open(self) -> None:
        self.tables = open_tables(self.layout.tables, timezone="Europe/Prague", stale_days=9999)

    def copied(self, folder: Path) -> "Bank":
        """The same in another folder, to be spoilt."""
        found = copy(self)
        found.place(Path(copytree(self.folder, folder)))
        found.open()
        return found

    def score(self) -> None:
        self.open()
        ids = ["C1", "C2", "C3", "C4"]
        self.cells = pd.DataFrame({"customer_id": ids, "cell_id": "cell"})
        write_features(self.tables, [AS_OF], self.features, self.cells)
        rows = pd.read_parquet(self.features, columns=["customer_id", "as_of"])
        rows.assign(churn_probability=0.5).to_parquet(self.scores)

    def reconciled(self) -> Reconciliation:
        return reconciled(self.tables, self.layout, self.cells, self.features, [AS_OF], self.scores)

    def broken(self) -> list[str]:
        return [line.what for line in self.reconciled().broken]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    rows = [("T1", "C2", "2020-06-15", '"-20,25"', ""), ("T2", "C2", "2020-06-15", "x", "")]
    found = Bank(tmp_path_factory.mktemp("scored"), rows)
    found.score()
    return found


@pytest.fixture
def bank(scored: Bank, tmp_path: Path) -> Bank:
    return scored.copied(tmp_path / "bank")


@settings(max_examples=15, deadline=None)
@given(st.lists(ROW, max_size=10))
def test_whatever_is_delivered_comes_out(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    bank = Bank(tmp_path_factory.mktemp("bank"), rows)
    if not bank.report.quality.sound:  # a conflict: the tables are not made
        return
    bank.score()
    found = bank.reconciled()
    assert [line.sentence() for line in found.broken] == []
    lines = {line.what: line for line in found.lines}
    assert lines["transactions: delivered rows"].total == 1 + len(rows)
    assert lines[f"customers in the table at {AS_OF}"].parts == {
        "with features": 2,
        "not onboarded yet": 1,
        "closed before": 1,
    }


def test_money_is_told_at_every_step(bank: Bank) -> None:
    lines = {line.what: line for line in bank.reconciled().lines}
    money = lines["transactions: delivered amounts"]
    assert money.total == money.parts["in the table"] == -19.25
    assert lines[f"debit_30d at {AS_OF}"].total == 20.25
    assert lines[f"credit_365d at {AS_OF}"].total == 1.0


def replaced(path: Path, rows: pd.DataFrame) -> None:
    rows.to_parquet(path)


def test_a_customer_lost_on_the_way_to_the_scores_is_found(bank: Bank) -> None:
    replaced(bank.scores, pd.read_parquet(bank.scores).iloc[1:])
    assert set(bank.broken()) == {"rows with features"}


def test_a_customer_scored_in_the_place_of_another_is_found(bank: Bank) -> None:
    scores = pd.read_parquet(bank.scores)
    replaced(bank.scores, pd.concat([scores.iloc[:1]] * 2))
    assert bank.broken() == ["rows with features"]


def test_a_score_without_a_probability_is_found(bank: Bank) -> None:
    scores = pd.read_parquet(bank.scores)
    replaced(
        bank.scores,
        scores.assign(churn_probability=[0.5, np.nan]).astype({"churn_probability": "Float64"}),
    )
    assert bank.broken() == ["scored rows"]


def test_a_customer_without_features_is_found(bank: Bank) -> None:
    replaced(bank.features, pd.read_parquet(bank.features).iloc[:1])
    assert f"customers in the table at {AS_OF}" in bank.broken()


@pytest.mark.parametrize("column", ["transactions_90d", "credit_365d", "debit_30d"])
def test_a_figure_that_was_changed_is_found(bank: Bank, column: str) -> None:
    rows = pd.read_parquet(bank.features)
    rows[column] += 0.01
    replaced(bank.features, rows)
    assert bank.broken() == [f"{column} at {AS_OF}"]


def test_a_customer_without_a_cell_is_found(bank: Bank) -> None:
    bank.cells = bank.cells.assign(cell_id=["cell", "cell", None, "cell"])
    assert bank.broken() == ["customers in the table"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("delivered", 9, "transactions: delivered rows"),
        ("delivered_amount", -19.0, "transactions: delivered amounts"),
        ("rejected", 0, "transactions: delivered rows"),
    ],
)
def test_a_source_that_does_not_come_out_is_found(
    bank: Bank, field: str, value: float, words: str
) -> None:
    path = bank.layout.root / QUALITY_FILE
    report = QualityReport.model_validate_json(path.read_text())
    controls = [
        one.model_copy(update={field: value}) if one.table == "transactions" else one
        for one in report.controls
    ]
    path.write_text(report.model_copy(update={"controls": tuple(controls)}).model_dump_json())
    assert bank.broken() == [words]


def test_a_later_delivery_that_was_refused_is_not_compared(bank: Bank) -> None:
    (bank.folder / "transactions.csv").write_text("transaction_id,customer_id\n")
    assert not take_in(SOURCE, bank.folder, bank.layout, "Europe/Prague").quality.sound
    found = bank.reconciled()
    assert found.broken == ()
    assert "refused" in found.notes[0]
