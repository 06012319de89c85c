"""Deliveries that come one by one: replays, control totals and features are those of one go."""

import csv
import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from features import parts
from features.correction_files import keep, read_replay
from features.engine import open_tables
from features.file_hash import sha256
from features.intake import IntakeReport, take_in
from features.parts import read_record, table_files
from features.reconciliation import reconciled
from features.settings import EngineSettings, SourceSettings
from features.snapshot import write_features

ZONE = "Asia/Shanghai"
SOURCE = SourceSettings.model_validate(
    {
        "customers": {"file": "customers.csv", "datum": "GCJ-02"},
        "transactions": {"file": "transactions*.csv"},
        "service_events": {"file": "events*.csv"},
        "rejected_share_max": 1,
        "stale_days": 9999,
    }
)
HEAD = "transaction_id,customer_id,posted_at,amount,available_at"
EVENTS = "event_id,customer_id,occurred_at,kind"
DAYS = (date(2025, 7, 1), date(2025, 8, 1))
PEOPLE = [f"C{at}" for at in range(40)]


class Bank:
    """A folder of deliveries and the tables that an intake made of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.layout = folder, Layout(folder / "out")
        folder.mkdir(parents=True, exist_ok=True)
        people = [f"{one},2020-01-01,31.23,121.47" for one in PEOPLE]
        self.deliver("customers", "customer_id,onboarded_on,latitude,longitude", people)
        self.deliver("events0", EVENTS, ["E0,C1,2025-05-05,visit"])

    def deliver(self, name: str, head: str, lines: Sequence[str]) -> None:
        (self.folder / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n", "utf-8")

    def take(self) -> IntakeReport:
        self.steps: list[str] = []
        return take_in(
            SOURCE, self.folder, self.layout, ZONE, lambda step, _: self.steps.append(step)
        )

    @property
    def read(self) -> set[str]:
        """The files that the last intake read."""
        return {step.removeprefix("reading ") for step in self.steps if "reading " in step}

    @property
    def quarantine(self) -> dict[str, list[str]]:
        found = sorted(self.layout.quarantine.iterdir())
        return {path.name: sorted(path.read_text("utf-8").splitlines()) for path in found}

    def replay(self, wrong: str, right: str) -> None:
        """Correct every line of the transactions' quarantine that says `wrong`."""
        text = (self.layout.quarantine / "transactions.csv").read_text("utf-8")
        path = self.folder / "transactions.edited"
        assert wrong in text
        path.write_text(text.replace(wrong, right), "utf-8")
        keep(read_replay(path), self.layout)

    def features(self, name: str) -> bytes:
        tables = open_tables(self.layout.tables, EngineSettings(threads=2), ZONE, 9999)
        cells = pd.DataFrame({"customer_id": PEOPLE, "cell_id": "cell"})
        out = self.folder / name
        hashes = read_record(self.layout).data_hashes
        write_features(tables, DAYS, out, cells, data_hashes=hashes)
        return out.read_bytes()


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(tmp_path / "grown")


def test_a_replay_after_deliveries_gives_the_tables_of_a_source_that_was_right(
    bank: Bank, tmp_path: Path
) -> None:
    first = ["T1,C1,2025-06-01 10:00,1.5,", "T2,C1,2025-06-02 10:00,bad,", "T3,C2,2025-06-03,y,"]
    second = ["T4,C2,2025-06-04 10:00,-2.25,", "T5,C99,2025-06-05 10:00,4.75,"]
    bank.deliver("transactions1", HEAD, first)
    bank.take()
    bank.deliver("transactions2", HEAD, second)
    bank.take()
    assert bank.read == {"transactions2.csv"}
    bank.replay('""amount"": ""bad""', '""amount"": ""3.5""')
    bank.replay('""customer_id"": ""C99""', '""customer_id"": ""C3""')
    bank.take()
    assert "corrections changed: reading all again" in bank.steps
    third = ["T6,C3,2025-06-06 10:00,8.5,", "T7,C3,2025-06-06 11:00,no,"]
    bank.deliver("transactions3", HEAD, third)
    grown = bank.take()
    assert bank.read == {"transactions3.csv"}  # the corrections of the others stand unread

    right = Bank(tmp_path / "right")
    lines = {
        "transactions1": [line.replace("bad", "3.5") for line in first],
        "transactions2": [line.replace("C99", "C3") for line in second],
        "transactions3": third,
    }
    for name, rows in lines.items():
        right.deliver(name, HEAD, rows)
    whole = right.take()
    assert grown.quality == whole.quality  # counts, findings and control totals
    assert bank.quarantine == right.quarantine
    assert grown.record is not None
    assert whole.record is not None
    assert grown.record.data_hashes == whole.record.data_hashes
    transactions = whole.quality.table("transactions")
    assert (transactions.delivered, transactions.accepted, transactions.rejected) == (7, 5, 2)


def test_a_customer_refused_after_reading_is_corrected_without_being_moved_twice(
    bank: Bank,
) -> None:
    head, place = "customer_id,onboarded_on,latitude,longitude", "39.908692,116.397477"
    right = Bank(bank.folder / "right")
    for one, name in ((bank, "C1"), (right, "C2")):
        one.deliver("transactions1", HEAD, ["T1,C1,2025-06-01 10:00,1.5,"])
        one.deliver("customers", head, [f"C1,2020-01-01,{place}", f"{name},2021-01-01,{place}"])
        one.take()
    path = bank.layout.quarantine / "customers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["row"] for line in lines] == ["2", "3"]
    lines[1]["content"] = lines[1]["content"].replace("C1", "C2")
    edited = bank.folder / "customers.edited"
    with edited.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    keep(read_replay(edited), bank.layout)
    assert bank.take().require_sound().quality.findings == ()
    people, others = (
        pd.read_parquet(one.layout.tables / "customers.parquet") for one in (bank, right)
    )
    assert people.equals(others)


def deliveries(seed: int) -> list[list[str]]:
    """Three nights of transactions in tenths; some arrive late, some are delivered twice."""
    lot = random.Random(seed)
    nights = []
    for night in range(3):
        rows = []
        for at in range(400):
            day = date(2024, 8, 1) + timedelta(days=lot.randrange(110 * night, 120 * (night + 1)))
            if lot.random() < 0.2:  # of an earlier time than the rows that are there
                day = date(2024, 8, 1) + timedelta(days=lot.randrange(330))
            late = (day + timedelta(days=lot.randrange(40))).isoformat() if at % 5 == 0 else ""
            amount = lot.choice(["0.1", "-0.3", "1e7", "-12345.67", f"{lot.random()}"])
            hour = f"{lot.randrange(24):02d}:{lot.randrange(60):02d}"
            name = f"T{night}-{at}"
            rows.append(f"{name},{lot.choice(PEOPLE)},{day} {hour},{amount},{late}")
        nights.append(rows + (lot.sample(nights[-1], 20) if nights else []))
    return nights


@pytest.mark.parametrize("seed", [1, 2])
def test_features_after_deliveries_are_those_of_one_reading_to_the_last_bit(
    tmp_path: Path, seed: int
) -> None:
    bank, whole = Bank(tmp_path / "grown"), Bank(tmp_path / "whole")
    nights = deliveries(seed)
    files = [*nights, nights[1]]  # the last file is one that came before
    for number, rows in enumerate(files):
        bank.deliver(f"transactions{number}", HEAD, rows)
        bank.deliver(f"events{number + 1}", EVENTS, [f"N{number},C{number},2025-06-01,visit"])
        report = bank.take().require_sound()
        whole.deliver(f"transactions{number}", HEAD, rows)
        whole.deliver(f"events{number + 1}", EVENTS, [f"N{number},C{number},2025-06-01,visit"])
    assert report.quality.table("transactions").duplicates == 460
    assert report.quality == whole.take().require_sound().quality
    assert len(table_files(bank.layout.tables, "transactions")) == 3
    assert len(table_files(whole.layout.tables, "transactions")) == 1
    assert bank.features("f.parquet") == whole.features("f.parquet")


@pytest.mark.parametrize("deliveries", [1, 2])
def test_ties_in_time_fall_to_the_largest_id_in_one_part_and_in_several(
    bank: Bank, deliveries: int
) -> None:
    tied = {"C1": ("2025-06-01 10:00", [10, 8, 9, 11]), "C2": ("2023-06-01 10:00", [78, 100, 79])}
    lines = [  # ids are texts: T10 comes before T9
        f"T{number},{customer},{time},1,{number}"
        for customer, (time, numbers) in tied.items()
        for number in numbers
    ]
    for at in range(deliveries):
        head = HEAD.replace("available_at", "balance_after")
        bank.deliver(f"transactions{at}", head, lines[at::deliveries])
        bank.take()
    assert len(table_files(bank.layout.tables, "transactions")) == deliveries
    bank.features("f.parquet")
    found = pd.read_parquet(bank.folder / "f.parquet", columns=["customer_id", "balance_last"])
    balances = found.drop_duplicates().set_index("customer_id").balance_last
    assert (balances["C1"], balances["C2"]) == (9.0, 79.0)


def test_a_grown_intake_reconciles(bank: Bank) -> None:
    for number, rows in enumerate(deliveries(3)):
        bank.deliver(f"transactions{number}", HEAD, [*rows, f"X{number},C1,2025-06-01,x,"])
        bank.take()
    assert bank.read == {"transactions2.csv"}
    bank.features("f.parquet")
    tables = open_tables(bank.layout.tables, timezone=ZONE, stale_days=9999)
    cells = pd.DataFrame({"customer_id": PEOPLE, "cell_id": "cell"})
    found = reconciled(tables, bank.layout, cells, bank.folder / "f.parquet", DAYS)
    assert [line.sentence() for line in found.broken] == []
    (delivered,) = [line for line in found.lines if line.what == "transactions: delivered rows"]
    assert delivered.total == 1243
    assert delivered.parts == {"in the table": 1200, "in quarantine": 3, "repeats": 40}


def test_opening_again_hashes_no_part_twice_and_still_sees_a_change(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.deliver("transactions1", HEAD, ["T1,C1,2025-06-01 10:00,1.5,"])
    bank.take()
    hashed: list[Path] = []

    def counted(path: Path) -> str:
        hashed.append(path)
        return sha256(path)

    monkeypatch.setattr(parts, "sha256", counted)
    open_tables(bank.layout.tables)
    assert len(hashed) == len(read_record(bank.layout).parts)
    open_tables(bank.layout.tables)
    assert len(hashed) == len(read_record(bank.layout).parts)
    (part,) = table_files(bank.layout.tables, "transactions")
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    with pytest.raises(BadInput, match="is not as the intake wrote it"):
        open_tables(bank.layout.tables)
