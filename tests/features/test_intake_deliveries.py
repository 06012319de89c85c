"""Deliveries in any order, number and cutting give the same bytes."""

import tempfile
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.layout import Layout
from features.door import groups
from features.intake import take_in
from features.parts import table_files
from features.settings import SourceSettings

SOURCE = SourceSettings.model_validate(
    {
        "customers": {"file": "customers*.csv"},
        "transactions": {"file": "transactions*.csv"},
        "holdings": {"file": "holdings.csv"},
        "closures": {"file": "closures.csv"},
    }
)
PEOPLE = [f"C{at},2020-01-{at + 1:02d},,F" for at in range(6)]
ROWS = [f"T{at:02d},C{at % 6},2026-01-{1 + at % 3:02d} 10:00:00,{at - 7}.5," for at in range(20)]
HOLDINGS = ["C1,loan,2021-05-01", "C0,card,2021-05-01", "C1,card,2021-05-01"]
CLOSURES = ["C3,2026-02-01", "C2,2026-02-01"]

Lines = list[str]


def write(folder: Path, name: str, header: str, lines: Lines) -> None:
    (folder / name).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def delivered(folder: Path, people: list[Lines], rows: list[Lines]) -> dict[str, str]:
    """Hashes of the tables after the given deliveries."""
    for at, lines in enumerate(people):
        write(folder, f"customers_{at}.csv", "customer_id,onboarded_on,birth_date,sex", lines)
    header = "transaction_id,customer_id,posted_at,amount,balance_after"
    for at, lines in enumerate(rows):
        write(folder, f"transactions_{at}.csv", header, lines)
    write(folder, "holdings.csv", "customer_id,product,opened_on", HOLDINGS)
    write(folder, "closures.csv", "customer_id,closed_on", CLOSURES)
    record = take_in(SOURCE, folder, Layout(folder / "out")).require_sound().record
    assert record is not None
    return record.data_hashes


@pytest.fixture(scope="module")
def once() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        return delivered(Path(folder), [PEOPLE], [ROWS])


def shuffled_with_repeats(lines: Lines) -> st.SearchStrategy[Lines]:
    repeats = st.lists(st.sampled_from(lines), max_size=8)
    return repeats.flatmap(lambda more: st.permutations([*lines, *more]))


@settings(max_examples=15, deadline=None)
@given(
    people=shuffled_with_repeats(PEOPLE),
    rows=shuffled_with_repeats(ROWS),
    cuts=st.lists(st.integers(0, len(ROWS)), max_size=3).map(sorted),
)
def test_order_repetition_and_cutting_of_deliveries_never_change_a_byte(
    once: dict[str, str], people: Lines, rows: Lines, cuts: list[int]
) -> None:
    edges = [0, *cuts, len(rows)]
    parts = [rows[low:high] for low, high in pairwise(edges)]
    with tempfile.TemporaryDirectory() as folder:
        assert delivered(Path(folder), [people], parts) == once


def test_a_second_delivery_is_counted_and_changes_nothing(
    tmp_path: Path, once: dict[str, str]
) -> None:
    again = delivered(tmp_path, [PEOPLE, PEOPLE], [ROWS, ROWS[:5]])
    assert again == once
    report = take_in(SOURCE, tmp_path, Layout(tmp_path / "out")).quality
    assert (report.table("customers").delivered, report.table("customers").duplicates) == (12, 6)
    assert report.table("transactions").duplicates == 5
    assert report.sound


def test_the_same_money_written_otherwise_is_the_same_row(
    tmp_path: Path, once: dict[str, str]
) -> None:
    zero = "T99,C1,2026-01-01,{},"
    plain = delivered(tmp_path, [PEOPLE], [ROWS, [zero.format("0")]])
    for many in (["-0", "0.0"], ["0", "-0.00"], ["-0"]):
        assert delivered(tmp_path, [PEOPLE], [ROWS, [zero.format(one) for one in many]]) == plain
    again = [line.replace(".5,", ".50,").replace(" 10:00:00", "T10:00:00Z") for line in ROWS]
    assert delivered(tmp_path, [PEOPLE], [ROWS, again]) == once


def test_rows_beyond_one_group_are_written_in_groups_of_one_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, once: dict[str, str]
) -> None:
    monkeypatch.setattr(groups, "GROUP_ROWS", 3)
    cut = delivered(tmp_path, [PEOPLE], [ROWS])
    (clean,) = table_files(tmp_path / "out" / "tables", "transactions")
    found = duckdb.sql(
        "SELECT DISTINCT row_group_id, row_group_num_rows "
        f"FROM parquet_metadata('{clean}') ORDER BY 1"
    ).fetchall()
    assert [rows for _, rows in found] == [3, 3, 3, 3, 3, 3, 2]
    assert cut.keys() == once.keys()


@pytest.mark.slow
def test_more_rows_than_the_memory_holds_are_sorted_on_disk(
    tmp_path: Path,
) -> None:
    count = 450_000
    draw = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "transaction_id": [f"T{at:09d}" for at in draw.permutation(count)],
            "customer_id": [f"C{at}" for at in draw.integers(0, 2000, count)],
            "posted_at": pd.Timestamp("2026-01-01")
            + pd.to_timedelta(draw.integers(0, 10**7, count), unit="s"),
            "amount": draw.normal(0, 100, count),
        }
    )
    frame.to_parquet(tmp_path / "transactions.parquet")
    people = pd.DataFrame({"customer_id": [f"C{at}" for at in range(2000)]})
    people.assign(onboarded_on=pd.Timestamp("2020-01-01")).to_parquet(
        tmp_path / "customers.parquet"
    )
    layout = Layout(tmp_path / "out")
    settings = SourceSettings.model_validate(
        {
            "customers": {"file": "customers.parquet"},
            "transactions": {"file": "transactions.parquet"},
        }
    )
    memory = "50MB"  # two threads need 37, and from 60 on nothing is spilled
    take_in(settings, tmp_path, layout, memory=memory).require_sound()
    clean = pd.read_parquet(layout.tables / "transactions")
    oracle = frame.sort_values(["customer_id", "posted_at", "transaction_id"], ignore_index=True)
    for column in frame:
        assert (clean[column] == oracle[column]).all()


@settings(max_examples=60, deadline=None)
@given(
    moment=st.datetimes(
        min_value=pd.Timestamp("1971-01-01").to_pydatetime(),
        max_value=pd.Timestamp("2037-12-31").to_pydatetime(),
    ),
    zone=st.sampled_from(["Europe/Prague", "America/New_York", "Asia/Shanghai", "Pacific/Apia"]),
)
def test_local_times_become_utc_as_the_standard_library_has_it(moment: object, zone: str) -> None:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from features.door.clock import times
    from features.door.text import Form

    assert isinstance(moment, datetime)
    read = times(pd.Series([moment.isoformat(sep=" ")]), Form(timezone=zone))
    there = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    exists = there.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == moment
    if exists:
        assert read.values[0] == pd.Timestamp(there).tz_localize(None)
    else:
        assert len(read.bad[f"a time that the clocks of {zone} skipped"]) == 1


def test_clocks_that_change_are_known_by_name() -> None:
    from features.door.clock import times
    from features.door.text import Form

    given_times = pd.Series(["2026-03-29 02:30", "2026-10-25 02:30", "2026-03-29 03:00"])
    read = times(given_times, Form(timezone="Europe/Prague"))
    assert read.values.astype(str).tolist() == [
        "NaT",
        "2026-10-25 00:30:00",  # shown twice; the earlier of the two
        "2026-03-29 01:00:00",
    ]
    assert read.bad["a time that the clocks of Europe/Prague skipped"].tolist() == [0]
