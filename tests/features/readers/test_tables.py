"""The bank's own files: found, mapped, and named when something is missing."""

import gzip
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from features.intake import take_in
from features.readers import tables
from features.readers.batch import Batch
from features.settings import SourceSettings

PEOPLE = "customer_id,onboarded_on\nC1,2020-01-01\n"
ROWS = "transaction_id,customer_id,posted_at,amount\nT1,C1,2026-01-05,1.5\n"


def source(**sections: object) -> SourceSettings:
    given: dict[str, object] = {
        "customers": {"file": "customers.csv"},
        "transactions": {"file": "transactions.csv"},
    }
    return SourceSettings.model_validate(given | sections)


def batches(settings: SourceSettings, folder: Path) -> list[Batch]:
    return list(tables.read(settings, folder, "UTC"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "customers.csv").write_text(PEOPLE, "utf-8")
    (tmp_path / "transactions.csv").write_text(ROWS, "utf-8")
    return tmp_path


def refusal(settings: SourceSettings, folder: Path) -> str:
    with pytest.raises(BadInput) as caught:
        batches(settings, folder)
    return str(caught.value)


def test_a_missing_file_is_named_beside_those_that_are_there(folder: Path) -> None:
    said = refusal(source(transactions={"file": "transaction.csv"}), folder)
    assert "sources.transactions.file = 'transaction.csv' is missing" in said
    assert "transactions.csv" in said


def test_a_missing_column_is_named_with_candidates_and_the_setting(folder: Path) -> None:
    (folder / "transactions.csv").write_text(ROWS.replace("amount", "Amount_CNY"), "utf-8")
    said = refusal(source(), folder)
    assert said.startswith("transactions.csv has no column 'amount' (it has 'Amount_CNY', ")
    assert 'sources.transactions.columns = { amount = "..." }' in said


def test_all_that_is_missing_is_said_at_once(folder: Path) -> None:
    (folder / "customers.csv").write_text("id\nC1\n", "utf-8")
    said = refusal(source(transactions={"file": "no.csv"}), folder)
    assert [line.split(" ")[0] for line in said.splitlines()] == [
        "customers.csv",
        "sources.transactions.file",
    ]


def test_what_is_missing_ends_the_intake_with_a_report_and_no_tables(folder: Path) -> None:
    report = take_in(source(transactions={"file": "no.csv"}), folder, Layout(folder / "out"))
    assert "no.csv" in report.quality.broken[0]
    assert not (folder / "out" / "tables").exists()


def test_a_required_table_without_a_section_is_named(folder: Path) -> None:
    assert "[sources.transactions] is missing" in refusal(source(transactions=None), folder)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({}, "needs either file or table"),
        ({"file": "transactions.csv", "table": "t"}, "and not both"),
        ({"table": "t"}, "needs sources.database"),
        ({"file": "transactions.csv", "columns": {"amuont": "x"}}, "names 'amuont'"),
        ({"file": "transactions.csv", "columns": {"channel": "via"}}, "no column 'via'"),
        ({"file": "notes.pdf"}, "neither Parquet"),
        ({"file": "empty.csv"}, "empty.csv is empty"),
        ({"file": "semicolon.csv"}, "set sources.transactions.delimiter"),
        ({"file": "long.csv"}, "more fields than its header"),
        ({"file": "ragged.csv"}, "line 5"),
        ({"file": "latin.csv"}, "set the encoding"),
        ({"file": "broken.parquet"}, "is not a Parquet file"),
        ({"file": "cut.csv.gz"}, "cannot read cut.csv.gz"),
        ({"file": "twice.csv"}, "more than one column 'amount'"),
        ({"file": "absent/*.csv"}, "there is no folder"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    folder: Path, section: dict[str, object], words: str
) -> None:
    (folder / "notes.pdf").write_text("", "utf-8")
    (folder / "empty.csv").write_text("", "utf-8")
    (folder / "semicolon.csv").write_text(ROWS.replace(",", ";"), "utf-8")
    (folder / "long.csv").write_text(ROWS.replace(",1.5", ",1.5,9"), "utf-8")
    (folder / "ragged.csv").write_text(ROWS * 2 + "T2,C1,2026-01-05,1,2,3\n", "utf-8")
    (folder / "latin.csv").write_bytes(ROWS.replace("C1", "Zoë").encode("latin-1"))
    (folder / "broken.parquet").write_text("PAR1", "utf-8")
    (folder / "cut.csv.gz").write_bytes(gzip.compress(ROWS.encode() * 999)[:40])
    twice = ROWS.replace("amount", "amount,amount").replace("1.5", "1,2")
    (folder / "twice.csv").write_text(twice, "utf-8")
    assert words in refusal(source(transactions=section), folder)


def test_a_map_renames_the_banks_columns_and_the_rest_is_left_out(folder: Path) -> None:
    (folder / "transactions.csv").write_text("NR;KONTO;TAG;BETRAG;NOTIZ\n1;C1;2026-01-05;2,5;x\n")
    columns = {
        "transaction_id": "NR",
        "customer_id": "KONTO",
        "posted_at": "TAG",
        "amount": "BETRAG",
    }
    section = {"file": "transactions.csv", "delimiter": ";", "decimal": ",", "columns": columns}
    layout = Layout(folder / "out")
    take_in(source(transactions=section), folder, layout).require_sound()
    assert pd.read_parquet(layout.tables / "transactions")["amount"].tolist() == [2.5]
    (folder / "transactions.csv").write_text("NR;KONTO;TAG;BETRAG\n1;C1;2026-01-05;2.5\n")
    report = take_in(source(transactions=section), folder, layout)
    assert (
        "column 'BETRAG' (amount) of transactions.csv holds 1 value that is not a number"
        in (report.quality.findings[0])
    )


def test_several_deliveries_are_read_in_the_order_of_their_names(folder: Path) -> None:
    (folder / "in").mkdir()
    for name in ("b.csv", "a.csv.gz"):
        text = ROWS.replace("T1", name).encode()
        (folder / "in" / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    pq.write_table(pa.table({"customer_id": ["C1"]}), folder / "in" / "notes.parquet")
    found = batches(source(transactions={"file": "in/*.csv*"}), folder)
    assert [(one.file, one.first_row) for one in found] == [
        ("customers.csv", 2),
        ("in/a.csv.gz", 2),
        ("in/b.csv", 2),
    ]
    assert set(tables.marks(source(transactions={"file": "in/*.csv*"}), folder)) == {
        "customers.csv",
        "in/a.csv.gz",
        "in/b.csv",
    }


def test_a_byte_order_mark_and_another_encoding_are_understood(folder: Path) -> None:
    (folder / "customers.csv").write_bytes(b"\xef\xbb\xbf" + PEOPLE.encode())
    (folder / "transactions.csv").write_bytes(ROWS.replace("C1", "张").encode("gb18030"))
    settings = source(transactions={"file": "transactions.csv", "encoding": "gb18030"})
    people, rows = batches(settings, folder)
    assert list(people.frame) == ["customer_id", "onboarded_on"]
    assert rows.frame["customer_id"].tolist() == ["张"]


def test_numbers_of_accounts_stay_as_they_are_written(folder: Path) -> None:
    big = 9_007_199_254_740_993  # the first whole number that a float does not have
    noon = pd.Timestamp("2026-01-05 12:00", tz="Asia/Shanghai")
    ids = pa.array([big, None, 7], pa.int64())
    columns = {
        "transaction_id": pa.array(["1", "2", "3"]),
        "customer_id": ids,
        "posted_at": pa.array([noon] * 3, pa.timestamp("ms", "Asia/Shanghai")),
        "amount": pa.array(["1.10", "2", "3"]).cast(pa.decimal128(20, 4)),
    }
    pq.write_table(pa.table(columns), folder / "t.parquet", row_group_size=2)
    (folder / "customers.csv").write_text(PEOPLE + f"{big},2020-01-01\n007,2020-01-01\n", "utf-8")
    layout = Layout(folder / "out")
    settings = source(transactions={"file": "t.parquet"}, rejected_share_max=1)
    report = take_in(settings, folder, layout)
    clean = pd.read_parquet(layout.tables / "transactions")
    assert clean["customer_id"].tolist() == [str(big)]  # '7' is not '007', and null is empty
    assert clean["amount"].tolist() == [1.1]
    assert str(clean["posted_at"][0]) == "2026-01-05 04:00:00"
    assert report.quality.table("transactions").unknown == 1
    assert "row 2" in report.quality.findings[0]


def test_words_that_parquet_keeps_as_a_dictionary_are_read(folder: Path) -> None:
    rows = pd.DataFrame({"customer_id": ["C1", "C2"], "onboarded_on": ["2020-01-01"] * 2})
    rows.astype({"customer_id": "category"}).to_parquet(folder / "people.parquet")
    assert pa.types.is_dictionary(pq.read_schema(folder / "people.parquet").field(0).type)
    settings = source(customers={"file": "people.parquet"})
    (people, _) = batches(settings, folder)
    assert people.frame.customer_id.tolist() == ["C1", "C2"]


def test_what_we_wrote_into_the_source_folder_is_never_read(folder: Path) -> None:
    settings = source(transactions={"file": "**/t*.csv"}, customers={"file": "**/cust*.*"})
    layout = Layout(folder)  # the default: the output lies where the sources do
    first = take_in(settings, folder, layout).require_sound()
    for ours in ("quarantine", ".intake-x", ".staged/x"):
        (folder / ours).mkdir(parents=True, exist_ok=True)
        (folder / ours / "transactions.csv").write_text(ROWS.replace("T1", "T2"), "utf-8")
    assert [path.name for path in folder.glob("tables/cust*")] == ["customers.parquet"]
    assert set(tables.marks(settings, folder)) == {"customers.csv", "transactions.csv"}
    assert {batch.file for batch in batches(settings, folder)} == set(
        tables.marks(settings, folder)
    )
    hidden = source(transactions={"file": ".*/*.csv"})
    assert "is missing" in refusal(hidden, folder)
    assert "tables" not in refusal(hidden, folder)
    again = take_in(settings, folder, layout).require_sound()
    assert first.record is not None
    assert again.record is not None
    assert again.record.data_hashes == first.record.data_hashes


def test_a_banks_own_folder_of_tables_is_read_and_so_is_one_above(folder: Path) -> None:
    (folder / "tables").mkdir()
    (folder / "tables" / "t.csv").write_text(ROWS, "utf-8")
    assert set(tables.marks(source(transactions={"file": "tables/*.csv"}), folder)) == {
        "customers.csv",
        "tables/t.csv",
    }
    below = folder / "below"
    below.mkdir()
    settings = source(customers={"file": "../cust*.csv"}, transactions={"file": "../tables/*.csv"})
    assert len(tables.marks(settings, below)) == 2


def test_a_parquet_file_with_another_name_is_told(folder: Path) -> None:
    pd.DataFrame({"customer_id": ["C1"]}).to_parquet(folder / "customers.csv")
    with pytest.raises(BadInput, match=r"customers\.csv is a Parquet file and not text; let its"):
        batches(source(transactions={"file": "transactions.csv"}), folder)
