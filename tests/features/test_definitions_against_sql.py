"""Every canonical feature against SQL text written by hand, on random banks in three zones."""

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest

from features.customer import customer_features
from features.engine import frame_of, tables_of

DAYS = [date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 1), date(2024, 10, 28)]

ORACLE = """
WITH cut AS (
    SELECT timezone('UTC', timezone('{zone}', DATE '{day}'::TIMESTAMP)) AS instant
), visible AS (
    SELECT t.*, cut.instant FROM transactions t, cut
    WHERE posted_at < cut.instant AND (available_at IS NULL OR available_at <= cut.instant)
), year AS (
    SELECT *, date_diff('microsecond', lag(posted_at) OVER (
        PARTITION BY customer_id ORDER BY posted_at, transaction_id), posted_at) / 864e8 AS gap
    FROM visible WHERE posted_at >= {start_365}
), ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY customer_id ORDER BY posted_at DESC, transaction_id DESC) AS place
    FROM visible
)
SELECT c.customer_id,
    (SELECT date_diff('microsecond', max(posted_at), any_value(instant)) / 864e8
        FROM visible v WHERE v.customer_id = c.customer_id) AS recency_days,
    date_diff('day', c.onboarded_on, DATE '{day}') AS tenure_days,
    {windows},
    (SELECT count(DISTINCT strftime(timezone('{zone}', timezone('UTC', posted_at)), '%Y-%m'))
        FROM year y WHERE y.customer_id = c.customer_id) AS active_months_365d,
    (SELECT balance_after FROM ranked r
        WHERE r.customer_id = c.customer_id AND place = 1) AS balance_last,
    (SELECT count(DISTINCT channel) FROM year y
        WHERE y.customer_id = c.customer_id) AS channels_365d,
    (SELECT count(DISTINCT category) FROM year y
        WHERE y.customer_id = c.customer_id) AS categories_365d,
    (SELECT count(DISTINCT counterparty_id) FROM year y
        WHERE y.customer_id = c.customer_id) AS counterparties_365d,
    (SELECT avg(gap) FROM year y WHERE y.customer_id = c.customer_id) AS gap_mean_365d,
    (SELECT stddev_samp(gap) FROM year y WHERE y.customer_id = c.customer_id) AS gap_std_365d
FROM customers c
LEFT JOIN closures l ON l.customer_id = c.customer_id AND l.closed_on < DATE '{day}'
WHERE c.onboarded_on < DATE '{day}' AND l.customer_id IS NULL
ORDER BY c.customer_id
"""

IN_WINDOW = "FROM visible v WHERE v.customer_id = c.customer_id AND posted_at >= {start}"
WINDOW = """
    (SELECT count(*) {rows}) AS transactions_{w}d,
    (SELECT coalesce(sum(amount), 0) {rows} AND amount > 0) AS credit_{w}d,
    (SELECT coalesce(sum(-amount), 0) {rows} AND amount < 0) AS debit_{w}d,
    (SELECT avg(amount) {rows}) AS amount_mean_{w}d,
    (SELECT stddev_samp(amount) {rows}) AS amount_std_{w}d,
    (SELECT max(abs(amount)) {rows}) AS amount_max_{w}d,
    (SELECT avg(balance_after) {rows}) AS balance_mean_{w}d"""


def start(day: date, zone: str, window: int) -> str:
    return f"timezone('UTC', timezone('{zone}', DATE '{day}' - INTERVAL {window} DAY))"


def oracle(frames: dict[str, pd.DataFrame], day: date, zone: str) -> pd.DataFrame:
    windows = [
        WINDOW.format(w=w, rows=IN_WINDOW.format(start=start(day, zone, w)))
        for w in (30, 90, 180, 365)
    ]
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    for name, frame in frames.items():
        connection.register(name, frame)
    text = ORACLE.format(
        zone=zone, day=day, windows=",".join(windows), start_365=start(day, zone, 365)
    )
    return connection.execute(text).df()


def random_bank(seed: int) -> dict[str, pd.DataFrame]:
    draw = np.random.default_rng(seed)
    people, rows = 40, 4000
    ids = np.array([f"C{at:03d}" for at in range(people)])
    # quarter hours, so that ties and window edges happen; every tenth row at a local midnight
    minutes = draw.integers(0, 4 * 24 * 700, rows) * 15
    minutes[::10] = minutes[::10] // 1440 * 1440 + draw.choice([-60, -120, -480, 0], rows // 10)
    posted = np.datetime64("2022-12-15", "us") + minutes.astype("timedelta64[m]")
    late = posted + draw.integers(0, 90, rows).astype("timedelta64[D]")
    late[draw.random(rows) < 0.5] = np.datetime64("NaT")
    amount = np.round(draw.normal(0, 300, rows), 2)
    amount[draw.random(rows) < 0.02] = 0
    transactions = pd.DataFrame(
        {
            "transaction_id": draw.permutation([f"T{at:05d}" for at in range(rows)]),
            "customer_id": ids[(draw.random(rows) ** 2 * (people - 3)).astype(int)],
            "posted_at": posted,
            "amount": amount,
            "balance_after": np.where(draw.random(rows) < 0.1, np.nan, draw.normal(2e3, 9e2, rows)),
            "channel": draw.choice(["atm", "web", None], rows),
            "category": draw.choice(["salary", "rent", "food", None], rows),
            "counterparty_id": draw.choice([*map(str, range(30)), None], rows),
            "available_at": late,
        }
    )
    onboarded = np.datetime64("2022-12-01", "D") + draw.integers(0, 600, people)
    customers = pd.DataFrame({"customer_id": ids, "onboarded_on": onboarded})
    left = np.datetime64("2024-01-01", "D") + draw.integers(0, 365, 8)
    closures = pd.DataFrame({"customer_id": draw.choice(ids, 8, replace=False), "closed_on": left})
    return {"customers": customers, "transactions": transactions, "closures": closures}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Prague", "Asia/Shanghai", "America/Sao_Paulo"])
def test_canonical_features_equal_sql_written_by_hand(zone: str) -> None:
    frames = random_bank(seed=len(zone))
    ours = frame_of(customer_features(tables_of(frames, zone), DAYS))
    for day in DAYS:
        expected = oracle(frames, day, zone)
        found = ours[ours["as_of"] == day].sort_values("customer_id")
        assert found["customer_id"].tolist() == expected["customer_id"].tolist()
        assert len(expected.columns) == 1 + 2 + 7 * 4 + 1 + 1 + 3 + 2
        for name in expected.columns[1:]:
            np.testing.assert_allclose(
                found[name].to_numpy("float64"),
                expected[name].to_numpy("float64", na_value=np.nan),
                rtol=1e-9,
                atol=1e-9,
                err_msg=f"{name} at {day} in {zone}",
            )


def test_the_random_bank_is_worth_asking() -> None:
    row = oracle(random_bank(3), DAYS[-1], "UTC")
    assert row["balance_last"].isna().any()  # a latest row without a balance
    assert (row["transactions_365d"] == 0).any()  # a customer without history
    assert row["channels_365d"].max() == 2
    assert row["active_months_365d"].max() >= 12
