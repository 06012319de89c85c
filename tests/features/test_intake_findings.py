"""What `check` says of the rows it refused: root causes first, each once, and what to do."""

import csv
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


def test_rows_of_refused_customers_are_summed_behind_the_cause(tmp_path: Path) -> None:
    report = checked(tmp_path, **ORPHANS)
    cause, stranger, orphans = report.findings
    assert "column 'onboarded_on' of customers.csv holds 2 values that are not dates" in cause
    assert (
        "holds 1 row of a customer that the customer table does not have (first: 'C9'" in stranger
    )
    assert stranger.endswith("deliver this customer, or correct the ids")
    assert orphans.startswith(
        "3 rows of transactions and 1 row of holdings are refused because their customer was"
    )
    assert "first: 'C2' in row 3 of transactions_1.csv" in orphans
    assert report.table("transactions").unknown == 4
    with (tmp_path / "out/quarantine/transactions.csv").open(encoding="utf-8", newline="") as file:
        reasons = [(one["file"], one["row"], one["reason"]) for one in csv.DictReader(file)]
    assert reasons == [
        ("transactions_1.csv", "3", "customer is not in the customer table: refused there"),
        ("transactions_1.csv", "4", "customer is not in the customer table: refused there"),
        ("transactions_2.csv", "2", "customer is not in the customer table: refused there"),
        ("transactions_2.csv", "4", "customer is not in the customer table"),
    ]


def test_where_too_many_are_refused_the_cause_leads_and_the_rest_is_said_once(
    tmp_path: Path,
) -> None:
    broken = checked(tmp_path, 0.01, **ORPHANS).broken
    assert broken[0].startswith("2 of 4 rows of customers were rejected")
    assert "onboarded_on" in broken[1]
    assert len([one for one in broken if "because their customer was refused" in one]) == 1
    assert len(broken) == len(set(broken)) == 6


def test_customers_refused_for_two_contents_are_the_cause_too(tmp_path: Path) -> None:
    people = ["C1,2020-01-31", "C1,2020-02-01", "C4,2020-01-31"]
    rows = {"customers": people, "transactions_1": posted(1, "C1", "C4"), "holdings": []}
    cause, orphans = checked(tmp_path, **rows).findings
    assert "repeat a customer_id with different content (onboarded_on)" in cause
    assert orphans.startswith("1 row of transactions is refused because their customer was")


def test_one_cause_in_many_files_is_one_line(tmp_path: Path) -> None:
    rows = {f"transactions_{at}": posted(at, "C1", "C4", amount="five") for at in (1, 3)}
    good = {"customers": ["C1,2020-01-31", "C4,2020-01-31"], "holdings": []}
    (finding,) = checked(tmp_path, **good, **rows, transactions_2=posted(2, "C1")).findings
    assert finding == (
        "column 'amount' of 2 files of transactions holds 4 values that are not numbers "
        "(first: 'five' in row 2 of transactions_1.csv); write plain numbers"
    )


def test_a_later_delivery_says_what_a_reading_of_everything_would(tmp_path: Path) -> None:
    few = {name: rows for name, rows in ORPHANS.items() if name != "transactions_2"}
    one, other = tmp_path / "grown", tmp_path / "anew"
    one.mkdir()
    other.mkdir()
    checked(one, **few)
    grown = checked(one, transactions_2=ORPHANS["transactions_2"])
    anew = checked(other, **ORPHANS)
    assert grown.findings == anew.findings
    quarantine = Path("out/quarantine/transactions.csv")
    assert (one / quarantine).read_text("utf-8") == (other / quarantine).read_text("utf-8")


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
