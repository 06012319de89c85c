"""IBM's telco sample: 7,043 customers of a fictional company, with coordinates.

The sample is one picture of one quarter, so the dates are ours: the picture is taken at
`REFERENCE`, a customer came `Tenure Months` before it, and one whose Churn Label is Yes left
the day before it. Holdings are the services, held since then. The transactions are DERIVED,
not observed: one charge of `Monthly Charges` on the last day of each month of tenure, not made
by the customer.
Churn Score, Churn Value, Churn Reason and CLTV tell the label and are never read.
"""

import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from domain.cutoffs import months_before
from domain.errors import BadInput
from features.readers.batch import Batch, file_marks, present
from features.settings import SourceSettings

FILE = "Telco_customer_churn.xlsx"
REFERENCE = date(2018, 10, 1)
SERVICES = (
    "Phone Service",
    "Multiple Lines",
    "Online Security",
    "Online Backup",
    "Device Protection",
    "Tech Support",
    "Streaming TV",
    "Streaming Movies",
)
COLUMNS = (
    "CustomerID",
    "City",
    "Latitude",
    "Longitude",
    "Gender",
    "Tenure Months",
    "Contract",
    "Internet Service",
    "Monthly Charges",
    "Churn Label",
    *SERVICES,
)


def read(settings: SourceSettings, folder: Path, timezone: str) -> Iterator[Batch]:
    """Batches of customers, holdings, closures and derived transactions."""
    people = _people(*present(folder, FILE))
    yield Batch("customers", FILE, 2, _customers(people))
    for holdings in _holdings(people):
        yield Batch("holdings", FILE, 2, holdings)
    yield Batch("closures", FILE, 2, _closures(people))
    last = int(people["Tenure Months"].max())
    for month in range(1, last + 1):
        yield Batch("transactions", FILE, 2, _charges(people, month), month / last)


def marks(settings: SourceSettings, folder: Path) -> dict[str, str]:
    """Size and hash of the file."""
    return file_marks(present(folder, FILE), folder)


def places(settings: SourceSettings, folder: Path) -> list[Path]:
    """The one file."""
    return [folder / FILE]


def _people(path: Path) -> pd.DataFrame:
    try:
        return pd.read_excel(path, usecols=list(COLUMNS), dtype={"CustomerID": str})
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"cannot read {path.name}: {error}; deliver IBM's sample again") from error


def _onboarded(people: pd.DataFrame) -> pd.Series:
    days = {months: months_before(REFERENCE, months) for months in people["Tenure Months"].unique()}
    return pd.to_datetime(people["Tenure Months"].map(days))


def _customers(people: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": people["CustomerID"],
            "onboarded_on": _onboarded(people),
            "sex": people["Gender"].map({"Female": "F", "Male": "M"}),
            "latitude": people["Latitude"],
            "longitude": people["Longitude"],
            "district": people["City"],
            "kind": people["Contract"],
        }
    )


def _holdings(people: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for service in SERVICES:
        held = people[people[service] == "Yes"]
        yield _held(held, service.lower().replace(" ", "_"))
    online = people[people["Internet Service"] != "No"]
    yield _held(online, "internet_" + online["Internet Service"].str.lower().str.replace(" ", "_"))


def _held(people: pd.DataFrame, product: "pd.Series[str] | str") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": people["CustomerID"],
            "product": product,
            "opened_on": _onboarded(people),
        }
    )


def _closures(people: pd.DataFrame) -> pd.DataFrame:
    left = people[people["Churn Label"] == "Yes"]
    day = pd.Timestamp(REFERENCE - timedelta(days=1))
    return pd.DataFrame({"customer_id": left["CustomerID"], "closed_on": day}, index=left.index)


def _charges(people: pd.DataFrame, month: int) -> pd.DataFrame:
    """The charges of the calendar month `month` before the reference."""
    paying = people[people["Tenure Months"] >= month]
    day = months_before(REFERENCE, month - 1) - timedelta(days=1)
    return pd.DataFrame(
        {
            "transaction_id": paying["CustomerID"] + f"-{day:%Y%m}",
            "customer_id": paying["CustomerID"],
            "posted_at": pd.Timestamp(day),
            "amount": -paying["Monthly Charges"].astype(float),
            "channel": "bill",
            "category": "charge",
            "initiated_by_customer": False,
        }
    )
