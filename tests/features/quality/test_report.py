"""The quality report adds up."""

from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.layout import Layout
from features.intake import take_in
from features.quality.report import QualityReport, quality_rows
from features.settings import SourceSettings

SOURCE = SourceSettings.model_validate(
    {
        "customers": {"file": "customers.csv"},
        "transactions": {"file": "transactions.csv"},
        "rejected_share_max": 1,
    }
)
ROW = st.tuples(
    st.sampled_from(["T1", "T2", "T3", "T4", "T5", "T6", ""]),
    st.sampled_from(["C1", "C1", "C2", "C9", ""]),
    st.sampled_from(["2026-01-01", "2026-01-01", "2026-02-31", ""]),
    st.sampled_from(["1", "1", "2", "x", "inf", ""]),
)


def with_repeats(rows: list[tuple[str, ...]]) -> st.SearchStrategy[list[tuple[str, ...]]]:
    """The rows, and some of them again."""
    return st.lists(st.sampled_from(rows), min_size=4, max_size=12).map(lambda more: rows + more)


def report_of(folder: Path, rows: list[tuple[str, str, str, str]]) -> QualityReport:
    (folder / "customers.csv").write_text(
        "customer_id,onboarded_on\nC1,2020-01-01\nC2,2020-01-01\n", "utf-8"
    )
    lines = ["transaction_id,customer_id,posted_at,amount", *map(",".join, rows)]
    (folder / "transactions.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return take_in(SOURCE, folder, Layout(folder / "out")).quality


def acceptable(rows: list[tuple[str, str, str, str]]) -> list[tuple[str, str, str, str]]:
    """Rows that a plain reading of the contract lets in, repeats and all."""
    typed = [
        row for row in rows if row[0] and row[1] and row[2] == "2026-01-01" and row[3] in ("1", "2")
    ]
    contents: dict[str, set[tuple[str, str, str, str]]] = {}
    for row in typed:
        contents.setdefault(row[0], set()).add(row)
    return [row for row in typed if len(contents[row[0]]) == 1 and row[1] != "C9"]


@settings(max_examples=8, deadline=None)
@given(rows=st.lists(ROW, min_size=6, max_size=24).flatmap(with_repeats))
@example(rows=[])
def test_every_delivered_row_is_accepted_rejected_or_a_repeat(
    tmp_path_factory: object, rows: list[tuple[str, str, str, str]]
) -> None:
    import pytest

    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    seen = report_of(tmp_path_factory.mktemp("bank"), rows).table("transactions")
    # a line of separators alone is a row; the reader leaves out only what is blank throughout
    rows = [row for row in rows if any(row)]
    kept = acceptable(rows)
    assert seen.delivered == len(rows) == seen.accepted + seen.rejected + seen.duplicates
    assert seen.accepted == len(set(kept))
    assert seen.duplicates == len(kept) - len(set(kept))
    by_name = {one.column: one for one in seen.columns}
    assert by_name["posted_at"].not_parsable == sum(row[2] == "2026-02-31" for row in rows)
    assert by_name["posted_at"].missing == sum(row[2] == "" for row in rows)
    assert by_name["amount"].not_parsable == sum(row[3] == "x" for row in rows)
    assert by_name["amount"].out_of_range == sum(row[3] == "inf" for row in rows)
    assert by_name["channel"].missing == len(rows)


def test_the_rows_to_print_lead_with_the_table_and_name_the_first_example(tmp_path: Path) -> None:
    report = report_of(tmp_path, [("T1", "C1", "2026-01-01", "x")])
    rows = quality_rows(report)
    heads = [row for row in rows if not row.column]
    assert [(row.table, row.rows, row.rejected) for row in heads] == [
        ("customers", 2, 0),
        ("transactions", 1, 1),
    ]
    (amount,) = [row for row in rows if row.column == "amount"]
    assert amount.example == "'x' in row 2 of transactions.csv"
    assert amount.not_parsable == 1
    assert "table 'transactions' has no row that can be used" in report.broken[-1]
