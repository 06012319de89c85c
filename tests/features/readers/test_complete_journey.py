"""The Complete Journey, against SQL over its files."""

from pathlib import Path

import duckdb
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from features.intake import take_in
from features.parts import table_files
from features.readers import complete_journey
from features.settings import SourceSettings

SETTINGS = SourceSettings(reader="complete_journey")
ZONE = "America/New_York"


@pytest.fixture(scope="module")
def views(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """`given_*` are the panel's files, `clean_*` the contract tables."""
    layout = Layout(tmp_path_factory.mktemp("journey"))
    source = shared_data / "complete_journey"
    quality = take_in(SETTINGS, source, layout, ZONE).require_sound().quality
    assert not any(table.rejected + table.duplicates for table in quality.tables)
    duck = duckdb.connect()
    for name in ("transactions", "products", "demographics", "campaigns"):
        duck.execute(f"CREATE VIEW given_{name} AS FROM '{source}/{name}.parquet'")
    for name in ("transactions", "customers", "service_events"):
        (file,) = table_files(layout.tables, name)
        duck.execute(f"CREATE VIEW clean_{name} AS FROM '{file}'")
    return duck


@pytest.mark.slow
def test_every_line_of_every_basket_is_a_debit(views: duckdb.DuckDBPyConnection) -> None:
    given = views.sql(
        "SELECT count(*), count(DISTINCT household_id), sum(sales_value), "
        "min(transaction_timestamp), max(transaction_timestamp) FROM given_transactions"
    ).fetchall()[0]
    clean = views.sql(
        "SELECT count(*), count(DISTINCT customer_id), -sum(amount), min(posted_at), "
        "max(posted_at) FROM clean_transactions"
    ).fetchall()[0]
    assert clean[:2] == given[:2] == (1_469_307, 2_469)
    assert clean[2] == pytest.approx(given[2], rel=1e-9)
    assert clean[3:] == given[3:]


@pytest.mark.slow
def test_the_home_store_and_the_first_day_are_those_of_the_first_basket(
    views: duckdb.DuckDBPyConnection,
) -> None:
    wrong = views.sql(
        "WITH first AS (SELECT household_id, store_id, transaction_timestamp AS seen, row_number() "
        "OVER (PARTITION BY household_id ORDER BY transaction_timestamp, basket_id) AS n "
        "FROM given_transactions) "
        "SELECT count(*) FROM first JOIN clean_customers ON customer_id = household_id::VARCHAR "
        "WHERE n = 1 AND (outlet_id <> store_id::VARCHAR OR onboarded_on <> "
        f"(seen AT TIME ZONE 'UTC' AT TIME ZONE '{ZONE}')::DATE)"
    ).fetchall()[0][0]
    assert wrong == 0
    count, asked = views.sql("SELECT count(*), count(income_band) FROM clean_customers").fetchall()[
        0
    ]
    assert (count, asked) == (2_469, 801)


@pytest.mark.slow
def test_departments_are_categories_and_campaigns_are_contacts(
    views: duckdb.DuckDBPyConnection,
) -> None:
    given = views.sql(
        "SELECT department, count(*) FROM given_transactions LEFT JOIN given_products "
        "USING (product_id) GROUP BY ALL"
    ).fetchall()
    clean = views.sql("SELECT category, count(*) FROM clean_transactions GROUP BY ALL").fetchall()
    assert dict(clean) == dict(given)
    contacts = views.sql("SELECT kind, count(*) FROM clean_service_events GROUP BY ALL").fetchall()
    assert contacts == [("contact", 6_589)]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"has no transactions\.parquet, products\.parquet"):
        list(complete_journey.read(SETTINGS, tmp_path, ZONE))
