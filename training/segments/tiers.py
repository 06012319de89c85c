"""Value tiers that are slow to fall: a customer keeps the best tier of the last months.

Up at once, down after N months in a row below: that is the tier of the highest value of the last N
months, so that no state has to be kept from one month to the next.
"""

from collections.abc import Sequence
from datetime import date
from functools import reduce

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.cutoffs import months_before

Floats = NDArray[np.float64]
HELD = "value_held"  # column: the value that a customer's tier is held by


def held_values(values: Floats, months: int) -> Floats:
    """The highest of the last `months` values, customers x months in order; NaN: not known.

    >>> held_values(np.array([[5.0, 1, np.nan, 1, 7]]), months=3).tolist()
    [[5.0, 5.0, 5.0, 1.0, 7.0]]
    """
    before = np.full((len(values), months - 1), np.nan)
    padded = np.hstack([before, values])
    spans = [padded[:, back : back + values.shape[1]] for back in range(months)]
    return reduce(np.fmax, spans)


def with_held(frames: Sequence[pd.DataFrame], value: str, months: int) -> list[pd.DataFrame]:
    """Each month's frame (customer_id, `value`, ...) with the column `value_held` beside it.

    `frames` are consecutive months in order; who was not there in a month has no value in it.
    """
    known = [frame.set_index("customer_id")[value].astype(float) for frame in frames]
    wide = pd.concat(known, axis=1, keys=range(len(frames)))
    held = pd.DataFrame(held_values(wide.to_numpy(), months), index=wide.index)
    return [
        frame.assign(**{HELD: frame["customer_id"].map(held[at])})
        for at, frame in enumerate(frames)
    ]


def months_behind(day: date, months: int, first_data: date) -> list[date]:
    """`day` and the months before it that hold its tier, in order, as far as the data go back.

    >>> months_behind(date(2026, 3, 1), 3, date(2026, 1, 15))
    [datetime.date(2026, 2, 1), datetime.date(2026, 3, 1)]
    """
    days = [months_before(day, back) for back in reversed(range(months))]
    return [one for one in days if one > first_data or one == day]
