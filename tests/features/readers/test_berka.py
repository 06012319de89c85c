"""The Berka bank, against a plain reading of its files."""

import csv
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from features.intake import take_in
from features.readers import berka
from features.settings import SourceSettings

SETTINGS = SourceSettings(reader="berka")


@pytest.fixture(scope="module")
def source(shared_data: Path) -> Path:
    return shared_data / "berka"


@pytest.fixture(scope="module")
def clean(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    layout = Layout(tmp_path_factory.mktemp("berka"))
    quality = take_in(SETTINGS, source, layout, "Europe/Prague").require_sound().quality
    assert not any(table.rejected for table in quality.tables)
    return layout.tables


def delivered(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="ascii", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_every_account_is_a_customer_with_its_owners_birth_and_sex(
    source: Path, clean: Path
) -> None:
    people = pd.read_parquet(clean / "customers.parquet").set_index("customer_id")
    accounts = delivered(source / "account.asc")
    owner = {
        row["account_id"]: row["client_id"]
        for row in delivered(source / "disp.asc")
        if row["type"] == "OWNER"
    }
    birth = {row["client_id"]: row["birth_number"] for row in delivered(source / "client.asc")}
    district = {row["A1"]: row["A2"] for row in delivered(source / "district.asc")}
    assert len(people) == len(accounts) == 4500
    for account in accounts:
        number = birth[owner[account["account_id"]]]
        month = int(number[2:4])
        row = people.loc[account["account_id"]]
        assert row["sex"] == ("F" if month > 50 else "M")
        assert row["birth_date"] == date(1900 + int(number[:2]), month % 50, int(number[4:]))
        assert row["district"] == district[account["district_id"]]
    assert people["district"].nunique() == 77


def test_transactions_have_the_sign_of_their_type_and_add_up(source: Path, clean: Path) -> None:
    rows = pd.read_parquet(clean / "transactions")
    given = delivered(next(source.glob("trans*.asc")))
    oracle: Counter[str] = Counter()
    for row in given:
        oracle[row["account_id"]] += round(100 * float(row["amount"])) * (
            1 if row["type"] == "PRIJEM" else -1
        )
    assert len(rows) == len(given)
    cents = (rows["amount"] * 100).round().astype(int).groupby(rows["customer_id"]).sum()
    assert cents.to_dict() == oracle
    kinds = Counter(row["k_symbol"].strip() for row in given)
    counts = rows["category"].value_counts()
    assert counts["pension"] == kinds["DUCHOD"]
    assert counts["penalty_interest"] == kinds["SANKC. UROK"]
    made = kinds["UROK"] + kinds["SANKC. UROK"] + kinds["SLUZBY"]
    assert (~rows["initiated_by_customer"].astype(bool)).sum() == made


def test_days_begin_at_midnight_in_prague(clean: Path) -> None:
    first, last = duckdb.sql(
        f"SELECT min(posted_at), max(posted_at) FROM '{clean}/transactions/*.parquet'"
    ).fetchall()[0]
    assert str(first) == "1992-12-31 23:00:00"
    assert str(last) == "1994-03-30 22:00:00"  # summer time began on 27 March


def test_the_order_of_ids_is_the_order_of_booking(clean: Path) -> None:
    rows = pd.read_parquet(clean / "transactions")
    before = rows.groupby("customer_id")["balance_after"].shift()
    follows = (before + rows["amount"] - rows["balance_after"]).abs() < 0.2
    assert follows[before.notna()].mean() > 0.999


def test_holdings_are_the_account_its_cards_and_its_loan(source: Path, clean: Path) -> None:
    held = pd.read_parquet(clean / "holdings.parquet")["product"].value_counts()
    cards = Counter("card_" + row["type"] for row in delivered(source / "card.asc"))
    loans = len(delivered(source / "loan.asc"))
    assert held.to_dict() == {"account": 4500, "loan": loans, **cards}
    assert len(pd.read_parquet(clean / "closures.parquet")) == 0


def test_a_missing_file_and_a_wrong_row_are_named(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "berka"
    shutil.copytree(source, folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    trans = next(folder.glob("trans*.asc"))
    bad = '1;576;"930231";"PRIJEM";"VKLAD";1.00;1.00;"";;\n2;576;930101;"DAR";"";1.00;1.00;"";;\n'
    trans.write_text(trans.read_text("ascii") + bad, "ascii")
    report = take_in(SETTINGS, folder, Layout(tmp_path / "out"), "Europe/Prague").quality
    assert report.table("transactions").rejected == 2
    assert any("'1993-02-31'" in line for line in report.findings)
    assert any("'DAR1.00'" in line for line in report.findings)
    (folder / "disp.asc").unlink()
    with pytest.raises(BadInput, match=r"has no disp\.asc \(it holds account\.asc"):
        list(berka.read(SETTINGS, folder, "UTC"))
