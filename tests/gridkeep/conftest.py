"""The command as a user runs it, in this process, and small banks to run it on."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from tests.command import gridkeep_in


class Answer(NamedTuple):
    """Exit code, standard output and standard error of one call."""

    code: int
    out: str
    err: str


Run = Callable[..., Answer]


@pytest.fixture
def run(monkeypatch, capsys) -> Run:
    """Call `gridkeep WORDS...` and give its answer."""
    from gridkeep.cli import main

    def call(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["gridkeep", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return Answer(code, *capsys.readouterr())

    return call


CUSTOMERS = """customer_id,onboarded_on,latitude,longitude,district,outlet_id
c1,2024-01-05,30.60,121.00,North,o1
c2,2024-02-01,30.61,121.01,North,o1
c3,2024-03-01,,,South,o2
"""

TRANSACTIONS = """transaction_id,customer_id,posted_at,amount,balance_after
t1,c1,2025-01-03 10:00:00,100.00,100.00
t2,c1,2025-02-03 10:00:00,-20.00,80.00
t3,c2,2025-03-05 12:30:00,50.00,50.00
t4,c2,2025-08-05 12:30:00,50.00,100.00
"""

CONFIG = """[sources]
reader = "tables"
path = "in"
[sources.customers]
file = "customers.csv"
[sources.transactions]
file = "transactions*.csv"
[grid]
floor = 1
"""


class Bank(NamedTuple):
    """A three-customer bank on CSV files."""

    home: Path

    @property
    def config(self) -> Path:
        """Its gridkeep.toml."""
        return self.home / "gridkeep.toml"

    @property
    def customers(self) -> Path:
        """Its customers."""
        return self.home / "in" / "customers.csv"

    @property
    def transactions(self) -> Path:
        """Its transactions."""
        return self.home / "in" / "transactions.csv"

    def written(self) -> set[str]:
        """Every file but the delivered ones, relative to the bank's folder."""
        files = (path.relative_to(self.home) for path in self.home.rglob("*") if path.is_file())
        return {file.as_posix() for file in files if file.parts[0] != "in"} - {"gridkeep.toml"}


def fresh(home: Path) -> Bank:
    """The sources and the configuration of the three-customer bank."""
    found = Bank(home)
    found.customers.parent.mkdir()
    found.customers.write_text(CUSTOMERS)
    found.transactions.write_text(TRANSACTIONS)
    found.config.write_text(CONFIG)
    return found


@pytest.fixture
def bank(tmp_path) -> Bank:
    """A fresh three-customer bank."""
    return fresh(tmp_path)


@pytest.fixture(scope="session")
def with_grid(tmp_path_factory) -> Path:
    """The folder of that bank after `gridkeep partition`."""
    home = fresh(tmp_path_factory.mktemp("parted")).home
    assert gridkeep_in(home, "partition").returncode == 0
    return home


@pytest.fixture
def parted(tmp_path, with_grid) -> Bank:
    """A copy of it."""
    shutil.copytree(with_grid, tmp_path, dirs_exist_ok=True)
    return Bank(tmp_path)


@pytest.fixture(scope="session")
def leavers_together() -> Callable[[Path], None]:
    """Moves most of those who will leave a simulated bank to one spot of it."""

    def move(home: Path) -> None:
        people = pd.read_parquet(home / "customers.parquet")
        gone = people["customer_id"].isin(pd.read_parquet(home / "closures.parquet")["customer_id"])
        place = ["latitude", "longitude", "district", "outlet_id"]
        spot = people.dropna(subset=place).iloc[0]
        people.loc[gone & (people.index % 3 > 0), place] = spot[place].to_list()
        people.to_parquet(home / "customers.parquet", index=False)

    return move
