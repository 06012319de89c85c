from datetime import date
from pathlib import Path

import pytest

from domain.reconciliation import Reconciliation
from gridkeep.results import Scored
from serving.batch import ScoreSummary


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
