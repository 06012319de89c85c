"""Which delivery is bad: every share by source, against plain counting over the raw files."""

import shutil
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.layout import Layout
from features.correction_files import keep, read_replay
from features.engine import open_tables
from features.intake import IntakeReport, take_in
from features.quality.behind import behind
from features.quality.measure import measure
from features.quality.measured import Counted, Measured, shares
from features.quality.page import QualityPage, page
from features.quality.report import QualityReport, TableQuality
from features.quality.rules import rules
from features.quality.source_section import source_section
from features.settings import QualitySettings, SourceSettings

SOURCE = SourceSettings.model_validate(
    {
        "customers": {"file": "customers*.csv"},
        "transactions": {"file": "transactions*.csv"},
        "closures": {"file": "closures*.csv"},
        "rejected_share_max": 1,
    }
)
HEADERS = {
    "customers": "customer_id,onboarded_on,birth_date",
    "transactions": "transaction_id,customer_id,posted_at,amount,channel,available_at",
    "closures": "customer_id,closed_on",
}
LATE_DAYS = 2.0
KEYS = {"customers": "customer_id", "transactions": "transaction_id"}
Files = dict[str, list[str]]


def deliver(folder: Path, files: Files) -> None:
    """Write the files; the table of each is the beginning of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        header = HEADERS[name.rstrip("0123456789")]
        (folder / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n", "utf-8")


def taken(folder: Path, files: Files) -> tuple[IntakeReport, Measured]:
    """The report and the measures of the files beside those that are there already."""
    deliver(folder / "bank", files)
    layout = Layout(folder / "out")
    report = take_in(SOURCE, folder / "bank", layout).require_sound()
    return report, measure(open_tables(layout.tables), LATE_DAYS, door=report.quality)


def figures(measured: Measured) -> pd.DataFrame:
    """The counts of each source."""
    rows = measured.rows
    return rows[rows.source != "all"].set_index(["table", "column", "rule", "source"])


PEOPLE = st.lists(
    st.tuples(
        st.sampled_from(["C1", "C2", "C3", "C4", ""]),
        st.sampled_from(["2020-01-03", "2020-01-03", "2020-02-31"]),
        st.sampled_from(["", "1980-05-05", "2021-05-05", "1780-05-05"]),
    ),
    max_size=6,
)
# the contents of an id are its own, so that what comes again is a repeat and no conflict
POSTED = st.lists(
    st.tuples(
        st.integers(0, 11),
        st.sampled_from(["", "C1", "C1", "C2", "C3", "C9"]),
        st.sampled_from(["2020-01-02", "2020-01-03", "2020-01-09", "2020-13-01", ""]),
        st.sampled_from(["1", "-2", "x", "inf", ""]),
        st.sampled_from(["atm", ""]),
        st.sampled_from(["2020-01-01", "2020-01-10", "2020-01-20", ""]),
    ),
    max_size=12,
    unique_by=lambda row: row[0],
)
WHICH = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 11)), max_size=24)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(PEOPLE, POSTED, WHICH)
def test_the_figures_of_every_source_are_those_of_its_raw_file(
    tmp_path_factory: pytest.TempPathFactory,
    people: list[tuple[str, ...]],
    posted: list[tuple],
    which: list[tuple[int, int]],
) -> None:
    first = dict.fromkeys(row[0] for row in people)
    people = [next(row for row in people if row[0] == who) for who in first]  # no conflicts
    rows = {number: ",".join([f"T{number}", *rest]) for number, *rest in posted}
    files: Files = {f"transactions{at}": [] for at in (1, 2, 3)}
    files["transactions1"] += ["T99,C0,2020-01-05,1,,"]  # a table must have a row
    for file, number in which:
        files[f"transactions{file}"] += [rows[number]] if number in rows else []
    files["customers1"] = ["C0,2020-01-03,", *map(",".join, people[::2])]
    files["customers2"] = [*map(",".join, people[1::2]), *map(",".join, people[:1])]
    files["closures1"] = []
    folder = tmp_path_factory.mktemp("bank")
    report, measured = taken(folder, files)
    assert_counts(report.quality, folder / "bank")
    assert_figures(measured, folder / "bank")
    assert_sources_add_up(report.quality, measured)


def raw(folder: Path, table: str) -> pd.DataFrame:
    """The rows of all files as text, in the order of reading, with what the door makes of each."""
    frames = [
        pd.read_csv(path, dtype=str, keep_default_na=False).assign(source=path.name)
        for path in sorted(folder.glob(f"{table}*.csv"))
    ]
    rows = pd.concat(frames, ignore_index=True)
    if table == "customers":
        good = (rows.customer_id != "") & (rows.onboarded_on == "2020-01-03")
    else:
        known = set(accepted(raw(folder, "customers")).customer_id)
        good = rows.customer_id.isin(known) & rows.amount.isin(["1", "-2"])
        good &= rows.posted_at.isin(["2020-01-02", "2020-01-03", "2020-01-05", "2020-01-09"])
    again = rows[good].duplicated(KEYS[table])
    rows["verdict"] = "rejected"
    rows.loc[again.index, "verdict"] = np.where(again, "repeat", "accepted")
    return rows


def accepted(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows.verdict == "accepted"]


def assert_counts(report: QualityReport, folder: Path) -> None:
    """Delivered, accepted, rejected and repeated rows of each file are those of plain reading."""
    for table in ("customers", "transactions"):
        rows = raw(folder, table)
        for one in report.sources:
            if one.table == table:
                seen = rows[rows.source == one.source].verdict.value_counts()
                found = (one.accepted, one.rejected, one.duplicates, one.delivered)
                expected = [seen.get(name, 0) for name in ("accepted", "rejected", "repeat")]
                assert found == (*expected, sum(expected)), one.source


def assert_figures(measured: Measured, folder: Path) -> None:
    """Each rule's counts of each file are those of plain reading."""
    posted, people = raw(folder, "transactions"), raw(folder, "customers")
    joined = pd.Timestamp("2020-01-03")
    good = accepted(posted).copy()
    at, arrived = pd.to_datetime(good.posted_at), pd.to_datetime(good.available_at)
    good["after"], good["arrives"] = at >= joined, arrived >= at
    good["late"] = arrived > at + pd.Timedelta(days=LATE_DAYS)
    born = accepted(people)[accepted(people).birth_date != ""].copy()
    born["right"] = born.birth_date == "1980-05-05"
    there = good[good.available_at != ""]
    given = posted[posted.amount != ""]
    wrong = accepted(people).assign(right=~accepted(people).birth_date.isin(WRONG_BIRTHS))
    refused = people[people.verdict == "rejected"].assign(right=False)
    expected = {
        ("transactions", "posted_at", "posted no earlier than the customer joined"): (
            good.source,
            good.after,
        ),
        ("transactions", "available_at", "arrived no earlier than posted"): (
            there.source,
            there.arrives,
        ),
        ("transactions", "available_at", "in the warehouse within 2 days"): (
            there.source,
            ~there.late,
        ),
        ("transactions", "amount", "inside the contract"): (
            given.source,
            given.amount.isin(["1", "-2"]),
        ),
        ("transactions", "channel", "known"): (posted.source, posted.channel != ""),
        ("transactions", "transaction_id", "delivered once"): (
            posted[posted.verdict != "rejected"].source,
            posted.verdict == "accepted",
        ),
        ("customers", "birth_date", "born before joining, at most 120 years"): (
            born.source,
            born.right,
        ),
        ("customers", "", "record is valid, consistent and no repeat"): (
            pd.concat([wrong, refused]).source,
            pd.concat([wrong, refused]).right,
        ),
    }
    found = figures(measured)
    for (table, column, rule), (source, right) in expected.items():
        counts = right[source.index].groupby(source).agg(["size", "sum"])
        ours = found[found.index.get_level_values("rule") == rule].reset_index()
        ours = ours[(ours.table == table) & (ours.column == column)]
        assert {one.source: (one.checked, one.good) for one in ours.itertuples()} == {
            name: (size, total) for name, size, total in counts.itertuples(name=None)
        }, rule


WRONG_BIRTHS = ["2021-05-05", "1780-05-05"]


def assert_sources_add_up(report: QualityReport, measured: Measured) -> None:
    """Counts of the sources of a table come to those of the table; days have no source."""
    for table in report.tables:
        ours = [one for one in report.sources if one.table == table.table]
        for name in ("delivered", "accepted", "rejected", "duplicates", "unknown", "conflicts"):
            assert sum(getattr(one, name) for one in ours) == getattr(table, name), name
        for at, column in enumerate(table.columns):
            for name in ("missing", "not_parsable", "out_of_range", "suspicious"):
                parts = [getattr(one.columns[at], name) for one in ours]
                assert sum(parts) == getattr(column, name), (column, name)
    where = ["table", "column", "rule", "dimension"]
    rows = measured.rows[~measured.rows.rule.str.startswith("days with rows")]
    whole = rows[(rows.source == "all") & (rows.cell_id == "all")].set_index(where)
    parts = rows[rows.source != "all"].groupby(where)[["checked", "good"]].sum()
    pd.testing.assert_frame_equal(
        whole[["checked", "good"]].sort_index(), parts.sort_index(), check_dtype=False
    )


def night(at: int, bad: int = 0, rows: int = 200) -> list[str]:
    """A night's transactions; the amounts of the first `bad` are no numbers."""
    return [
        f"T{at}-{number},C1,2020-01-0{at},{'oops' if number < bad else 5},atm,"
        for number in range(rows)
    ]


class Night(NamedTuple):
    """The folder of a bank, and what was said of its deliveries."""

    folder: Path
    report: IntakeReport
    measured: Measured


NIGHTS: Files = {
    "customers1": ["C1,2020-01-01,1980-05-05"],
    "closures1": [],
    **{f"transactions{at}": night(at) for at in (1, 2, 4)},
    "transactions3": night(3, bad=20),
}


@pytest.fixture(scope="module")
def four_nights(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The four nights, taken in and measured."""
    folder = tmp_path_factory.mktemp("nights")
    return Night(folder, *taken(folder, NIGHTS))


@pytest.fixture
def nights(tmp_path: Path, four_nights: Night) -> Night:
    """A copy of those nights."""
    shutil.copytree(four_nights.folder, tmp_path, dirs_exist_ok=True)
    return four_nights._replace(folder=tmp_path)


def test_a_bad_file_among_good_ones_is_found_and_shown(four_nights: Night) -> None:
    _, report, measured = four_nights
    worst = behind(measured)[0]
    assert (worst.measure.source, worst.measure.column) == ("transactions3.csv", "amount")
    assert (worst.measure.checked, worst.measure.good) == (200, 180)
    assert (worst.rest.checked, worst.rest.good) == (600, 600)
    assert {one.measure.source for one in behind(measured)} == {"transactions3.csv"}
    text = page(QualityPage("bank", report.quality, measured, QualitySettings()))
    assert "1 source is surely behind the others of the table" in text
    shown = text.partition('id="sources"')[2]
    assert shown.index("transactions3.csv") < shown.index("transactions1.csv")
    assert "200 delivered, 20 rejected, 0 repeats" in shown


def test_a_file_that_brings_the_rows_of_another_again_has_the_repeats(
    nights: Night,
) -> None:
    tmp_path = nights.folder
    report, measured = taken(tmp_path, {"transactions5": [*night(2), *night(5, rows=50)]})
    assert report.growth("transactions").gone == ()  # the old files were not read again
    sources = {one.source: one for one in report.quality.sources}
    again, before = sources["transactions5.csv"], sources["transactions2.csv"]
    assert (again.accepted, again.duplicates) == (50, 200)
    assert (before.accepted, before.duplicates) == (200, 0)
    found = figures(measured).xs("delivered once", level="rule").droplevel([0, 1])
    assert (found.checked["transactions5.csv"], found.good["transactions5.csv"]) == (250, 50)
    whole = Layout(tmp_path / "whole")
    at_once = take_in(SOURCE, tmp_path / "bank", whole).quality
    assert report.quality == at_once
    deliver(tmp_path / "bank", {"transactions6": night(2)})
    report = take_in(SOURCE, tmp_path / "bank", Layout(tmp_path / "out"))
    sources = {one.source: one for one in report.quality.sources}
    assert [sources[f"transactions{at}.csv"].duplicates for at in (2, 5, 6)] == [0, 200, 200]


def test_a_replayed_row_counts_for_the_file_that_delivered_it(nights: Night) -> None:
    tmp_path = nights.folder
    layout = Layout(tmp_path / "out")
    mended = tmp_path / "mended" / "transactions.csv"
    mended.parent.mkdir()
    refused = (layout.quarantine / "transactions.csv").read_text("utf-8")
    mended.write_text(refused.replace("oops", "5"), "utf-8")
    keep(read_replay(mended), layout)
    report, measured = taken(tmp_path, {})
    source = next(one for one in report.quality.sources if one.source == "transactions3.csv")
    assert (source.accepted, source.rejected) == (200, 0)
    assert behind(measured) == ()
    assert_sources_add_up(report.quality, measured)


def test_rows_that_conflict_are_refused_of_each_of_their_files(tmp_path: Path) -> None:
    deliver(tmp_path / "bank", NIGHTS | {"transactions5": ["T1-0,C1,2020-01-01,6,atm,"]})
    report = take_in(SOURCE, tmp_path / "bank", Layout(tmp_path / "out")).quality
    assert not report.sound
    conflicts = {one.source: one.conflicts for one in report.sources if one.conflicts}
    assert conflicts == {"transactions1.csv": 1, "transactions5.csv": 1}


def test_a_cell_is_of_all_sources_and_a_source_of_all_cells(tmp_path: Path) -> None:
    people = [f"C{at},2020-01-01,{'2021-05-05' if at < 3 else ''}" for at in range(8)]
    posted = [f"T{at},C{at},2020-01-0{2 if at % 2 else 1},5,atm," for at in range(8)]
    files = {"customers1": people[:4], "customers2": people[4:], "transactions1": posted}
    deliver(tmp_path / "bank", files | {"closures1": []})
    layout = Layout(tmp_path / "out")
    door = take_in(SOURCE, tmp_path / "bank", layout).quality
    cells = pd.DataFrame(
        {"customer_id": [f"C{at}" for at in range(8)], "cell_id": list("aabbaabb")}
    )
    measured = measure(open_tables(layout.tables), LATE_DAYS, cells, door)
    rows = measured.rows[measured.rows.dimension == "accuracy"]
    found = {(one.cell_id, one.source): (one.checked, one.good) for one in rows.itertuples()}
    assert found == {
        ("all", "all"): (8, 5),
        ("a", "all"): (4, 2),
        ("b", "all"): (4, 3),
        ("all", "customers1.csv"): (4, 1),
        ("all", "customers2.csv"): (4, 4),
    }
    assert [one.cell_id for one in measured.cells] == ["a", "b"]


def of_counts(counts: dict[str, tuple[int, int]]) -> Measured:
    """Measures of one figure: of each source how many were checked and how many are right."""
    rule = rules("transactions", LATE_DAYS)[0]
    found = [Counted(rule, "all", source, *count) for source, count in counts.items()]
    return Measured(shares(found), ())


@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_where_all_sources_are_alike_none_is_told_in_95_of_100_deliveries(share: float) -> None:
    rng = np.random.default_rng(7)
    sizes = {f"{at}.csv": (8, 200, 3_000)[at % 3] for at in range(39)}
    told = 0
    for _ in range(200):
        counts = {name: (n, int(rng.binomial(n, share))) for name, n in sizes.items()}
        told += bool(behind(of_counts(counts)))
    assert told <= 18  # 5 % are 10; 19 and more of 200 have a chance below 1 %


def test_the_source_whose_interval_is_furthest_below_the_others_leads() -> None:
    found = behind(of_counts({"a": (1000, 990), "b": (1000, 700), "c": (1000, 300), "d": (9, 0)}))
    assert found[0].measure.source == "c"
    assert found[0].apart == pytest.approx(max(one.apart for one in found))
    assert behind(of_counts({"a": (1000, 700)})) == ()  # nothing to compare with
    assert behind(of_counts({"a": (5, 4), "b": (1000, 990)})) == ()  # too few to say


def test_names_of_files_are_escaped_and_one_source_needs_no_section() -> None:
    def one(source: str) -> TableQuality:
        return TableQuality(table="closures", source=source, delivered=3, accepted=3)

    table = TableQuality(table="closures", delivered=6, accepted=6)
    several = QualityReport(tables=(table,), sources=(one("<b>.csv"), one("2.csv")))
    measured = of_counts({"<b>.csv": (900, 9), "2.csv": (900, 900)})
    text = source_section(several, measured)
    assert "&lt;b&gt;.csv" in text
    assert "<b>" not in text
    assert source_section(QualityReport(tables=(table,), sources=(one("2.csv"),)), None) == ""


def test_of_very_many_sources_the_worst_are_shown() -> None:
    ours = [
        TableQuality(table="closures", source=f"{at}.csv", delivered=9, accepted=9 - (at == 700))
        for at in range(1_000)
    ]
    ours[700] = ours[700].model_copy(update={"rejected": 1})
    table = TableQuality(table="closures", delivered=9_000, accepted=8_999, rejected=1)
    text = source_section(QualityReport(tables=(table,), sources=tuple(ours)), None)
    assert text.count("<tr") == 1 + 100
    assert text.index("700.csv") < text.index(">0.csv")
    assert "and 900 more" in text


def test_tables_of_no_intake_have_no_sources(tmp_path: Path, four_nights: Night) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(four_nights.folder / "out" / "tables", bare)
    (bare / "intake.json").unlink()
    for path in [*bare.glob("*.parquet"), *bare.glob("*/*.parquet")]:
        pd.read_parquet(path).drop(columns="source_file").to_parquet(path)
    measured = measure(open_tables(bare), LATE_DAYS)
    assert measured.sources == ()
    assert measured.accuracy.checked == 1
    assert measured.freshness[0].last == date(2020, 1, 4)
