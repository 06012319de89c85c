"""In which cells a challenger is worse than the champion, without crying wolf over many cells.

Figures are paired by customer. If both models are equally good, a customer's difference of
log-losses is as likely to have the other sign; the sum over a cell, divided by the root of the sum
of squares, then keeps near the normal tails where the symmetry holds (Efron, 1969).
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from training.evaluation.metrics import log_losses

Floats = NDArray[np.float64]
COLUMNS = ["cell_id", "customers", "champion", "challenger", "difference", "p_value", "worse"]


def cell_losses(
    rows: pd.DataFrame,
    y: Floats,
    champion: Floats,
    challenger: Floats,
    at_least: int,
    significance: float,
) -> pd.DataFrame:
    """One row per cell with `at_least` customers, the worst first: log-losses and their p-value.

    `rows` holds customer_id and cell_id. `worse`: significantly so, all cells considered.
    """
    told = pd.DataFrame(
        {
            "cell_id": rows["cell_id"].to_numpy(),
            "customer_id": rows["customer_id"].to_numpy(),
            "champion": log_losses(y, champion),
            "challenger": log_losses(y, challenger),
            "rows": 1,
        }
    )
    people = told.groupby(["cell_id", "customer_id"]).sum()
    people["difference"] = people["challenger"] - people["champion"]
    people["squared"], people["customers"] = people["difference"] ** 2, 1
    cells = people.groupby("cell_id").sum()
    cells = cells[cells["customers"] >= at_least]
    cells["p_value"] = _p_values(cells["difference"].to_numpy(), cells["squared"].to_numpy())
    cells["worse"] = holm(cells["p_value"].to_numpy(), significance)
    for figure in ("champion", "challenger", "difference"):
        cells[figure] /= cells["rows"]
    return cells.sort_values("p_value", kind="stable").reset_index()[COLUMNS]


def _p_values(total: Floats, squared: Floats) -> Floats:
    steps = np.divide(total, np.sqrt(squared), out=np.zeros_like(total), where=squared > 0)
    return np.asarray(ndtr(-steps))


def holm(p_values: Floats, significance: float) -> NDArray[np.bool_]:
    """Which p-values are significant when one false alarm among all is already too much.

    Holm (1979): the smallest is compared with significance / n, the next with significance /
    (n - 1), and so on to the first that is not. It needs nothing of how the tests depend.

    >>> holm(np.array([0.2, 0.004, 0.03]), 0.05).tolist()
    [False, True, False]
    """
    order = np.argsort(p_values, kind="stable")
    limits = significance / np.arange(len(p_values), 0, -1)
    held = np.logical_and.accumulate(p_values[order] <= limits)
    found = np.zeros(len(p_values), dtype=np.bool_)
    found[order] = held
    return found
