"""What is too low to train on, and the page that shows it."""

import re
from pathlib import Path

import pandas as pd
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from features.engine import tables_of
from features.quality.measure import measure
from features.quality.measured import Measured
from features.quality.page import QualityPage, page, verdict
from features.quality.report import QualityReport
from features.quality.store import measured_on, measures_path, stored_or_measured
from features.quality.summary import dimension_shares, low_cells, require_quality, shortfalls
from features.settings import QualitySettings


def bank(wrong: int, people: int = 100) -> Measured:
    """Measures of customers of whom `wrong`, all in the north, were born after they joined."""
    ids = [f"c{at:03}" for at in range(people)]
    customers = pd.DataFrame({"customer_id": ids, "onboarded_on": "2020-01-10"})
    customers["birth_date"] = ["2021-01-01" if at < wrong else "1980-01-01" for at in range(people)]
    posted = pd.DataFrame(
        {
            "transaction_id": ["1"],
            "customer_id": ids[:1],
            "posted_at": ["2020-02-01"],
            "amount": 1.0,
        }
    )
    cells = pd.DataFrame(
        {"customer_id": ids, "cell_id": ["north"] * 50 + ["<south>"] * (people - 50)}
    )
    return measure(tables_of({"customers": customers, "transactions": posted}), 3, cells)


def test_training_is_refused_with_column_share_interval_and_key() -> None:
    with pytest.raises(BadInput) as refused:
        require_quality(bank(20), QualitySettings())
    first, second, advice = str(refused.value).splitlines()
    assert "80.0 % of 100 (71.1 % to 86.7 %), below quality.accuracy_min = 0.98" in first
    assert "customers.birth_date: consistency (born before joining" in second
    assert "quality.consistency_min = 0.95" in second
    assert "quality.gate = false" in advice


def test_a_share_that_chance_alone_can_explain_stops_nobody() -> None:
    measured = bank(4)
    assert measured.accuracy.share < 0.98 < measured.accuracy.high
    require_quality(measured, QualitySettings())


def test_the_gate_can_be_opened_and_the_minima_lowered() -> None:
    require_quality(bank(20), QualitySettings(gate=False))
    require_quality(bank(20), QualitySettings(accuracy_min=0.8, consistency_min=0.8))


def test_completeness_is_asked_of_the_columns_that_are_named() -> None:
    measured = bank(0)
    require_quality(measured, QualitySettings())  # most optional columns are absent
    asked = QualitySettings(completeness={"customers.sex": 0.5, "customers.birth_date": 0.9})
    assert [one.key for one in shortfalls(measured, asked)] == [
        'quality.completeness."customers.sex"'
    ]


def test_a_low_cell_is_told_and_does_not_gate() -> None:
    measured = bank(4)
    assert [one.cell_id for one in low_cells(measured, QualitySettings())] == ["north"]
    assert [one.cell_id for one in measured.cells] == ["north", "<south>"]


def test_columns_that_nobody_delivered_do_not_lower_completeness() -> None:
    found = {one.dimension: one for one in dimension_shares(bank(0))}
    assert found["completeness"].share == 1.0
    assert found["consistency"].lowest.share == 1.0


def test_stored_measures_are_used_as_long_as_their_mark_holds(tmp_path: Path) -> None:
    layout, asked = Layout(tmp_path), []

    def make() -> Measured:
        asked.append(1)
        return bank(4)

    mark = measured_on({"customers": "a"}, "g1", 3, QualityReport())
    made = stored_or_measured(layout, mark, make)
    again = stored_or_measured(layout, mark, make)
    assert len(asked) == 1
    pd.testing.assert_frame_equal(made.rows, again.rows)
    assert (made.freshness, made.notes) == (again.freshness, again.notes)
    stored_or_measured(layout, measured_on({"customers": "a"}, "g2", 3, QualityReport()), make)
    measures_path(layout).write_bytes(b"damaged")
    stored_or_measured(layout, mark, make)
    assert len(asked) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"data_hashes": {"customers": "b"}},
        {"grid_version": "g2"},
        {"late_days": 4},
        {"door": QualityReport(findings=("another",))},
        {"door": None},
    ],
)
def test_whatever_the_measures_depend_on_changes_their_mark(other: dict[str, object]) -> None:
    said = {"data_hashes": {"customers": "a"}, "grid_version": "g1", "late_days": 3}
    said["door"] = QualityReport()
    assert measured_on(**said) == measured_on(**said)
    assert measured_on(**said) != measured_on(**(said | other))


def test_what_is_told_only_stops_no_training() -> None:
    told = bank(0).rows.assign(gates=False, low=0.1, high=0.2, share=0.15)
    low = told[(told.dimension == "consistency")]
    assert len(low)
    rows = pd.concat([bank(0).rows.query("dimension == 'accuracy'"), low])
    require_quality(Measured(rows, ()), QualitySettings())
    with pytest.raises(BadInput, match="consistency"):
        require_quality(Measured(rows.assign(gates=True), ()), QualitySettings())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [(0, "too few to say"), (20, "the target of 98.0 % is missed")],
)
def test_the_page_says_whether_the_target_is_met(wrong: int, words: str) -> None:
    told = QualityPage("bank", QualityReport(), bank(wrong), QualitySettings(), "g1")
    assert words in verdict(told)


def test_the_page_is_whole_offline_and_escapes_what_the_bank_wrote() -> None:
    report = QualityReport(findings=("column <b> holds 3 values",), broken=("<i> is broken",))
    text = page(QualityPage("A & B", report, bank(20), QualitySettings(), "g1"))
    assert "A &amp; B" in text
    assert "Inside only: counts are exact, those of small cells too" in text
    assert "column &lt;b&gt; holds" in text
    assert "&lt;i&gt; is broken" in text
    assert "&lt;south&gt;" in text
    assert not re.search(r"(src|href)=|<script|url\((?!#)", text)
    assert text.count("<svg") == text.count("</svg>") > 4
    assert "no model is trained on these tables" in text


def test_the_page_of_a_refused_delivery_shows_why() -> None:
    report = QualityReport(broken=("table 'customers' has no rows",))
    text = page(QualityPage("bank", report, None, QualitySettings()))
    assert "The delivery was refused" in text
    assert "table &#x27;customers&#x27; has no rows" in text


@pytest.mark.parametrize("minima", [{"customers.age": 0.5}, {"customers.sex": 1.5}])
def test_a_minimum_of_no_column_or_no_share_is_refused(minima: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"unknown column|between 0 and 1"):
        QualitySettings(completeness=minima)
