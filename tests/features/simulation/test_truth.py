"""The truth that is written is the truth by which the tables were made."""

import json
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy.stats import mannwhitneyu, ttest_ind

from domain.cutoffs import month_starts
from features.customer import customer_features
from features.engine import frame_of, open_tables

Sql = duckdb.DuckDBPyConnection
LEFT_IN_MONTH = "coalesce(closed_on >= month and closed_on < month + interval 1 month, false)"


def test_as_many_leave_as_the_probabilities_say(sql: Sql) -> None:
    expected, variance, seen, share = sql.execute(
        f"""select sum(leave_probability), sum(leave_probability * (1 - leave_probability)),
        sum({LEFT_IN_MONTH}::int), avg({LEFT_IN_MONTH}::int)
        from customer_months left join closures using (customer_id)"""
    ).fetchall()[0]
    assert abs(seen - expected) < 4 * np.sqrt(variance)
    assert 0.007 < share < 0.017


def test_probabilities_are_right_at_every_level(sql: Sql) -> None:
    rows = sql.execute(
        f"""with ranked as (select leave_probability as p, {LEFT_IN_MONTH}::int as y,
            ntile(10) over (order by leave_probability) as tenth
            from customer_months left join closures using (customer_id))
        select sum(p), sum(y), sum(p * (1 - p)) from ranked group by tenth"""
    ).fetchall()
    z = [(seen - expected) / np.sqrt(variance) for expected, seen, variance in rows]
    assert max(map(abs, z)) < 4.0


def test_the_forward_probability_is_right_and_ranks_the_leavers(sql: Sql) -> None:
    rows = sql.execute(
        """select month, leave_90d_after_30d_probability,
            coalesce(closed_on < month + interval 4 month, false)
        from customer_months left join closures using (customer_id)
        where month + interval 4 month <= date '2025-01-01'
          and coalesce(closed_on >= month + interval 1 month, true)"""
    ).fetchnumpy()
    months, probability, left = rows.values()
    for month in np.unique(months):
        p, y = probability[months == month], left[months == month].astype(bool)
        assert abs(y.sum() - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())
    left = left.astype(bool)
    pairs = float(left.sum()) * float((~left).sum())
    auc = mannwhitneyu(probability[left], probability[~left]).statistic / pairs
    assert 0.80 < auc < 0.93


@pytest.mark.parametrize("driver", ["salary_gone", "complaint_open", "competitor_open"])
def test_more_leave_where_a_driver_is_present(sql: Sql, driver: str) -> None:
    rate = dict(
        sql.execute(
            f"""select {driver}, avg({LEFT_IN_MONTH}::int)
            from customer_months left join closures using (customer_id) group by 1"""
        ).fetchall()
    )
    assert rate[True] > 1.15 * rate[False]


def test_the_longer_one_fades_the_likelier_one_leaves(sql: Sql) -> None:
    rows = sql.execute(
        f"""select least(fading_months, 5) // 2, avg({LEFT_IN_MONTH}::int)
        from customer_months left join closures using (customer_id) group by 1 order by 1"""
    ).fetchall()
    rates = [row[1] for row in rows]
    assert rates == sorted(rates)
    assert rates[-1] > 10 * rates[0]


def test_leavers_are_quieter_in_the_months_before(sql: Sql) -> None:
    """Own rows 31 to 60 days before leaving, against those of others on the same days."""
    leavers, others = sql.execute(
        """with days as (select customer_id, closed_on from closures
              join customers using (customer_id)
              where closed_on >= date '2024-04-01' and onboarded_on < date '2024-01-01'),
        counts as (select customer_id, closed_on as day,
              date_diff('day', posted_at, closed_on) between 31 and 60 as recent
              from days join transactions using (customer_id) where initiated_by_customer),
        stayers as (select count(*) * 1.0 / (select count(*) from customers
              anti join closures using (customer_id) where onboarded_on < date '2024-01-01') / 12 n
              from transactions anti join closures using (customer_id)
              semi join (select * from customers where onboarded_on < date '2024-01-01')
                  using (customer_id) where initiated_by_customer)
        select (select count(*) filter (recent) * 1.0 from counts) / (select count(*) from days),
               (select n from stayers)"""
    ).fetchall()[0]
    assert leavers < 0.75 * others


def test_some_contacts_help_and_some_harm(sql: Sql) -> None:
    harmed, spread = sql.execute(
        "select avg((log_odds > 0)::int), stddev(log_odds) from contact_effect"
    ).fetchall()[0]
    assert 0.05 < harmed < 0.4
    assert spread > 0.4


def test_a_contact_works_only_in_the_three_months_after_it(sql: Sql) -> None:
    rows = sql.execute(
        """with contact as (select distinct customer_id,
            date_trunc('month', occurred_at + interval 8 hour)::date as called
            from service_events where kind = 'contact')
        select months.contact_log_odds <> 0 as works,
            bool_or(date_diff('month', called, month) between 1 and 3) as due, count(*)
        from customer_months months left join contact using (customer_id)
        group by months.customer_id, month, works, months.contact_log_odds"""
    ).fetchall()
    assert {(works, bool(due)) for works, due, _ in rows} == {(True, True), (False, False)}


def test_the_truth_has_every_customer_of_every_month_start(sql: Sql) -> None:
    for month in month_starts(date(2024, 1, 1), date(2024, 12, 1)):
        known, there = sql.execute(
            """select (select count(*) from customer_months where month = $1),
            (select count(*) from customers left join closures using (customer_id)
             where onboarded_on < $1 and coalesce(closed_on >= $1, true))""",
            [month],
        ).fetchall()[0]
        assert known == there


def test_planted_changes_name_their_places_and_months(bank: Path, sql: Sql) -> None:
    drift = json.loads((bank / "truth" / "drift.json").read_text())
    months = {row["drift"]: row["from_month"] for row in drift["places"]}
    assert months == {"wallet": "2024-11-01", "factory": "2024-12-01", "renovation": "2024-12-01"}
    named = {(row["place"], row["drift"]) for row in drift["places"]}
    touched = sql.execute(
        "select distinct place, drift from customers_places where drift is not null"
    ).fetchall()
    assert named == set(touched)
    rivals = {
        row[0]
        for row in sql.execute(
            "select distinct place from customers_places where competitor_from is not null"
        ).fetchall()
    }
    assert rivals == set(drift["competitor"]["places"])
    assert not rivals & {place for place, _ in named}


def test_the_features_that_are_said_to_move_are_features_and_do_move(bank: Path, sql: Sql) -> None:
    """Against October, a row a customer; ranks in the bank, so that only the place counts."""
    drift = json.loads((bank / "truth" / "drift.json").read_text())
    tables = open_tables(bank, timezone="Asia/Shanghai")
    place = dict(sql.execute("select customer_id, place from customers_places").fetchall())
    before, after = (
        frame_of(customer_features(tables, day)).set_index("customer_id")
        for day in (date(2024, 11, 1), date(2025, 1, 1))
    )
    both = before.index.intersection(after.index)
    before, after = before.loc[both], after.loc[both]
    of_place = both.map(place)
    for reason in ("factory", "wallet", "renovation"):
        rows = [row for row in drift["places"] if row["drift"] == reason]
        inside = of_place.isin([row["place"] for row in rows])
        for column in rows[0]["columns"]:
            moved = after[column].rank(pct=True) - before[column].rank(pct=True)
            assert ttest_ind(moved[inside], moved[~inside], nan_policy="omit").pvalue < 1e-4
    for column in drift["source"]["columns"]:
        assert (after[column] - before[column]).mean() > 0.5


def test_a_salary_that_is_gone_is_not_paid_and_the_others_are(sql: Sql) -> None:
    """Months at whose end one is still a customer; salaries come on days 5 to 26."""
    rows = sql.execute(
        """with paid as (select customer_id,
              date_trunc('month', posted_at + interval 8 hour)::date as month
              from transactions where category = 'salary'),
        salaried as (select distinct customer_id from paid)
        select salary_gone, paid.month is not null, count(*)
        from customer_months semi join salaried using (customer_id)
        left join paid using (customer_id, month)
        left join closures using (customer_id)
        where coalesce(closed_on >= customer_months.month + interval 1 month, true)
        group by 1, 2"""
    ).fetchall()
    assert {(gone, paid) for gone, paid, _ in rows} == {(True, False), (False, True)}


def test_a_complaint_is_open_in_the_truth_while_it_is_open_in_the_table(sql: Sql) -> None:
    wrong, right = sql.execute(
        """with open_then as (select customer_id, month, bool_or(kind = 'complaint'
              and occurred_at < month + interval 1 month - interval 8 hour
              and coalesce(resolved_at >= month + interval 1 month - interval 8 hour, true)
              ) as is_open
            from customer_months left join service_events using (customer_id) group by all)
        select count(*) filter (not coalesce(is_open, false)), count(*) filter (is_open)
        from customer_months join open_then using (customer_id, month)
        left join closures using (customer_id)
        where complaint_open and coalesce(closed_on >= month + interval 1 month, true)"""
    ).fetchall()[0]
    assert (wrong, right > 100) == (0, True)
