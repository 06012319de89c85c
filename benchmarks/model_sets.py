"""Three public sets of customers who left or stayed, and the folds that models are judged on."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import RepeatedStratifiedKFold

Floats = NDArray[np.float64]
FOLDS, REPEATS, SEED = 5, 3, 0
OF_THE_ANSWER = ("Churn Label", "Churn Value", "Churn Score", "CLTV", "Churn Reason")
PLACES = ("Country", "State", "City", "Zip Code", "Lat Long", "Latitude", "Longitude")


class Customers(NamedTuple):
    """One row per customer: numbers and categories, and who left."""

    X: pd.DataFrame
    y: Floats


class Split(NamedTuple):
    """One fold: its number, the rows to learn from and to be judged on."""

    name: str
    learn: NDArray[np.intp]
    test: NDArray[np.intp]


def churn_modelling(data: Path, many_words: bool = False) -> Customers:
    """10,000 customers of a bank in three countries; `many_words` keeps the 2,932 surnames."""
    rows = pd.read_csv(data / "churn_modelling" / "Churn_Modelling.csv")
    left_out = ["RowNumber", "CustomerId", "Exited"] + ([] if many_words else ["Surname"])
    return _customers(rows.drop(columns=left_out), rows["Exited"] == 1)


def bankchurners(data: Path, many_words: bool = False) -> Customers:
    """10,127 customers with a card."""
    rows = pd.read_csv(data / "bankchurners" / "BankChurners.csv").iloc[:, :-2]
    left = rows["Attrition_Flag"] == "Attrited Customer"
    return _customers(rows.drop(columns=["CLIENTNUM", "Attrition_Flag"]), left)


def telco(data: Path, many_words: bool = False) -> Customers:
    """7,043 customers of a telephone company; `many_words` keeps the 1,129 towns."""
    rows = pd.read_excel(data / "telco" / "Telco_customer_churn.xlsx")
    places = [name for name in PLACES if not (many_words and name == "City")]
    # empty for a customer of the first month
    rows["Total Charges"] = pd.to_numeric(rows["Total Charges"], errors="coerce")
    kept = rows.drop(columns=["CustomerID", "Count", *places, *OF_THE_ANSWER])
    return _customers(kept, rows["Churn Value"] == 1)


SETS = {"churn_modelling": churn_modelling, "bankchurners": bankchurners, "telco": telco}


def _customers(X: pd.DataFrame, left: "pd.Series[bool]") -> Customers:
    words = X.select_dtypes(exclude="number").columns
    return Customers(X.astype(dict.fromkeys(words, "category")), left.to_numpy(np.float64))


def splits(customers: Customers, repeats: int = REPEATS) -> Iterator[Split]:
    """The same folds for every model, in order; `repeats` leaves the later ones out."""
    every = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=SEED)
    for at, (learn, test) in enumerate(every.split(customers.X, customers.y)):
        if at < FOLDS * repeats:
            yield Split(f"{at // FOLDS}.{at % FOLDS}", learn, test)
