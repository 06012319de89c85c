"""The door: what is refused, where it goes, and what it says."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from domain.tables import CONTRACTS
from features.arrow import arrow_schema
from features.door.staging import clean_schema
from features.file_hash import sha256
from features.intake import data_hashes, is_current, read_record, take_in
from features.parts import table_files
from features.quality.report import read_quality
from features.settings import SourceSettings

PEOPLE = "customer_id,onboarded_on,latitude,longitude\nC1,2020-01-31,31.2,121.5\nC2,2021-02-28,,\n"
ROWS = (
    "transaction_id,customer_id,posted_at,amount\n"
    "T1,C1,2026-01-05 10:00:00,12.50\n"
    "T2,C1,2026-01-06T09:30:00+08:00,-3\n"
)

Bank = Callable[..., SourceSettings]


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """Writes source files and gives the settings that read them."""

    def write(customers: str = PEOPLE, transactions: str = ROWS, **more: object) -> SourceSettings:
        folder = tmp_path / "bank"
        folder.mkdir(exist_ok=True)
        (folder / "customers.csv").write_text(customers, encoding="utf-8")
        (folder / "transactions.csv").write_text(transactions, encoding="utf-8")
        given: dict[str, object] = {
            "customers": {"file": "customers.csv"},
            "transactions": {"file": "transactions.csv"},
            "rejected_share_max": 1.0,
        }
        return SourceSettings.model_validate(given | more)

    return write


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "out")


def table(layout: Layout, name: str) -> pd.DataFrame:
    return pa.concat_tables(map(pq.read_table, table_files(layout.tables, name))).to_pandas()


def quarantined(layout: Layout, name: str) -> list[dict[str, str]]:
    with (layout.quarantine / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_tables_stand_on_disk_with_every_column_of_their_contract(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    report = take_in(bank(), tmp_path / "bank", layout).require_sound()
    for name, contract in CONTRACTS.items():
        (file,) = table_files(layout.tables, name)
        assert pq.read_schema(file) == clean_schema(contract)
        assert [*clean_schema(contract)][:-1] == [*arrow_schema(contract)]
    assert report.record is not None
    assert {name: one.rows for name, one in report.record.tables.items()} == {
        "customers": 2,
        "transactions": 2,
        "holdings": 0,
        "service_events": 0,
        "closures": 0,
        "outlets": 0,
    }
    (part,) = report.record.tables["transactions"].parts
    assert part.sha256 == sha256(layout.tables / part.file)
    assert part.sources == ("transactions.csv",)
    assert data_hashes(layout) == report.record.data_hashes
    assert sorted(path.name for path in layout.root.iterdir()) == [
        "quality.json",
        "quarantine",
        "tables",
    ]


def test_a_time_without_an_offset_is_local_and_one_with_an_offset_is_not(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    take_in(bank(), tmp_path / "bank", layout, "Asia/Shanghai").require_sound()
    assert table(layout, "transactions")["posted_at"].astype(str).tolist() == [
        "2026-01-05 02:00:00",
        "2026-01-06 01:30:00",
    ]


def test_a_tables_own_time_zone_goes_before_the_banks(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    source = {"file": "transactions.csv", "timezone": "America/New_York"}
    bank()
    settings = SourceSettings.model_validate(
        {"customers": {"file": "customers.csv"}, "transactions": source}
    )
    take_in(settings, tmp_path / "bank", layout, "Asia/Shanghai").require_sound()
    assert str(table(layout, "transactions")["posted_at"][0]) == "2026-01-05 15:00:00"


def test_a_customer_without_transactions_is_kept(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    take_in(bank(), tmp_path / "bank", layout).require_sound()
    assert table(layout, "customers")["customer_id"].tolist() == ["C1", "C2"]


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("X,C1,2026-01-05,twelve", "amount", "not a number"),
        ("X,C1,2026-01-05,12 000", "amount", "not a number"),
        ('X,C1,2026-01-05,"1,000.00"', "amount", "not a number"),
        ("X,C1,2026-01-05,NaN", "amount", "not a number"),
        ("X,C1,2026-01-05,0x1F", "amount", "not a number"),
        ("X,C1,2026-01-05,", "amount", "empty"),
        ("X,C1,2026-01-05,inf", "amount", "not between -1e+12 and 1e+12"),
        ("X,C1,2026-01-05,-Infinity", "amount", "not between -1e+12 and 1e+12"),
        ("X,C1,2026-01-05,1e400", "amount", "not between -1e+12 and 1e+12"),
        ("X,C1,2026-02-30,1", "posted_at", "not a time"),
        ("X,C1,2026-01-05 25:00,1", "posted_at", "not a time"),
        ("X,C1,05/01/2026,1", "posted_at", "not a time"),
        ("X,C1,2026,1", "posted_at", "not a time"),
        ("X,C1,,1", "posted_at", "empty"),
        ("X,,2026-01-05,1", "customer_id", "empty"),
        (" ,C1,2026-01-05,1", "transaction_id", "empty"),
        ("X,C9,2026-01-05,1", "customer_id", "customer is not in the customer table"),
    ],
)
def test_a_bad_row_goes_to_quarantine_with_file_row_and_reason(
    bank: Bank, layout: Layout, tmp_path: Path, line: str, column: str, reason: str
) -> None:
    report = take_in(bank(transactions=f"{ROWS}{line}\n"), tmp_path / "bank", layout)
    (row,) = quarantined(layout, "transactions")
    assert (row["file"], row["row"], row["column"], row["reason"]) == (
        "transactions.csv",
        "4",
        column,
        reason,
    )
    assert list(json.loads(row["content"]))[:4] == ROWS.splitlines()[0].split(",")
    seen = report.quality.table("transactions")
    assert (seen.delivered, seen.accepted, seen.rejected, seen.duplicates) == (3, 2, 1, 0)
    assert table(layout, "transactions")["transaction_id"].tolist() == ["T1", "T2"]
    assert len(report.quality.findings) == 1
    assert "row 4" in report.quality.findings[0]


def test_every_fault_of_a_row_is_written_and_the_row_counts_once(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    report = take_in(bank(transactions=f"{ROWS},C1,soon,x\n"), tmp_path / "bank", layout)
    assert {row["column"] for row in quarantined(layout, "transactions")} == {
        "transaction_id",
        "posted_at",
        "amount",
    }
    assert report.quality.table("transactions").rejected == 1


def test_blank_lines_are_no_rows_and_do_not_move_the_numbers(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    take_in(bank(transactions=f"{ROWS}\n\nX,C1,soon,1\n\n"), tmp_path / "bank", layout)
    assert [row["row"] for row in quarantined(layout, "transactions")] == ["6"]


def test_the_message_names_the_setting_that_mends_a_decimal_comma(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    rows = ROWS + 'T3,C1,2026-01-07,"12,50"\nT4,C2,2026-01-07,"1,00"\n'
    report = take_in(bank(transactions=rows), tmp_path / "bank", layout)
    assert report.quality.findings == (
        "column 'amount' of transactions.csv holds 2 values that are not numbers (first: '12,50' "
        'in row 4); write decimals with a point or set sources.transactions.decimal = ","',
    )


def test_a_decimal_comma_is_read_where_it_is_set_and_a_point_is_then_no_number(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    rows = (
        ROWS.splitlines()[0].replace(",", ";") + "\nA;C1;2026-01-07;-12,50\nB;C1;2026-01-07;1.5\n"
    )
    settings = SourceSettings.model_validate(
        {
            "customers": {"file": "customers.csv"},
            "transactions": {"file": "transactions.csv", "delimiter": ";", "decimal": ","},
            "rejected_share_max": 1,
        }
    )
    bank(transactions=rows)
    take_in(settings, tmp_path / "bank", layout)
    assert table(layout, "transactions")["amount"].tolist() == [-12.5]
    assert [row["reason"] for row in quarantined(layout, "transactions")] == ["not a number"]


def test_dates_are_read_in_the_form_that_is_set(bank: Bank, layout: Layout, tmp_path: Path) -> None:
    settings = SourceSettings.model_validate(
        {
            "customers": {"file": "customers.csv", "date_format": "%d.%m.%Y"},
            "transactions": {"file": "transactions.csv"},
        }
    )
    bank(customers="customer_id,onboarded_on\nC1,31.01.2020\n")
    take_in(settings, tmp_path / "bank", layout).require_sound()
    assert str(table(layout, "customers")["onboarded_on"][0]) == "2020-01-31"


NOW = datetime(2026, 1, 6, 18, tzinfo=UTC)  # 7 January in Shanghai
TOMORROW = "T9,C1,2026-01-08 00:00,1\n"


def test_a_row_of_tomorrow_is_in_the_future_in_the_banks_time_zone(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    settings, folder = bank(transactions=f"{ROWS}T8,C1,2026-01-07 23:59,1\n{TOMORROW}"), "bank"
    report = take_in(settings, tmp_path / folder, layout, "Asia/Shanghai", now=NOW)
    (row,) = quarantined(layout, "transactions")
    assert (row["row"], row["column"]) == ("5", "posted_at")
    assert row["reason"] == "in the future, after 2026-01-07"
    assert report.quality.findings == (
        "column 'posted_at' of transactions.csv holds 1 value that is in the future, after "
        "2026-01-07 (first: '2026-01-08 00:00' in row 5); correct the dates, or set "
        "sources.data_until to the last day of the data",
    )
    assert table(layout, "transactions")["transaction_id"].tolist() == ["T1", "T2", "T8"]


def test_a_configured_last_day_goes_before_the_clock(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    folder = tmp_path / "bank"
    take_in(bank(transactions=ROWS + TOMORROW, data_until="2026-01-08"), folder, layout, now=NOW)
    assert len(table(layout, "transactions")) == 3
    take_in(bank(data_until="2026-01-05"), folder, layout, now=NOW)
    (row,) = quarantined(layout, "transactions")
    assert row["reason"] == "after sources.data_until = 2026-01-05"


def test_what_is_agreed_for_a_day_to_come_is_accepted_unless_a_last_day_is_configured(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    files = {
        "holdings": "customer_id,product,opened_on,closed_on\nC1,loan,2026-02-01,2036-02-01\n",
        "closures": "customer_id,closed_on\nC2,2026-02-01\n",
        "service_events": "event_id,customer_id,occurred_at,kind\nE1,C1,2026-02-01,visit\n",
    }
    settings = bank(**{name: {"file": f"{name}.csv"} for name in files})
    for name, text in files.items():
        (tmp_path / "bank" / f"{name}.csv").write_text(text, "utf-8")
    take_in(settings, tmp_path / "bank", layout, now=NOW)
    assert [len(table(layout, name)) for name in files] == [1, 1, 0]
    bounded = settings.model_copy(update={"data_until": date(2026, 1, 31)})
    take_in(bounded, tmp_path / "bank", layout, now=NOW)
    assert [len(table(layout, name)) for name in files] == [0, 0, 0]
    ended = settings.model_copy(update={"data_until": date(2026, 2, 1)})
    take_in(ended, tmp_path / "bank", layout, now=NOW)
    assert [len(table(layout, name)) for name in files] == [1, 1, 1]


def test_the_banks_word_for_never_is_a_date(bank: Bank, layout: Layout, tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    settings = bank(holdings={"file": "holdings.csv"})
    (folder / "holdings.csv").write_text(
        "customer_id,product,opened_on,closed_on\nC1,loan,2020-01-31,9999-12-31\n", "utf-8"
    )
    take_in(settings, folder, layout).require_sound()
    assert str(table(layout, "holdings")["closed_on"][0]) == "9999-12-31"


def test_coordinates_at_zero_are_accepted_and_counted_as_suspicious(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    report = take_in(bank(customers=PEOPLE + "C3,2022-01-01,0,0\n"), tmp_path / "bank", layout)
    by_name = {one.column: one for one in report.quality.table("customers").columns}
    assert by_name["latitude"].suspicious == 1
    assert by_name["latitude"].missing == 1
    assert by_name["longitude"].example is not None
    assert by_name["longitude"].example.row == 4
    assert report.quality.table("customers").accepted == 3


def test_an_impossible_coordinate_is_out_of_range(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    report = take_in(bank(customers=PEOPLE + "C3,2022-01-01,91,0\n"), tmp_path / "bank", layout)
    by_name = {one.column: one for one in report.quality.table("customers").columns}
    assert by_name["latitude"].out_of_range == 1
    assert "between -90 and 90" in report.quality.findings[0]


def test_an_id_with_two_contents_breaks_the_contract_and_keeps_neither(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    take_in(bank(), tmp_path / "bank", layout).require_sound()
    before = data_hashes(layout)
    report = take_in(
        bank(transactions=ROWS + "T1,C1,2026-01-05 10:00:00,99\n"), tmp_path / "bank", layout
    )
    assert [row["row"] for row in quarantined(layout, "transactions")] == ["2", "4"]
    assert not report.quality.sound
    assert "transactions.csv holds 2 rows that repeat a transaction_id" in report.quality.broken[0]
    assert "'T1' in row 2" in report.quality.broken[0]
    assert data_hashes(layout) == before
    with pytest.raises(BadInput, match="different content"):
        report.require_sound()


def test_more_rejected_rows_than_allowed_break_the_contract_and_leave_the_old_tables(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    take_in(bank(), tmp_path / "bank", layout).require_sound()
    before = data_hashes(layout)
    settings = bank(transactions=ROWS + "X,C1,soon,1\n", rejected_share_max=0.3)
    report = take_in(settings, tmp_path / "bank", layout)
    assert report.record is None
    assert "1 of 3 rows of transactions were rejected (33.33%)" in report.quality.broken[0]
    assert "'soon' in row 4" in report.quality.broken[1]
    assert data_hashes(layout) == before
    assert read_quality(layout) == report.quality


@pytest.mark.parametrize("name", ["customers", "transactions"])
def test_an_empty_required_table_breaks_the_contract(
    bank: Bank, layout: Layout, tmp_path: Path, name: str
) -> None:
    only_header = {"customers": PEOPLE, "transactions": ROWS}[name].splitlines()[0]
    report = take_in(bank(**{name: only_header}), tmp_path / "bank", layout)
    assert f"table {name!r} has no rows; deliver at least one" in report.quality.broken
    assert not layout.tables.exists()


def test_the_tables_are_current_until_a_source_a_setting_or_the_zone_changes(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    folder = tmp_path / "bank"
    settings = bank()
    assert not is_current(settings, folder, layout)
    take_in(settings, folder, layout, "Asia/Shanghai").require_sound()
    assert is_current(settings, folder, layout)
    assert is_current(settings, folder, layout, "Asia/Shanghai")
    assert not is_current(settings, folder, layout, "UTC")
    assert not is_current(settings.model_copy(update={"rejected_share_max": 0.5}), folder, layout)
    (folder / "transactions.csv").write_text(ROWS.replace("12.50", "12.51"), "utf-8")
    assert not is_current(settings, folder, layout)
    assert read_record(layout).reader == "tables"


def test_progress_rises_from_nothing_to_all(bank: Bank, layout: Layout, tmp_path: Path) -> None:
    steps: list[tuple[str, float]] = []
    take_in(bank(), tmp_path / "bank", layout, "UTC", lambda step, done: steps.append((step, done)))
    shares = [done for _, done in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert any("transactions.csv" in step for step, _ in steps)
    told = [step for step, _ in steps if step.endswith(" transactions")]
    assert told == [f"{what} transactions" for what in ("comparing", "sorting", "writing")]


def test_without_tables_the_message_says_what_to_run(layout: Layout) -> None:
    with pytest.raises(BadInput, match="gridkeep check"):
        read_record(layout)
    with pytest.raises(BadInput, match="gridkeep check"):
        read_quality(layout)


def test_judging_rows_leaves_the_process_as_it_was(
    bank: Bank, layout: Layout, tmp_path: Path
) -> None:
    noon = pd.Timestamp("2026-01-05 12:00", tz="Asia/Shanghai")
    take_in(bank(), tmp_path / "bank", layout).require_sound()
    kept = pa.array([noon.to_pydatetime()], pa.timestamp("us", "UTC")).cast(pa.int64())
    assert kept[0].as_py() == noon.value // 1000
