"""The tables keep their contracts and agree with one another."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from domain.tables import CONTRACTS

ARROW = {
    "string": "string",
    "float": "double",
    "timestamp": "timestamp[us]",
    "date": "date32[day]",
    "boolean": "bool",
}
Sql = duckdb.DuckDBPyConnection


def nothing(sql: Sql, query: str) -> None:
    rows = sql.execute(query).fetchall()
    assert rows == [], rows[:5]


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_table_has_the_columns_of_its_contract(bank: Path, name: str) -> None:
    schema = pq.read_schema(bank / f"{name}.parquet")
    assert [(field.name, str(field.type)) for field in schema] == [
        (column.name, ARROW[column.kind]) for column in CONTRACTS[name]
    ]


@pytest.mark.parametrize("name", CONTRACTS)
def test_keys_are_unique_and_required_columns_are_filled(sql: Sql, name: str) -> None:
    contract = CONTRACTS[name]
    key = ", ".join(contract.key)
    nothing(sql, f"select {key} from {name} group by {key} having count(*) > 1")
    empty = " or ".join(f"{column.name} is null" for column in contract if column.required)
    nothing(sql, f"select * from {name} where {empty}")


@pytest.mark.parametrize("name", CONTRACTS)
def test_values_are_in_their_ranges(sql: Sql, name: str) -> None:
    for column in CONTRACTS[name]:
        if column.low is not None:
            nothing(sql, f"select 1 from {name} where {column.name} < {column.low}")
        if column.high is not None:
            nothing(sql, f"select 1 from {name} where {column.name} > {column.high}")
        if column.values is not None:
            nothing(sql, f"select 1 from {name} where {column.name} not in {column.values}")


@pytest.mark.parametrize("name", ["transactions", "holdings", "service_events", "closures"])
def test_every_row_belongs_to_a_known_customer(sql: Sql, name: str) -> None:
    nothing(sql, f"select 1 from {name} anti join customers using (customer_id)")


def test_nothing_happens_before_joining_or_after_leaving(sql: Sql) -> None:
    for table, at in (("transactions", "posted_at"), ("service_events", "occurred_at")):
        nothing(
            sql,
            f"""select * from {table} join customers using (customer_id)
            left join closures using (customer_id)
            where {at} + interval 8 hour < onboarded_on
               or {at} + interval 8 hour >= closed_on""",
        )


def test_nothing_happens_outside_the_months_of_the_simulation(sql: Sql) -> None:
    for table, at in (("transactions", "posted_at"), ("service_events", "occurred_at")):
        nothing(
            sql,
            f"""select * from {table} where {at} + interval 8 hour < date '2024-01-01'
            or {at} + interval 8 hour >= date '2025-01-01'""",
        )
    nothing(sql, "select 1 from closures where closed_on >= date '2025-01-01'")
    nothing(sql, "select 1 from customers where onboarded_on >= date '2025-01-01'")
    nothing(sql, "select 1 from service_events where resolved_at >= timestamp '2024-12-31 16:00'")


def test_products_end_with_the_customer_and_never_before_they_begin(sql: Sql) -> None:
    nothing(sql, "select * from holdings where closed_on < opened_on")
    nothing(
        sql,
        """select * from holdings join closures using (customer_id)
        where holdings.closed_on is null or holdings.closed_on > closures.closed_on""",
    )
    nothing(
        sql,
        "select * from holdings join customers using (customer_id) where opened_on < onboarded_on",
    )


def test_each_balance_is_the_one_before_plus_the_amount(sql: Sql) -> None:
    nothing(
        sql,
        """select * from (
            select *, lag(balance_after) over (
                partition by customer_id order by posted_at, transaction_id) as before
            from transactions)
        where abs(balance_after - before - amount) > 0.001""",
    )


def test_leavers_take_everything_out_with_their_last_row(sql: Sql) -> None:
    rows = sql.execute(
        """select last(balance_after order by posted_at), last(category order by posted_at)
        from transactions join closures using (customer_id) group by customer_id"""
    ).fetchall()
    assert set(rows) == {(0.0, "closing")}


def test_no_amount_is_nothing_and_money_is_whole_cents(sql: Sql) -> None:
    nothing(sql, "select * from transactions where amount = 0")
    nothing(sql, "select * from transactions where abs(amount * 100 - round(amount * 100)) > 1e-3")


def test_rows_arrive_after_they_are_posted_and_mostly_within_a_day(sql: Sql) -> None:
    nothing(sql, "select * from transactions where available_at < posted_at")
    late = sql.execute(
        "select avg((available_at > posted_at + interval 1 day)::int) from transactions"
    ).fetchall()[0][0]
    assert 0.005 < late < 0.03


def test_the_bank_does_not_call_its_own_bookings_the_customers(sql: Sql) -> None:
    rows = sql.execute(
        "select distinct category from transactions where not initiated_by_customer"
    ).fetchall()
    assert {row[0] for row in rows} == {"salary", "loan", "fee", "interest"}


def test_most_customers_are_located_some_by_district_or_outlet_and_a_handful_not_at_all(
    sql: Sql,
) -> None:
    rows = sql.execute(
        """select latitude is not null and longitude is not null, district is not null,
        outlet_id is not null, count(*) from customers group by 1, 2, 3 order by 4 desc"""
    ).fetchall()
    assert [row[:3] for row in rows] == [
        (True, True, True),
        (False, True, True),
        (False, False, True),
        (False, False, False),
    ]


def test_homes_lie_in_a_county_sixty_kilometres_across(sql: Sql) -> None:
    nothing(
        sql,
        "select * from customers where latitude not between 30.45 and 31.15"
        " or longitude not between 120.3 and 121.1",
    )
    outlets, known = sql.execute(
        "select (select count(*) from outlets), count(distinct outlet_id) from customers"
        " semi join outlets using (outlet_id)"
    ).fetchall()[0]
    assert outlets == known == 10


def test_new_customers_begin_with_nothing_and_old_ones_with_some_money(sql: Sql) -> None:
    before = """select customer_id, first(balance_after - amount order by posted_at) as before
        from transactions group by customer_id"""
    nothing(
        sql,
        f"""select * from ({before}) join customers using (customer_id)
        where onboarded_on >= date '2024-01-01' and abs(before) > 0.001""",
    )
    nothing(
        sql,
        f"""select * from ({before}) join customers using (customer_id)
        where onboarded_on < date '2024-01-01' and before <= 0""",
    )


def test_few_accounts_are_overdrawn(sql: Sql) -> None:
    share = sql.execute("select avg((balance_after < 0)::int) from transactions").fetchall()[0][0]
    assert share < 0.03
