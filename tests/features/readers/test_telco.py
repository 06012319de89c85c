"""IBM's telco sample, against its cells as openpyxl gives them."""

from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from features.intake import take_in
from features.readers import telco
from features.settings import SourceSettings

SETTINGS = SourceSettings(reader="telco")
Cells = list[dict[str, object]]


@pytest.fixture(scope="module")
def given(shared_data: Path) -> Cells:
    book = openpyxl.load_workbook(shared_data / "telco" / telco.FILE, read_only=True)
    names, *rows = book.worksheets[0].iter_rows(values_only=True)
    book.close()
    return [dict(zip(map(str, names), row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def clean(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    layout = Layout(tmp_path_factory.mktemp("telco"))
    take_in(SETTINGS, shared_data / "telco", layout).require_sound()
    return layout.tables


@pytest.mark.slow
def test_customers_have_their_coordinates_and_came_their_tenure_ago(
    given: Cells, clean: Path
) -> None:
    people = pd.read_parquet(clean / "customers.parquet").set_index("customer_id")
    assert len(people) == len(given) == 7_043
    for row in given:
        one = people.loc[str(row["CustomerID"])]
        assert (one["latitude"], one["longitude"]) == (row["Latitude"], row["Longitude"])
        came = one["onboarded_on"]
        assert (2018 - came.year) * 12 + 10 - came.month == row["Tenure Months"]


@pytest.mark.slow
def test_those_who_left_are_the_closures_and_nothing_that_tells_it_is_read(
    given: Cells, clean: Path
) -> None:
    left = pd.read_parquet(clean / "closures.parquet")
    assert set(left["customer_id"]) == {
        row["CustomerID"] for row in given if row["Churn Label"] == "Yes"
    }
    assert set(left["closed_on"]) == {date(2018, 9, 30)}
    assert left["reason"].isna().all()
    assert not {"Churn Score", "Churn Value", "Churn Reason", "CLTV"} & set(telco.COLUMNS)


@pytest.mark.slow
def test_there_is_one_derived_charge_per_month_of_tenure(given: Cells, clean: Path) -> None:
    charges = pd.read_parquet(clean / "transactions")
    assert len(charges) == sum(int(str(row["Tenure Months"])) for row in given)
    assert charges.groupby("customer_id").size().to_dict() == {
        row["CustomerID"]: row["Tenure Months"] for row in given if row["Tenure Months"]
    }
    assert not charges["initiated_by_customer"].any()
    assert charges["posted_at"].max() < pd.Timestamp(telco.REFERENCE)


@pytest.mark.slow
def test_services_are_holdings(given: Cells, clean: Path) -> None:
    held = pd.read_parquet(clean / "holdings.parquet")["product"].value_counts()
    assert held["phone_service"] == sum(row["Phone Service"] == "Yes" for row in given)
    assert held["internet_fiber_optic"] == sum(
        row["Internet Service"] == "Fiber optic" for row in given
    )
    assert "internet_no" not in held


def test_a_file_that_is_no_workbook_is_named(tmp_path: Path) -> None:
    (tmp_path / telco.FILE).write_text("no workbook", "utf-8")
    with pytest.raises(BadInput, match=rf"cannot read {telco.FILE}"):
        list(telco.read(SETTINGS, tmp_path, "UTC"))
