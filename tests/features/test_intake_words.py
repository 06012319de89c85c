"""The bank's own words: mapped where its tables are read, told where no feature knows them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from domain.tables import CONTRACTS
from features.door.sought import SOUGHT
from features.engine import open_tables
from features.intake import IntakeReport, take_in
from features.parts import table_files
from features.quality.measure import measure
from features.registry import FEATURES
from features.settings import SourceSettings

PEOPLE = (
    "customer_id,onboarded_on,sex,marketing_opt_out\n"
    "C1,2020-01-31,男,是\nC2,2020-01-31,女,否\nC3,2020-01-31,F,\n"
)
ROWS = (
    "transaction_id,customer_id,posted_at,amount,category,channel\n"
    "T1,C1,2026-01-05,5,工资,柜台\nT2,C2,2026-01-05,-5,买菜,\nT3,C3,2026-01-05,-5,,手机\n"
)
SEX = {"男": "M", "女": "F"}
OPT_OUT = {"是": "true", "否": "false"}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "out")


def taken(
    folder: Path,
    customers: dict[str, dict[str, str]] | None = None,
    transactions: dict[str, dict[str, str]] | None = None,
    people: str = PEOPLE,
    rows: str = ROWS,
    files: str = "transactions.csv",
) -> IntakeReport:
    (folder / "customers.csv").write_text(people, encoding="utf-8")
    (folder / "transactions.csv").write_text(rows, encoding="utf-8")
    told = {
        "customers": {"file": "customers.csv", "values": customers or {}},
        "transactions": {"file": files, "values": transactions or {}},
    }
    return take_in(SourceSettings.model_validate(told), folder, Layout(folder / "out"))


def column(layout: Layout, table: str, name: str) -> list[object]:
    files = table_files(layout.tables, table)
    values: list[object] = pa.concat_tables(map(pq.read_table, files))[name].to_pylist()
    return values


def test_the_banks_words_become_ours_where_its_tables_are_read(
    tmp_path: Path, layout: Layout
) -> None:
    categories = {"category": {"工资": "salary"}, "channel": {"柜台": "counter", "手机": "mobile"}}
    people = {"sex": SEX, "marketing_opt_out": OPT_OUT}
    report = taken(tmp_path, people, categories).require_sound()
    assert column(layout, "customers", "sex") == ["M", "F", "F"]
    assert column(layout, "customers", "marketing_opt_out") == [True, False, None]
    assert column(layout, "transactions", "category") == ["salary", "买菜", None]
    assert column(layout, "transactions", "channel") == ["counter", None, "mobile"]
    assert report.quality.findings == ()


def test_words_that_change_places_do_so_at_once(tmp_path: Path, layout: Layout) -> None:
    people = PEOPLE.replace("男", "F").replace("女", "M").replace(",是", ",").replace(",否", ",")
    taken(tmp_path, {"sex": {"F": "M", "M": "F"}}, people=people).require_sound()
    assert column(layout, "customers", "sex") == ["M", "F", "M"]


def test_another_map_reads_the_sources_again(tmp_path: Path, layout: Layout) -> None:
    people = PEOPLE.replace(",是", ",").replace(",否", ",")
    taken(tmp_path, {"sex": SEX}, people=people).require_sound()
    taken(tmp_path, {"sex": {"男": "X", "女": ""}}, people=people).require_sound()
    assert column(layout, "customers", "sex") == ["X", None, "F"]


def test_an_unknown_word_of_a_closed_list_costs_the_word_and_not_the_customer(
    tmp_path: Path, layout: Layout
) -> None:
    report = taken(tmp_path, {"marketing_opt_out": OPT_OUT}).require_sound()
    assert column(layout, "customers", "sex") == [None, None, "F"]
    (finding,) = [one for one in report.quality.findings if "sex" in one]
    assert "holds 2 values that are not one of F, M, X (first: '男' in row 2)" in finding
    assert "left empty" in finding
    assert 'sources.customers.values = { sex = { "男" = "..." } }' in finding
    assert report.quality.table("customers").rejected == 0
    measured = measure(open_tables(layout.tables), late_days=3, door=report.quality)
    (valid,) = [
        one
        for one in measured.bank
        if (one.table, one.column, one.dimension) == ("customers", "sex", "validity")
    ]
    assert (valid.checked, valid.good) == (3, 1)


def test_a_word_for_yes_that_nobody_mapped_is_refused_with_the_map_to_write(
    tmp_path: Path,
) -> None:
    report = taken(tmp_path, {"sex": SEX})
    assert not report.quality.sound
    assert 'sources.customers.values = { marketing_opt_out = { "是" = "..." } }' in str(
        report.quality.broken
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"gender": SEX}, "names 'gender', which is no column with words"),
        ({"onboarded_on": {"0": "2020-01-01"}}, "names 'onboarded_on', which is no column with"),
        ({"sex": {"男": "male"}}, "maps '男' to 'male'; write one of F, M, X"),
        ({"marketing_opt_out": {"是": "ja"}}, "maps '是' to 'ja'; write one of true"),
        ({"district": {"Pudong": "310115"}}, "has no column 'district'"),
    ],
)
def test_a_map_that_cannot_be_right_is_refused(
    tmp_path: Path, values: dict[str, dict[str, str]], words: str
) -> None:
    report = taken(tmp_path, values)
    assert words in report.quality.broken[0]
    with pytest.raises(BadInput, match="customers"):
        report.require_sound()


def test_words_that_no_feature_looks_for_are_told_once_a_column(tmp_path: Path) -> None:
    second = ROWS.splitlines()[0] + "\nT4,C1,2026-01-06,5,奖金,柜台\n"
    (tmp_path / "transactions_2.csv").write_text(second, encoding="utf-8")
    values = {"sex": SEX, "marketing_opt_out": OPT_OUT}
    report = taken(tmp_path, values, files="transactions*.csv").require_sound()
    found = report.quality.findings
    assert [one.partition(":")[0] for one in found] == [
        "transactions.category",
        "transactions.channel",
    ]
    assert "no delivered word is one that features look for: salary, pension" in found[0]
    assert "(first: '工资')" in found[0]
    assert 'sources.transactions.values = { category = { "..." = "salary" } }' in found[0]


@pytest.mark.parametrize(("salaries", "told"), [(0, True), (1, True), (2, False)])
def test_fewer_than_one_known_word_in_a_thousand_is_hardly_any(
    tmp_path: Path, salaries: int, told: bool
) -> None:
    lines = [f"T{at},C1,2026-01-05,5,{'salary' if at < salaries else '买菜'}" for at in range(2000)]
    rows = "transaction_id,customer_id,posted_at,amount,category\n" + "\n".join(lines) + "\n"
    values = {"sex": SEX, "marketing_opt_out": OPT_OUT}
    report = taken(tmp_path, values, rows=rows).require_sound()
    assert bool(report.quality.findings) is told
    if salaries:
        assert not told or "hardly any word (1 of 2,000 rows)" in report.quality.findings[0]


def test_the_words_looked_for_are_those_of_the_features() -> None:
    assert set(SOUGHT) <= {(name, one) for name, table in CONTRACTS.items() for one in table.names}
    held = {name.removeprefix("has_") for name in FEATURES if name.startswith("has_")}
    assert set(SOUGHT["holdings", "product"]) == held
