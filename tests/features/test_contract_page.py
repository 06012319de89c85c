"""docs/contract.md tells what the door does."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.contract_page import contract_page, permitted
from domain.layout import Layout
from domain.tables import CONTRACTS
from features.intake import take_in
from features.parts import table_files
from features.settings import SourceSettings

LIMITED = [
    (name, column.name)
    for name, table in CONTRACTS.items()
    for column in table
    if column.low is not None or column.values is not None
]
GOOD = {"string": "a", "float": "1", "timestamp": "2026-01-05 10:00", "date": "2026-01-05"}


def row(table: str, **told: str) -> str:
    needed = {one.name: GOOD[one.kind] for one in CONTRACTS[table] if one.required} | told
    return f"{','.join(needed)}\n{','.join(needed.values())}\n"


@pytest.mark.parametrize(("table", "column"), LIMITED)
def test_what_becomes_of_a_value_that_is_not_permitted_is_what_the_page_says(
    tmp_path: Path, table: str, column: str
) -> None:
    for name in CONTRACTS:
        bad = {column: "1e13"} if name == table else {}
        (tmp_path / f"{name}.csv").write_text(row(name, **bad), encoding="utf-8")
    sections = {name: {"file": f"{name}.csv"} for name in CONTRACTS}
    settings = SourceSettings.model_validate({**sections, "rejected_share_max": 1.0})
    layout = Layout(tmp_path / "out")
    report = take_in(settings, tmp_path, layout)
    assert any(repr(column) in one for one in (*report.quality.findings, *report.quality.broken))
    told = permitted(CONTRACTS[table].column(column)).partition("; ")[2]
    if told.startswith("the row"):
        assert report.quality.table(table).rejected == 1
        return
    report.require_sound()
    (value,) = pa.concat_tables(map(pq.read_table, table_files(layout.tables, table)))[column]
    assert value.as_py() == (1e13 if told.startswith("others are kept") else None)


def test_every_column_of_every_table_is_on_the_page() -> None:
    sections = contract_page().split("\n## ")[1:]
    assert len(sections) >= len(CONTRACTS)
    for section, (name, table) in zip(sections, CONTRACTS.items(), strict=False):
        lines = [line for line in section.splitlines() if line.startswith("| `")]
        assert section.startswith(name)
        assert [line.split("`")[1] for line in lines] == [*table.names]
        assert [("| yes |" in line) for line in lines] == [one.required for one in table]
