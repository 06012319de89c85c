"""What is asked of a simulation, its months, and its streams of chance."""

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from domain.cutoffs import months_before
from domain.errors import BadInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TIMEZONE = "Asia/Shanghai"
UTC_OFFSET_SECONDS = 8 * 3600  # China has kept this offset all year since 1992
FIRST_YEAR, LAST_YEAR = 1992, 2100
MOST_CUSTOMERS, MOST_MONTHS = 10_000_000, 600
BLOCK = 2_000  # customers drawn together; part of what a seed means, hence not an option
DAY_SECONDS = 86_400
YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Plan:
    """How many customers and months, from which month on, by which seed.

    >>> Plan(customers=4_500, months=2, seed=1, start=date(2024, 1, 1)).firsts
    (datetime.date(2024, 1, 1), datetime.date(2024, 2, 1), datetime.date(2024, 3, 1))
    """

    customers: int
    months: int
    seed: int
    start: date

    def __post_init__(self) -> None:
        _within("customers", self.customers, 1, MOST_CUSTOMERS)
        _within("months", self.months, 1, MOST_MONTHS)
        if self.seed < 0:
            raise BadInput(f"seed is {self.seed}; write a whole number from 0 on")
        if self.start.day != 1 or not FIRST_YEAR <= self.start.year <= LAST_YEAR:
            raise BadInput(
                f"a simulation cannot start on {self.start}; "
                f"write the first day of a month from {FIRST_YEAR} to {LAST_YEAR}"
            )

    @property
    def firsts(self) -> tuple[date, ...]:
        """First day of every month, and of the month after the last."""
        return tuple(months_before(self.start, -at) for at in range(self.months + 1))

    @property
    def first_days(self) -> Ints:
        """The same days, counted from 1970-01-01."""
        return np.array(self.firsts, dtype="datetime64[D]").astype(np.int64)

    @property
    def blocks(self) -> int:
        """Number of blocks of customers."""
        return -(-self.customers // BLOCK)

    def numbers(self, block: int) -> Ints:
        """Numbers of the customers of one block, counted from 0 over the bank.

        >>> Plan(4_500, 2, 1, date(2024, 1, 1)).numbers(2)[[0, -1]].tolist()
        [4000, 4499]
        """
        return np.arange(block * BLOCK, min((block + 1) * BLOCK, self.customers), dtype=np.int64)

    def stream(self, name: str, block: int = 0) -> np.random.Generator:
        """The stream of chance of that name and block; no stream depends on another.

        >>> plan = Plan(10, 2, 1, date(2024, 1, 1))
        >>> bool(plan.stream("places").random() == plan.stream("places").random())
        True
        """
        entropy = (self.seed, zlib.crc32(name.encode()), block)
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise BadInput(f"{name} is {value}; write a whole number from {low} to {high}")
