from datetime import date
from pathlib import Path

import pytest

from domain.reconciliation import Reconciliation
from gridkeep.results import Scored, Trained
from serving.batch import ScoreSummary
from training.report import TrainReport


@pytest.mark.parametrize(
    ("unknown", "words"),
    [
        (0, "value at risk 7,200"),
        (7, "value at risk 7,200 (7 customers have no known value)"),
        (1, "value at risk 7,200 (1 customer has no known value)"),
    ],
)
def test_a_score_file_says_how_many_customers_have_no_known_value(unknown, words):
    bands = {"low": 8, "medium": 1, "high": 1}
    summary = ScoreSummary(Path("scores.parquet"), 10, bands, 7200.4, unknown, 1, 0)
    told = Scored(date(2026, 1, 31), summary, Reconciliation((), ())).lines()[0]
    assert told.endswith(f"10 customers scored at 2026-01-31: 8 low, 1 medium, 1 high; {words}")


def test_the_shares_of_segments_name_the_month_that_they_are_of():
    days = (date(2025, 7, 1), date(2025, 10, 1)), (date(2026, 1, 1),)
    report = TrainReport(
        "segmentation", "d1", *days, 9, 9, {}, {}, {}, segments={"low": 0.995, "high": 0.005}
    )
    assert "customers at 2026-01-01\n  low      99.5%" in "\n".join(Trained(report).lines())
