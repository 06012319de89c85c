"""The rate of loss in a customer's cell: an input of a model that is fitted in training.

It needs labels, so it is no feature: the rates are part of the model, and whoever scores a
customer looks the cell up in them. They are figures of the cells of one grid version.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from domain.errors import BadInput

Floats = NDArray[np.float64]
Share = Annotated[float, Field(ge=0, le=1)]
CELL = "cell_id"
CELL_LEAVING_RATE = "cell_leaving_rate"


@dataclass(frozen=True)
class FittedInput:
    """What is said of a model input that is no feature, in the words of a feature."""

    name: str
    unit: str
    text: str
    low: float
    high: float
    kind: str = "number"


FITTED = {
    CELL_LEAVING_RATE: FittedInput(
        CELL_LEAVING_RATE,
        unit="ratio",
        text="share of the cell's customers who were lost, in the rows the model learned from",
        low=0.0,
        high=1.0,
    )
}


class CellRates(BaseModel):
    """Rate of loss by cell, each drawn towards the bank's; shares in [0, 1].

    `prior_customers` is the weight of the bank's rate in each of them, in customers; None where
    cells differ by no more than chance, and no cell then has a rate of its own. Neither has a
    cell of fewer than `customers_min` customers, or one that was not there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    grid_version: str
    bank_rate: Share
    prior_customers: float | None = Field(ge=0)
    customers_min: int = Field(ge=1)
    rates: dict[str, Share]

    def of(self, cells: Iterable[str | None]) -> Floats:
        """The rate of each cell, the bank's where it has none of its own.

        >>> rates = CellRates(grid_version="g", bank_rate=0.1, prior_customers=50.0,
        ...                   customers_min=10, rates={"c1": 0.2})
        >>> rates.of(["c1", "new", None]).tolist()
        [0.2, 0.1, 0.1]
        """
        known, others = self.rates, self.bank_rate
        return np.array([known.get(cell, others) if cell else others for cell in cells], np.float64)

    def added_to(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows with the rate of their cells as the last column; BadInput without cells.

        >>> rates = CellRates(grid_version="g", bank_rate=0.1, prior_customers=None,
        ...                   customers_min=10, rates={})
        >>> rates.added_to(pd.DataFrame({"cell_id": ["c1"]})).to_dict("list")
        {'cell_id': ['c1'], 'cell_leaving_rate': [0.1]}
        """
        if CELL not in rows.columns:
            raise BadInput(
                f"the model reads the rate of loss of cells, and the rows have no column {CELL!r}; "
                "make them by `gridkeep features`, or name each customer's cell"
            )
        return rows.assign(**{CELL_LEAVING_RATE: self.of(rows[CELL].tolist())})

    def require_grid(self, version: str) -> None:
        """BadInput unless the cells of grid `version` are those of the rates.

        A cell's id may stand for another place in another version.
        """
        if version != self.grid_version:
            raise BadInput(
                f"the model reads the rate of loss of cells of grid {self.grid_version}, and "
                f"these are cells of {version or 'a grid without a version'}; run `gridkeep train "
                "retention`, then `gridkeep promote`, or set retention.cell_rates = false"
            )
