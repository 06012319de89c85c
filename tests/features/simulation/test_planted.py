"""What is planted can be seen, where and when the truth says so, and nowhere else."""

import duckdb
import pytest

Sql = duckdb.DuckDBPyConnection

PER_CUSTOMER = """
    with there as (
        select customer_id, drift from customers_places join customers using (customer_id)
        left join closures using (customer_id)
        where onboarded_on < date '2024-10-01' and closed_on is null),
    months as (select unnest(['2024-10', '2024-11', '2024-12']) as month),
    sums as (
        select customer_id, strftime(posted_at + interval 8 hour, '%Y-%m') as month, {value} as v
        from transactions where posted_at >= timestamp '2024-09-30 16:00' and {rows}
        group by all)
    select coalesce(drift, 'none'), month, avg(coalesce(v, 0))
    from there cross join months left join sums using (customer_id, month) group by all"""


def per_customer(sql: Sql, value: str, rows: str = "true") -> dict[tuple[str, str], float]:
    found = sql.execute(PER_CUSTOMER.format(value=value, rows=rows)).fetchall()
    return {(drift, month): average for drift, month, average in found}


def change(seen: dict[tuple[str, str], float], drift: str, month: str) -> float:
    """Growth since October, against that of the undisturbed places."""
    own = seen[drift, month] / seen[drift, "2024-10"]
    return own / (seen["none", month] / seen["none", "2024-10"])


def test_a_closed_factory_stops_most_salaries(sql: Sql) -> None:
    seen = per_customer(sql, "sum(amount)", "category = 'salary'")
    assert change(seen, "factory", "2024-11") == pytest.approx(1.0, abs=0.1)
    assert change(seen, "factory", "2024-12") < 0.45
    assert change(seen, "wallet", "2024-12") == pytest.approx(1.0, abs=0.1)


def test_a_wallet_multiplies_purchases_by_mobile(sql: Sql) -> None:
    seen = per_customer(sql, "count(*)", "channel = 'mobile'")
    for month in ("2024-11", "2024-12"):
        assert change(seen, "wallet", month) > 1.5
        assert change(seen, "factory", month) == pytest.approx(1.0, abs=0.35)


def test_a_renovation_ends_counter_and_cash(sql: Sql) -> None:
    served = "(channel = 'counter' or category in ('cash_in', 'cash_out'))"
    seen = per_customer(sql, "count(*)", f"{served} and category <> 'closing'")
    assert change(seen, "renovation", "2024-11") == pytest.approx(1.0, abs=0.35)
    assert seen["renovation", "2024-12"] == 0
    assert seen["none", "2024-12"] > 0


def test_the_code_of_one_category_changes_everywhere_at_once(sql: Sql) -> None:
    rows = sql.execute(
        """select category, min(posted_at + interval 8 hour), max(posted_at + interval 8 hour)
        from transactions where category in ('groceries', 'food') group by 1"""
    ).fetchall()
    began = {name: first.strftime("%Y-%m-%d") for name, first, _ in rows}
    ended = {name: last.strftime("%Y-%m-%d") for name, _, last in rows}
    assert began == {"groceries": "2024-01-01", "food": "2024-11-01"}
    assert ended["groceries"] == "2024-10-31"
