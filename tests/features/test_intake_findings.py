"""What `check` says of the rows it refused: root causes first, each once, and what to do."""

from pathlib import Path

import pytest

from domain.layout import Layout
from features.intake import take_in
from features.quality.report import QualityReport
from features.settings import SourceSettings

PEOPLE = ["C1,2020-01-31", "C2,31.01.2020", "C3,2020-02-30", "C4,2020-01-31"]
HEADS = {
    "customers": "customer_id,onboarded_on",
    "transactions_1": "transaction_id,customer_id,posted_at,amount",
    "transactions_2": "transaction_id,customer_id,posted_at,amount",
    "transactions_3": "transaction_id,customer_id,posted_at,amount",
    "holdings": "customer_id,product,opened_on",
}
TABLES = {
    "customers": {"file": "customers.csv"},
    "transactions": {"file": "transactions_*.csv"},
    "holdings": {"file": "holdings.csv"},
}


def checked(folder: Path, share: float = 1.0, **rows: list[str]) -> QualityReport:
    for name, head in HEADS.items():
        if name in rows:
            text = "\n".join([head, *rows[name]]) + "\n"
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    settings = SourceSettings.model_validate({**TABLES, "rejected_share_max": share})
    return take_in(settings, folder, Layout(folder / "out")).quality


def posted(at: int, *customers: str, amount: str = "5") -> list[str]:
    return [f"T{at}{n},{one},2026-01-05,{amount}" for n, one in enumerate(customers)]


ORPHANS = {
    "customers": PEOPLE,
    "transactions_1": posted(1, "C1", "C2", "C3"),
    "transactions_2": posted(2, "C2", "C4", "C9"),
    "holdings": ["C3,card,2021-01-01", "C4,card,2021-01-01"],
}


def test_a_repeated_customer_says_how_to_correct_him_and_that_no_share_allows_it(
    tmp_path: Path, repository: Path
) -> None:
    people = ["C1,2020-01-31", "C1,2020-02-01", *(f"D{at},2020-01-31" for at in range(500))]
    rows = {"customers": people, "transactions_1": posted(1, "D1"), "holdings": []}
    (message,) = checked(tmp_path, **rows).broken
    assert (
        "correct the rows in quarantine/customers.csv and run `gridkeep check --replay`" in message
    )
    assert "sources.rejected_share_max does not allow them" in message
    page = (repository / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert "break the contract\nwhatever `rejected_share_max` is" in page


@pytest.mark.parametrize(
    ("date_format", "advice"),
    [
        (None, "write them like 2026-01-31 or set sources.customers.date_format"),
        ("%d.%m.%Y", "write them like sources.customers.date_format = '%d.%m.%Y', or correct it"),
    ],
)
def test_a_date_in_another_form_than_the_one_that_is_set_says_which(
    tmp_path: Path, date_format: str | None, advice: str
) -> None:
    checked(tmp_path, customers=["C1,31/01/2020"], transactions_1=posted(1, "C1"), holdings=[])
    customers = {"file": "customers.csv", "date_format": date_format}
    settings = SourceSettings.model_validate({**TABLES, "customers": customers})
    report = take_in(settings, tmp_path, Layout(tmp_path / "out")).quality
    assert report.findings[0].endswith(advice)
