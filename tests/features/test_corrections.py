"""Rows corrected in quarantine: as if they had been delivered right in the first place."""

import csv
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.layout import Layout
from features.correction_files import keep, kept, read_replay
from features.intake import IntakeReport, is_current, read_record, take_in
from features.replay import Replayed, outcome
from features.settings import SourceSettings

ZONE = "Europe/Prague"
SOURCE = SourceSettings.model_validate(
    {
        "customers": {"file": "customers.csv"},
        "transactions": {
            "file": "transactions*.csv",
            "delimiter": ";",
            "decimal": ",",
            "date_format": "%d.%m.%Y %H:%M",
        },
        "rejected_share_max": 1,
    }
)
HEAD = "transaction_id;customer_id;posted_at;amount"
Edit = Callable[[dict[str, Any]], Mapping[str, Any] | None]


class Bank:
    """A bank on CSV files, its quarantine, and its tables."""

    def __init__(self, folder: Path, *rows: str) -> None:
        self.folder, self.layout = folder, Layout(folder / "out")
        folder.mkdir(exist_ok=True)
        (folder / "customers.csv").write_text(
            "customer_id,onboarded_on\nC1,2020-01-01\nC2,2020-01-01\n", "utf-8"
        )
        self.deliver("transactions.csv", *rows)

    def deliver(self, name: str, *rows: str) -> None:
        (self.folder / name).write_text("\n".join([HEAD, *rows]) + "\n", "utf-8")

    def check(self) -> IntakeReport:
        return take_in(SOURCE, self.folder, self.layout, ZONE)

    @property
    def quarantine(self) -> list[dict[str, str]]:
        path = self.layout.quarantine / "transactions.csv"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def current(self) -> bool:
        return is_current(SOURCE, self.folder, self.layout, ZONE)

    def hashes(self) -> dict[str, str]:
        return read_record(self.layout).data_hashes

    def edit(self, path: Path, edit: Edit) -> Path:
        """The quarantine as a user saves it under `path`, each content through `edit`."""
        lines = self.quarantine
        for line in lines:
            content = json.loads(line["content"])
            changed = edit(content)
            line["content"] = json.dumps(dict(content if changed is None else changed))
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
        return path

    def replay(self, edit: Edit, path: Path | None = None) -> Replayed:
        corrections = read_replay(self.edit(path or self.folder / "transactions.edited", edit))
        file = keep(corrections, self.layout)
        assert not self.current
        self.report = self.check()
        return outcome(corrections, file, self.layout)


def counts(report: IntakeReport) -> list[dict[str, Any]]:
    """Every count of the report; which example comes first is all the same."""
    tables = [table.model_dump() for table in report.quality.tables]
    for table in tables:
        for column in table["columns"]:
            del column["example"]
    return tables


TWO_FAULTS = ("T1;C1;yesterday;1.5", "T2;C1;01.07.2020 12:00;2,5")


def with_amount(amount: str) -> Edit:
    return lambda content: {**content, "amount": amount}


BAD = ("x", "", "1.5", "inf")
ROW = st.tuples(
    st.sampled_from(["T1", "T2", "T3", ""]),
    st.sampled_from(["C1", "C2", "C9"]),
    st.sampled_from(["01.07.2020 12:00", "31.02.2020 10:00"]),
    st.sampled_from(["1,5", *BAD]),
)
RIGHT = st.tuples(
    st.sampled_from(["T1", "T4", "T5"]),
    st.sampled_from(["C1", "C9"]),
    st.sampled_from(["02.07.2020 12:00", "32.07.2020 12:00"]),
    st.sampled_from(["-2,25", "y"]),
)
NAMES = ("transaction_id", "customer_id", "posted_at", "amount")


@settings(max_examples=10, deadline=None)
@given(rows=st.lists(st.tuples(ROW, RIGHT), min_size=1, max_size=7))
def test_a_replay_gives_the_tables_of_a_source_that_was_right(
    tmp_path_factory: pytest.TempPathFactory, rows: list
) -> None:
    home = tmp_path_factory.mktemp("replay")
    mended = dict.fromkeys(range(len(rows)))
    bank = Bank(home / "a", *(";".join(given) for given, _ in rows))
    bank.check()
    door = {"not a number", "empty", "not a date", "not a time"}
    refused = [line for line in bank.quarantine if line["reason"] in door]
    for line in refused:  # those that the door refused are corrected, whatever that gives
        mended[int(line["row"]) - 2] = rows[int(line["row"]) - 2][1]
    if refused:
        given = {int(line["row"]): line for line in bank.quarantine}
        lines = bank.quarantine
        for line in lines:
            right = mended[int(line["row"]) - 2]
            if right is not None and line["reason"] in door:
                line["content"] = json.dumps(dict(zip(NAMES, right, strict=True)))
        path = home / "transactions.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(given[next(iter(given))]))
            writer.writeheader()
            writer.writerows(lines)
        keep(read_replay(path), bank.layout)
    first = bank.check()
    other = Bank(home / "b", *(";".join(mended[at] or one) for at, (one, _) in enumerate(rows)))
    second = other.check()
    assert counts(first) == counts(second)
    assert first.quality.sound == second.quality.sound
    assert sorted(map(str, bank.quarantine)) == sorted(map(str, other.quarantine))
    if first.quality.sound:
        assert bank.hashes() == other.hashes()


def test_the_next_full_check_gives_the_same_tables(tmp_path: Path) -> None:
    bank = Bank(tmp_path, "T1;C1;01.07.2020 12:00;1.5", "T2;C1;01.07.2020 12:00;2,5")
    bank.check()
    replayed = bank.replay(with_amount("1,5"))
    assert (replayed.rows, replayed.entered, replayed.refused) == (1, 1, ())
    hashes, current = bank.hashes(), bank.current
    assert current
    assert not bank.quarantine
    seen = bank.report.quality.table("transactions")
    assert (seen.delivered, seen.accepted, seen.rejected, seen.duplicates) == (2, 2, 0, 0)
    assert list(read_record(bank.layout).source)[-1].startswith("corrections/0001-transactions-")
    bank.check()
    assert bank.hashes() == hashes
    assert pd.read_parquet(bank.layout.tables / "transactions").amount.tolist() == [
        1.5,
        2.5,
    ]


def test_a_row_that_is_still_bad_stays_with_its_new_reason_and_can_be_corrected_again(
    tmp_path: Path,
) -> None:
    bank = Bank(tmp_path, "T1;C1;01.07.2020 12:00;1.5", "T2;C1;01.07.2020 12:00;2,5")
    bank.check()
    replayed = bank.replay(lambda content: {**content, "amount": "1,5", "posted_at": "yesterday"})
    assert replayed.entered == 0
    assert [(one.row, one.column, one.reason) for one in replayed.refused] == [
        (2, "posted_at", "not a time")
    ]
    again = bank.replay(lambda content: {**content, "posted_at": "03.07.2020 00:00"})
    assert again.entered == 1
    rows = pd.read_parquet(bank.layout.tables / "transactions")
    assert rows.amount.tolist() == [2.5, 1.5]
    assert [path.name[:4] for path in kept(bank.layout)] == ["0001", "0002"]


def test_a_second_correction_of_the_same_copy_wins(tmp_path: Path) -> None:
    bank = Bank(tmp_path / "a", "T1;C1;01.07.2020 12:00;1.5")
    bank.check()
    first = bank.edit(tmp_path / "transactions.csv", with_amount("1,5"))
    second = bank.edit(tmp_path / "transactions.2.csv", with_amount("7"))
    for path in (first, second):
        keep(read_replay(path), bank.layout)
    bank.check()
    assert pd.read_parquet(bank.layout.tables / "transactions").amount.tolist() == [7.0]
    (tmp_path / "a" / "out" / "corrections").joinpath(kept(bank.layout)[1].name).unlink()
    bank.check()
    assert pd.read_parquet(bank.layout.tables / "transactions").amount.tolist() == [1.5]


def test_a_row_refused_for_its_customer_keeps_its_moment_and_its_amount(tmp_path: Path) -> None:
    bank = Bank(tmp_path, "T1;C9;01.07.2020 12:00;1,5", "T2;C1;01.07.2020 12:00;2,5")
    bank.check()
    assert '"posted_at": "2020-07-01 10:00:00"' in bank.quarantine[0]["content"]  # UTC
    assert bank.replay(lambda content: {**content, "customer_id": "C2"}).entered == 1
    rows = pd.read_parquet(bank.layout.tables / "transactions")
    assert rows.customer_id.tolist() == ["C1", "C2"]
    assert rows.posted_at.nunique() == 1
    assert rows.amount.tolist() == [2.5, 1.5]


def test_a_conflict_is_told_and_can_be_corrected(tmp_path: Path) -> None:
    bank = Bank(tmp_path, "T1;C1;01.07.2020 12:00;1,5", "T2;C1;01.07.2020 12:00;x")
    bank.check()
    hashes = bank.hashes()
    replayed = bank.replay(lambda content: {**content, "transaction_id": "T1", "amount": "2"})
    assert not bank.report.quality.sound
    assert "2 rows that repeat a transaction_id" in bank.report.quality.broken[0]
    assert [one.reason for one in replayed.refused] == [
        "repeats an id with different content (amount)"
    ]
    assert bank.hashes() == hashes  # the tables in place are the old ones
    bank.replay(
        lambda content: {**content, "transaction_id": "T2"} if content["amount"] == 2.0 else None
    )
    assert bank.report.quality.sound
    rows = pd.read_parquet(bank.layout.tables / "transactions")
    assert rows[["transaction_id", "amount"]].values.tolist() == [["T1", 1.5], ["T2", 2.0]]


def test_a_corrected_row_that_repeats_another_counts_once(tmp_path: Path) -> None:
    bank = Bank(tmp_path, "T1;C1;01.07.2020 12:00;1,5", "T1;C1;01.07.2020 12:00;1.5")
    bank.check()
    assert bank.replay(with_amount("1,5")).entered == 1
    seen = bank.report.quality.table("transactions")
    assert (seen.delivered, seen.accepted, seen.rejected, seen.duplicates) == (2, 1, 0, 1)


def test_a_correction_whose_row_was_delivered_anew_is_left_out_and_told(tmp_path: Path) -> None:
    bank = Bank(tmp_path, "T1;C1;01.07.2020 12:00;1.5")
    bank.check()
    bank.replay(with_amount("1,5"))
    bank.deliver("transactions.csv", "T1;C1;01.07.2020 12:00;9")
    report = bank.check()
    assert pd.read_parquet(bank.layout.tables / "transactions").amount.tolist() == [9.0]
    (told,) = report.quality.findings
    assert "1 correction of rows that were not delivered as they were" in told
    assert "row 2 of transactions.csv" in told


def test_numbers_of_a_parquet_file_survive_the_way_through_quarantine(tmp_path: Path) -> None:
    settings_ = SourceSettings.model_validate(
        {
            "customers": {"file": "customers.parquet"},
            "transactions": {"file": "transactions.parquet", "decimal": ","},
            "rejected_share_max": 1,
        }
    )
    pd.DataFrame({"customer_id": [7.0], "onboarded_on": ["2020-01-01"]}).to_parquet(
        tmp_path / "customers.parquet"
    )
    rows = pd.DataFrame(
        {"transaction_id": [1, 2], "customer_id": [7.0, 7.0], "amount": [1.25, 2.5]}
    )
    rows["posted_at"] = [pd.Timestamp("2020-07-01 12:00"), pd.NaT]
    rows.to_parquet(tmp_path / "transactions.parquet")
    layout = Layout(tmp_path / "out")
    take_in(settings_, tmp_path, layout, ZONE)
    path = layout.quarantine / "transactions.csv"
    text = path.read_text("utf-8")
    edited = tmp_path / "transactions.csv"
    edited.write_text(text.replace('""posted_at"": null', '""posted_at"": ""2020-07-01 12:00""'))
    keep(read_replay(edited), layout)
    take_in(settings_, tmp_path, layout, ZONE)
    got = pd.read_parquet(layout.tables / "transactions")
    assert got.customer_id.tolist() == ["7", "7"]
    assert got.amount.tolist() == [1.25, 2.5]
    assert got.posted_at.nunique() == 1


@pytest.fixture(scope="module")
def one_refused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bank with one refused row of two faults."""
    folder = tmp_path_factory.mktemp("refused")
    Bank(folder, *TWO_FAULTS).check()
    return folder


@pytest.fixture
def refused(tmp_path: Path, one_refused: Path) -> Bank:
    """A copy of that bank."""
    shutil.copytree(one_refused, tmp_path / "bank")
    return Bank(tmp_path / "bank", *TWO_FAULTS)


def test_one_corrected_line_of_a_row_with_two_faults_is_enough(
    refused: Bank, tmp_path: Path
) -> None:
    assert len(refused.quarantine) == 2
    lines = iter([{"posted_at": "02.07.2020 12:00", "amount": "1,5"}, {}])
    replayed = refused.replay(lambda content: {**content, **next(lines)})
    assert (replayed.rows, replayed.entered) == (1, 1)


def test_a_row_that_is_corrected_in_two_ways_is_refused(refused: Bank, tmp_path: Path) -> None:
    amounts = iter(["1,5", "2,5"])
    path = refused.edit(tmp_path / "transactions.csv", lambda c: {**c, "amount": next(amounts)})
    with pytest.raises(BadInput, match=r"line 3: row 2 of transactions.csv is corrected in two"):
        read_replay(path)


def test_the_same_replay_is_not_kept_twice(refused: Bank, tmp_path: Path) -> None:
    path = refused.edit(tmp_path / "transactions.csv", with_amount("1,5"))
    keep(read_replay(path), refused.layout)
    with pytest.raises(BadInput, match="replayed before"):
        keep(read_replay(path), refused.layout)
    assert len(kept(refused.layout)) == 1


@pytest.mark.parametrize(
    ("name", "edit", "words"),
    [
        ("transactions.csv", lambda text: text, "no line of .* was corrected"),
        ("mended.csv", lambda text: text, "does not say of which table"),
        ("transactions.csv", lambda text: text.replace("content", "inhalt"), "no column content"),
        ("transactions.csv", lambda text: text.replace('"{""', '"{{""'), "is not JSON"),
        ("transactions.csv", lambda text: text.replace('""amount""', '""betrag""'), "'betrag'"),
        ("transactions.csv", lambda text: text.replace('""1.5""', "[1.5]"), "neither text, number"),
        (
            "transactions.csv",
            lambda text: text.replace('""1.5""', '""1""').replace("csv,2,", "csv,two,"),
            "row is 'two'",
        ),
    ],
)
def test_a_file_that_cannot_be_replayed_is_told(
    refused: Bank, tmp_path: Path, name: str, edit: Callable[[str], str], words: str
) -> None:
    text = (refused.layout.quarantine / "transactions.csv").read_text("utf-8")
    path = tmp_path / name
    path.write_text(edit(text), "utf-8")
    with pytest.raises(BadInput, match=words):
        read_replay(path)
    assert kept(refused.layout) == []
