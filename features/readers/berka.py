"""The PKDD'99 ("Berka") bank: one customer per account, who is its one owner.

`customer_id` is the account's number. The district is the account's, by name. A transaction
has a day, not a time: it is posted at midnight in the bank's time zone. Within a day the bank
books credits before debits (the balances of 99.94 % of rows follow from it); the ids begin
with that order, so that the largest id of a day is its last row, and end with `trans_id`.
Holdings are the account itself, its cards and its loan. The panel records no closures.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from features.readers import delimited
from features.readers.batch import Batch, file_marks, present
from features.settings import SourceSettings

DIALECT = delimited.Dialect(delimiter=";", encoding="ascii")
SMALL = ("account.asc", "client.asc", "disp.asc", "district.asc", "card.asc", "loan.asc")
CHANNELS = {
    "VKLAD": "counter",
    "VYBER": "counter",
    "VYBER KARTOU": "card",
    "PREVOD Z UCTU": "transfer",
    "PREVOD NA UCET": "transfer",
}
CATEGORIES = {
    "UROK": "interest",
    "SANKC. UROK": "penalty_interest",
    "SIPO": "household",
    "SLUZBY": "fee",
    "DUCHOD": "pension",
    "UVER": "loan",
    "POJISTNE": "insurance",
}
BANK_MADE = ("UROK", "SANKC. UROK", "SLUZBY")
LARGEST_CENTS = 10**11  # far over any balance of this bank, so that ranks have equal width
TRANSACTION_COLUMNS = (
    "trans_id",
    "account_id",
    "date",
    "type",
    "operation",
    "amount",
    "balance",
    "k_symbol",
    "bank",
    "account",
)


def read(settings: SourceSettings, folder: Path, timezone: str) -> Iterator[Batch]:
    """Batches of customers, holdings and transactions."""
    *_, transactions = _files(folder)
    first = delimited.FIRST_ROW
    yield Batch("customers", "account.asc", first, _customers(folder))
    yield Batch("holdings", "account.asc", first, _accounts_held(folder))
    yield Batch("holdings", "card.asc", first, _cards(folder))
    yield Batch("holdings", "loan.asc", first, _loans(folder))
    for frame, done in delimited.chunks(transactions, TRANSACTION_COLUMNS, DIALECT):
        yield Batch("transactions", transactions.name, first, _transactions(frame), done)


def marks(settings: SourceSettings, folder: Path) -> dict[str, str]:
    """Size and hash of every file."""
    return file_marks(_files(folder), folder)


def places(settings: SourceSettings, folder: Path) -> list[Path]:
    """The files of the panel; of the slices of transactions, whichever is there."""
    return [folder / name for name in (*SMALL, "trans*.asc")]


def iso_day(yymmdd: "pd.Series[str]") -> "pd.Series[str]":
    """ISO text of a day of the twentieth century; a wrong one stays wrong, for the door to see.

    >>> iso_day(pd.Series(["930101", "9301"])).tolist()
    ['1993-01-01', '1993-01-']
    """
    return "19" + yymmdd.str[:2] + "-" + yymmdd.str[2:4] + "-" + yymmdd.str[4:6]


def _files(folder: Path) -> list[Path]:
    small = present(folder, *SMALL)
    slices = sorted(folder.glob("trans*.asc"))
    return small + (slices[:1] or present(folder, "trans.asc"))


def _whole(folder: Path, name: str, *columns: str) -> pd.DataFrame:
    return delimited.whole(folder / name, columns, DIALECT)


def _customers(folder: Path) -> pd.DataFrame:
    accounts = _whole(folder, "account.asc", "account_id", "district_id", "date")
    owners = _whole(folder, "disp.asc", "client_id", "account_id", "type").query("type == 'OWNER'")
    clients = _whole(folder, "client.asc", "client_id", "birth_number")
    districts = _whole(folder, "district.asc", "A1", "A2").rename(columns={"A1": "district_id"})
    joined = (
        accounts.merge(owners, on="account_id", how="left", validate="1:1")
        .merge(clients, on="client_id", how="left")
        .merge(districts, on="district_id", how="left")
    )
    birth_month = pd.to_numeric(joined["birth_number"].str[2:4])
    woman = birth_month > 50
    month = birth_month.mask(woman, birth_month - 50).astype("string").str.zfill(2)
    born = joined["birth_number"].str[:2] + month + joined["birth_number"].str[4:6]
    return pd.DataFrame(
        {
            "customer_id": joined["account_id"],
            "onboarded_on": iso_day(joined["date"]),
            "birth_date": iso_day(born),
            "sex": woman.map({True: "F", False: "M"}),
            "district": joined["A2"],
            "kind": "person",
        }
    )


def _accounts_held(folder: Path) -> pd.DataFrame:
    accounts = _whole(folder, "account.asc", "account_id", "date")
    return _held(accounts["account_id"], "account", accounts["date"])


def _cards(folder: Path) -> pd.DataFrame:
    owners = _whole(folder, "disp.asc", "disp_id", "account_id")
    cards = _whole(folder, "card.asc", "disp_id", "type", "issued").merge(
        owners, on="disp_id", how="left", validate="m:1"
    )
    return _held(cards["account_id"], "card_" + cards["type"], cards["issued"].str[:6])


def _loans(folder: Path) -> pd.DataFrame:
    loans = _whole(folder, "loan.asc", "account_id", "date")
    return _held(loans["account_id"], "loan", loans["date"])


def _held(account: pd.Series, product: "pd.Series[str] | str", day: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": account, "product": product, "opened_on": iso_day(day)})


def _transactions(rows: pd.DataFrame) -> pd.DataFrame:
    credit = rows["type"] == "PRIJEM"
    debit = rows["type"].isin(["VYDAJ", "VYBER"])
    # an unknown type leaves its name before the amount, which the door then refuses to read
    sign = rows["type"].mask(credit, "").mask(debit, "-")
    elsewhere = rows["bank"].notna() & rows["account"].notna()
    return pd.DataFrame(
        {
            "transaction_id": _ordered_ids(rows, credit),
            "customer_id": rows["account_id"],
            "posted_at": iso_day(rows["date"]),
            "amount": sign + rows["amount"],
            "balance_after": rows["balance"],
            "channel": rows["operation"].map(CHANNELS),
            "category": rows["k_symbol"].str.strip().map(CATEGORIES),
            "counterparty_id": (rows["bank"] + "-" + rows["account"]).where(elsewhere),
            "initiated_by_customer": ~rows["k_symbol"].isin(BANK_MADE),
        }
    )


def _ordered_ids(rows: pd.DataFrame, credit: "pd.Series[bool]") -> "pd.Series[str]":
    """Ids that sort, within a day of an account, as the rows were booked."""
    cents = (pd.to_numeric(rows["balance"], errors="coerce").fillna(0) * 100).round()
    rank = LARGEST_CENTS + cents.where(credit, -cents)
    order = credit.map({True: "1-", False: "2-"}) + rank.astype("int64").astype(str)
    return order.astype("string") + "-" + rows["trans_id"]
