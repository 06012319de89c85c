"""Sources that grow: what is read, what stays, and that the tables are those of a full reading."""

import contextlib
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.layout import Layout
from domain.tables import CONTRACTS
from features.engine import frame_of, open_tables
from features.intake import IntakeReport, is_current, take_in
from features.parts import read_record, table_files
from features.settings import SourceSettings

SOURCE = SourceSettings.model_validate(
    {
        "customers": {"file": "customers*.csv"},
        "transactions": {"file": "transactions*.csv"},
        "service_events": {"file": "events*.csv"},
        "closures": {"file": "closures*.csv"},
        "rejected_share_max": 1,
    }
)
HEADERS = {
    "customers": "customer_id,onboarded_on,latitude,longitude",
    "transactions": "transaction_id,customer_id,posted_at,amount,currency",
    "events": "event_id,customer_id,occurred_at,kind",
    "closures": "customer_id,closed_on",
}
TONIGHT = datetime(2026, 1, 5, 20, tzinfo=UTC)
PEOPLE = ["C1,2020-01-01,31.2,121.5", "C2,2020-01-02,,"]
ROWS = ["T1,C1,2026-01-01 10:00,5,", "T2,C2,2026-01-02 11:00,-3,CNY"]


class Bank:
    """A folder of deliveries, and an intake that remembers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.layout = folder / "bank", Layout(folder / "out")
        self.folder.mkdir(exist_ok=True)
        for name in ("events0", "closures0"):
            self.deliver(name)
        self.steps: list[str] = []

    def deliver(self, name: str, *lines: str) -> None:
        """Write a file; its table is the beginning of its name."""
        header = HEADERS[name.rstrip("0123456789_")]
        (self.folder / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n", "utf-8")

    def take(self, now: datetime | None = None, layout: Layout | None = None) -> IntakeReport:
        """An intake into the tables that are there, or into another folder."""
        self.steps = []
        return take_in(
            SOURCE,
            self.folder,
            layout or self.layout,
            "Asia/Shanghai",
            lambda step, _: self.steps.append(step),
            now=now,
            currency="CNY",
        )

    @property
    def read(self) -> list[str]:
        """The files that the last intake read."""
        return [step.removeprefix("reading ") for step in self.steps if "reading " in step]


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two customers and two transactions, taken in."""
    folder = tmp_path_factory.mktemp("taken")
    made = Bank(folder)
    made.deliver("customers1", *PEOPLE)
    made.deliver("transactions1", *ROWS)
    made.deliver("events1", "E1,C1,2026-01-03,visit")
    made.take().require_sound()
    return folder


@pytest.fixture
def bank(tmp_path: Path, taken: Path) -> Bank:
    """A copy of that bank."""
    shutil.copytree(taken, tmp_path, dirs_exist_ok=True)
    return Bank(tmp_path)


def rows_of(layout: Layout, name: str) -> list[tuple[object, ...]]:
    """The rows of a clean table in order, read by SQL."""
    files = [path.as_posix() for path in table_files(layout.tables, name)]
    return duckdb.sql(
        f"SELECT {', '.join(CONTRACTS[name].names)} FROM read_parquet({files}) ORDER BY ALL"
    ).fetchall()


def quarantine_of(layout: Layout) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in layout.quarantine.iterdir()}


def assert_as_if_read_at_once(bank: Bank, now: datetime | None = None) -> IntakeReport:
    """An intake on top of the tables gives what one into an empty folder gives."""
    before = {}
    with contextlib.suppress(BadInput, duckdb.Error):  # there are none, or they were altered
        before = {name: rows_of(bank.layout, name) for name in CONTRACTS}
    grown = bank.take(now)
    steps = bank.steps
    with tempfile.TemporaryDirectory() as elsewhere:
        other = Layout(Path(elsewhere) / "out")
        whole = bank.take(now, other)
        bank.steps = steps
        assert grown.quality == whole.quality
        assert quarantine_of(bank.layout) == quarantine_of(other)
        if whole.record is None:
            assert grown.record is None
            assert before == {name: rows_of(bank.layout, name) for name in before}
            return grown
        assert grown.record is not None
        assert grown.record.data_hashes == whole.record.data_hashes
        for name in CONTRACTS:
            assert rows_of(bank.layout, name) == rows_of(other, name)
    return grown


class Night(NamedTuple):
    """What one night brings: file -> its lines, or None for a file that goes."""

    files: dict[str, list[str] | None]
    days_later: int


def nights() -> st.SearchStrategy[list[Night]]:
    amounts = st.sampled_from(["1", "1", "1.0", "2", "x"])
    customers = st.sampled_from(["C1", "C1", "C2", "C3", ""])
    days = st.sampled_from(["2026-01-01", "2026-01-02", "2026-01-07", "2026-01-09", "soon"])
    posted = st.tuples(
        st.sampled_from([f"T{at}" for at in range(8)]),
        customers,
        days,
        amounts,
        st.sampled_from(["", "CNY", "CNY", "USD"]),
    ).map(",".join)
    events = st.tuples(st.sampled_from(["E1", "E2", "E3"]), customers, days).map(
        lambda row: ",".join([*row, "visit"])
    )
    people = st.tuples(
        st.sampled_from(["C1", "C2", "C3"]), st.sampled_from(["2020-01-01"] * 4 + ["2020-01-02"])
    ).map(lambda row: ",".join([*row, "0", "0"]))
    closed = st.tuples(st.sampled_from(["C1", "C3"]), st.just("2026-01-02")).map(",".join)

    def file(
        name: str, lines: st.SearchStrategy[str], most: int
    ) -> st.SearchStrategy[dict[str, object]]:
        numbers = st.integers(1, 6).map(lambda at: f"{name}{at}")
        content = st.one_of(*[st.lists(lines, max_size=most)] * 6, st.none())
        return st.dictionaries(numbers, content, max_size=2)

    parts = st.tuples(
        file("transactions", posted, 5),
        file("events", events, 3),
        file("customers", people, 3),
        file("closures", closed, 2),
    )
    one = st.builds(
        lambda found, later: Night({k: v for part in found for k, v in part.items()}, later),
        parts,
        st.sampled_from([0, 1, 1, 1, 2, 4]),
    )
    return st.lists(one, min_size=2, max_size=4)


@pytest.mark.slow
@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(story=nights())
def test_any_nights_of_deliveries_give_the_tables_and_the_report_of_one_full_reading(
    story: list[Night],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bank, now = Bank(Path(folder)), TONIGHT
        bank.deliver("customers0", "C1,2020-01-01,0,0")
        bank.deliver("transactions0", "T0,C1,2026-01-01,1,")
        bank.take(now).require_sound()
        for night in story:
            now += timedelta(days=night.days_later)
            for name, lines in night.files.items():
                if lines is None:
                    (bank.folder / f"{name}.csv").unlink(missing_ok=True)
                else:
                    bank.deliver(name, *lines)
            assert_as_if_read_at_once(bank, now)


def test_only_the_new_file_is_read_and_its_rows_are_another_part(bank: Bank) -> None:
    (first,) = table_files(bank.layout.tables, "transactions")
    written = first.stat().st_ino
    bank.deliver("transactions2", "T3,C1,2026-01-04 10:00,7,", ROWS[0])
    report = assert_as_if_read_at_once(bank)
    assert set(bank.read) == {"transactions2.csv"}
    old, new = table_files(bank.layout.tables, "transactions")
    assert (old.name, old.stat().st_ino) == (first.name, written)
    (part,) = report.growth("transactions").new
    assert (bank.layout.tables / part.file, part.rows, part.sources) == (
        new,
        1,
        ("transactions2.csv",),
    )
    assert report.growth("transactions").gone == ()
    assert report.growth("service_events").new == report.growth("customers").new == ()
    assert report.quality.table("transactions").duplicates == 1


def test_the_parts_are_one_table_to_the_engine(bank: Bank) -> None:
    bank.deliver("transactions2", "T0,C2,2026-01-04 10:00,7,")
    bank.take().require_sound()
    found = frame_of(open_tables(bank.layout.tables).transactions.order_by("transaction_id"))
    assert found["transaction_id"].tolist() == ["T0", "T1", "T2"]


def test_sources_as_they_were_are_not_read_and_the_report_is_the_same(bank: Bank) -> None:
    before = bank.take().quality
    assert bank.read == []
    assert bank.take().quality == before
    assert_as_if_read_at_once(bank)


def once(table: str) -> str:
    return (
        f"deliver each once, or correct the rows in quarantine/{table}.csv and run "
        "`gridkeep check --replay` on it; sources.rejected_share_max does not allow them"
    )


def test_an_amount_changed_in_a_second_delivery_is_told_with_both_places_and_changes_no_table(
    bank: Bank,
) -> None:
    bank.deliver("transactions2", *ROWS)
    bank.take().require_sound()
    bank.deliver("transactions3", "T3,C1,2026-01-04,7,", ROWS[0].replace(",5,", ",6,"))
    report = assert_as_if_read_at_once(bank)
    assert set(bank.read) == {"transactions3.csv"}
    assert report.quality.broken == (
        "transactions1.csv holds 1 row that repeats a transaction_id with different content "
        f"(amount) (first: 'T1' in row 2); {once('transactions')}",
        "transactions2.csv holds 1 row that repeats a transaction_id with different content "
        f"(amount) (first: 'T1' in row 2); {once('transactions')}",
        "transactions3.csv holds 1 row that repeats a transaction_id with different content "
        f"(amount) (first: 'T1' in row 3); {once('transactions')}",
    )
    assert [row[0] for row in rows_of(bank.layout, "transactions")] == ["T1", "T2"]
    (bank.folder / "transactions3.csv").unlink()
    bank.deliver("transactions3", "T3,C1,2026-01-04,7,")
    assert assert_as_if_read_at_once(bank).quality.sound


def test_a_customer_in_two_places_is_a_conflict_that_names_the_columns(bank: Bank) -> None:
    bank.deliver("customers2", "C1,2020-01-01,39.9,116.4")
    report = assert_as_if_read_at_once(bank)
    assert report.quality.broken[0] == (
        "customers1.csv holds 1 row that repeats a customer_id with different content "
        f"(latitude, longitude) (first: 'C1' in row 2); {once('customers')}"
    )
    assert rows_of(bank.layout, "customers")[0][0] == "C1"


def test_words_that_no_feature_looks_for_are_told_again_when_other_files_come(bank: Bank) -> None:
    header, rows = HEADERS["transactions"] + ",category", [f"{row},Lohn" for row in ROWS]
    (bank.folder / "transactions1.csv").write_text("\n".join([header, *rows]) + "\n", "utf-8")
    told = bank.take().quality.findings
    assert any("Lohn" in finding for finding in told)
    bank.deliver("transactions2", "T3,C1,2026-01-04 10:00,7,")
    report = assert_as_if_read_at_once(bank)
    assert set(bank.read) == {"transactions2.csv"}
    assert report.quality.findings == told


def test_rows_of_a_customer_who_comes_later_wait_and_then_enter(bank: Bank) -> None:
    bank.deliver("transactions2", "T3,C9,2026-01-04,7,", "T4,C8,2026-01-04,7,")
    assert assert_as_if_read_at_once(bank).quality.table("transactions").unknown == 2
    bank.deliver("customers2", "C9,2020-01-01,,")
    assert assert_as_if_read_at_once(bank).quality.table("transactions").unknown == 1
    assert not [file for file in bank.read if file.startswith("transactions")]
    assert rows_of(bank.layout, "transactions")[2][:2] == ("T3", "C9")


def test_a_row_of_tomorrow_enters_when_tomorrow_has_come(tmp_path: Path) -> None:
    bank = Bank(tmp_path)
    bank.deliver("customers1", *PEOPLE)
    bank.deliver("transactions1", *ROWS)
    bank.deliver("transactions2", "T3,C1,2026-01-07,7,")
    assert assert_as_if_read_at_once(bank, TONIGHT).quality.table("transactions").rejected == 1
    assert_as_if_read_at_once(bank, TONIGHT + timedelta(days=1))
    assert set(bank.read) == {"transactions2.csv"}
    assert len(rows_of(bank.layout, "transactions")) == 3
    assert_as_if_read_at_once(bank, TONIGHT)  # a clock that was set back
    assert "the last day is an earlier one: reading all again" in bank.steps
    assert len(rows_of(bank.layout, "transactions")) == 2


@pytest.mark.parametrize("change", ["changed", "is gone"])
def test_a_file_that_changed_or_went_makes_its_table_anew_and_says_so(
    bank: Bank, change: str
) -> None:
    bank.deliver("transactions2", "T3,C1,2026-01-04,7,")
    bank.take().require_sound()
    if change == "changed":
        bank.deliver("transactions2", "T3,C1,2026-01-04,8,")
    else:
        (bank.folder / "transactions2.csv").unlink()
    report = assert_as_if_read_at_once(bank)
    assert bank.steps[0] == f"transactions2.csv {change}: reading all again"
    assert {"transactions1.csv"} <= set(bank.read)
    assert "events1.csv" not in bank.read
    assert [part.rows for part in report.growth("transactions").gone][-1:] == [1]


def test_a_customer_who_is_gone_takes_the_rows_along(bank: Bank) -> None:
    bank.deliver("customers1", PEOPLE[0])
    assert_as_if_read_at_once(bank)
    assert "customers with transactions are gone: reading all again" in bank.steps
    assert [row[0] for row in rows_of(bank.layout, "transactions")] == ["T1"]


def test_a_file_that_came_again_under_another_name_adds_nothing(bank: Bank) -> None:
    shutil.copy(bank.folder / "transactions1.csv", bank.folder / "transactions0.csv")
    report = assert_as_if_read_at_once(bank)
    assert set(bank.read) == {"transactions0.csv"}
    assert report.growth("transactions") == ((), ())


def test_a_part_that_was_altered_is_one_message_and_the_next_check_mends_it(bank: Bank) -> None:
    (part,) = table_files(bank.layout.tables, "transactions")
    whole = part.read_bytes()
    for wrong in (whole + b"x", whole[:40] + bytes([whole[40] ^ 1]) + whole[41:]):
        part.write_bytes(wrong)
        with pytest.raises(BadInput, match=r"part-000001.* is not as the intake wrote it.*check`"):
            open_tables(bank.layout.tables)
    assert_as_if_read_at_once(bank)
    assert "is not as it was written: reading all again" in bank.steps[0]
    assert len(rows_of(bank.layout, "transactions")) == 2


def test_a_part_that_was_deleted_is_one_message_and_the_next_check_mends_it(bank: Bank) -> None:
    (part,) = table_files(bank.layout.tables, "transactions")
    part.unlink()
    with pytest.raises(BadInput, match=r"part-000001.* is missing; run `gridkeep check`"):
        open_tables(bank.layout.tables)
    assert not is_current(SOURCE, bank.folder, bank.layout)
    assert_as_if_read_at_once(bank)
    assert read_record(bank.layout).tables["transactions"].rows == 2


def test_a_row_in_another_currency_is_refused_and_one_that_names_none_is_the_banks(
    bank: Bank,
) -> None:
    bank.deliver("transactions2", "T3,C1,2026-01-04,7,USD", "T4,C1,2026-01-04,7,")
    report = assert_as_if_read_at_once(bank)
    assert report.quality.findings == (
        "column 'currency' of transactions2.csv holds 1 value that is not in CNY (first: 'USD' in "
        "row 2); convert the amounts or leave these rows out; bank.currency is the one of every "
        "amount",
    )
    assert [row[0] for row in rows_of(bank.layout, "transactions")] == ["T1", "T2", "T4"]
    strict = SOURCE.model_copy(update={"rejected_share_max": 0.01})
    broken = take_in(strict, bank.folder, bank.layout, currency="CNY").quality.broken
    assert "1 of 4 rows of transactions were rejected" in broken[0]
    assert not is_current(SOURCE, bank.folder, bank.layout, currency="USD")
