"""Every feature against SQL text written by hand, on random banks in four zones."""

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest

from features.customer import customer_features
from features.engine import frame_of, tables_of
from features.registry import FEATURES
from tests.features.places import random_homes, random_outlets

CATEGORIES = [
    "salary",
    "pension",
    "food",
    "fee",
    "penalty_interest",
    "other_bank",
    "cash_out",
    None,
]
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
{windows}
, over_year AS (
    SELECT customer_id,
        count(DISTINCT strftime(timezone('{zone}', timezone('UTC', posted_at)), '%Y-%m'))
            AS active_months_365d,
        count(DISTINCT channel) AS channels_365d,
        count(DISTINCT category) AS categories_365d,
        count(DISTINCT counterparty_id) AS counterparties_365d,
        avg(gap) AS gap_mean_365d, stddev_samp(gap) AS gap_std_365d
    FROM customers LEFT JOIN year USING (customer_id) GROUP BY customer_id
), last AS (
    SELECT customer_id, balance_after AS balance_last,
        date_diff('microsecond', posted_at, instant) / 864e8 AS recency_days
    FROM ranked WHERE place = 1
)
SELECT c.customer_id, recency_days, balance_last,
    date_diff('day', c.onboarded_on, DATE '{day}') AS tenure_days,
    w30.* EXCLUDE (customer_id), w90.* EXCLUDE (customer_id), w180.* EXCLUDE (customer_id),
    w365.* EXCLUDE (customer_id), over_year.* EXCLUDE (customer_id)
FROM customers c LEFT JOIN last USING (customer_id) JOIN over_year USING (customer_id)
JOIN w30 USING (customer_id) JOIN w90 USING (customer_id) JOIN w180 USING (customer_id)
JOIN w365 USING (customer_id)
LEFT JOIN closures l ON l.customer_id = c.customer_id AND l.closed_on < DATE '{day}'
WHERE c.onboarded_on < DATE '{day}' AND l.customer_id IS NULL
ORDER BY c.customer_id
"""

WINDOW = """
, w{w} AS (
    SELECT c.customer_id, count(posted_at) AS transactions_{w}d,
        coalesce(sum(amount) FILTER (amount > 0), 0) AS credit_{w}d,
        coalesce(sum(-amount) FILTER (amount < 0), 0) AS debit_{w}d,
        avg(amount) AS amount_mean_{w}d, stddev_samp(amount) AS amount_std_{w}d,
        max(abs(amount)) AS amount_max_{w}d, avg(balance_after) AS balance_mean_{w}d
    FROM customers c
    LEFT JOIN visible v ON v.customer_id = c.customer_id AND posted_at >= {start}
    GROUP BY c.customer_id
)"""


# every other feature, a table at a time; d30 ... d365: whether a row is in the window
FLAGGED = """
flagged AS (
    SELECT v.*, posted_at >= {start_30} AS d30, posted_at >= {start_90} AS d90,
        posted_at >= {start_180} AS d180, posted_at >= {start_365} AS d365,
        coalesce(initiated_by_customer, true) AS own, -amount AS spent,
        timezone('{zone}', timezone('UTC', posted_at)) AS local,
        category IN ('salary', 'pension') AND amount > 0 AS salary,
        coalesce(category = 'cash_out', false) OR coalesce(channel = 'atm', false) AS cash,
        row_number() OVER (
            PARTITION BY customer_id ORDER BY posted_at DESC, transaction_id DESC) AS place,
        date_diff('microsecond', posted_at, instant) / 864e8 AS ago
    FROM visible v
)"""

OF_TRANSACTIONS = {
    "own_recency_days": "min(ago) FILTER (own)",
    "own_transactions_90d": "coalesce(count(*) FILTER (d90 AND own), 0)",
    "weekend_share_90d": "count(*) FILTER (d90 AND own AND isodow(local) >= 6)"
    " / nullif(count(*) FILTER (d90 AND own), 0)",
    "net_flow_90d": "coalesce(sum(amount) FILTER (d90), 0)",
    "debit_against_credit_90d": "coalesce(sum(spent) FILTER (d90 AND amount < 0), 0)"
    " / sum(amount) FILTER (d90 AND amount > 0)",
    "largest_debit_share_90d": "max(spent) FILTER (d90 AND amount < 0)"
    " / sum(spent) FILTER (d90 AND amount < 0)",
    "fees_365d": "coalesce(sum(spent) FILTER ("
    "d365 AND amount < 0 AND category IN ('fee', 'penalty_interest')), 0)",
    "balance_usual": "coalesce(avg(balance_after) FILTER (d90),"
    " max(balance_after) FILTER (place = 1))",
    "balance_min_90d": "min(balance_after) FILTER (d90)",
    "balance_max_365d": "max(balance_after) FILTER (d365)",
    "overdrawn_share_90d": "count(*) FILTER (d90 AND balance_after < 0)"
    " / nullif(count(balance_after) FILTER (d90), 0)",
    "balance_change": "avg(balance_after) FILTER (d30) - avg(balance_after) FILTER (d180)",
    "balance_change_365d": "avg(balance_after) FILTER (d90) - avg(balance_after) FILTER (d365)",
    "balance_from_peak_365d": "max(balance_after) FILTER (place = 1)"
    " - max(balance_after) FILTER (d365)",
    "salary_months_180d": "count(DISTINCT strftime(local, '%Y-%m')) FILTER (d180 AND salary)",
    "salary_days_since": "min(ago) FILTER (d365 AND salary)",
    "salary_variation_365d": "stddev_samp(amount) FILTER (d365 AND salary)"
    " / avg(amount) FILTER (d365 AND salary)",
    "salary_mean_365d": "avg(amount) FILTER (d365 AND salary)",
    "salary_share_365d": "coalesce(sum(amount) FILTER (d365 AND salary), 0)"
    " / sum(amount) FILTER (d365 AND amount > 0)",
    "salary_trend": "coalesce(sum(amount) FILTER (d90 AND salary), 0) / 90"
    " / (sum(amount) FILTER (d365 AND salary) / 365)",
    **{
        f"digital_share_{w}d": f"count(*) FILTER (d{w} AND own AND channel IN ('web', 'mobile'))"
        f" / nullif(count(*) FILTER (d{w} AND own AND channel IS NOT NULL), 0)"
        for w in (90, 365)
    },
    "counter_share_365d": "count(*) FILTER (d365 AND own AND channel = 'counter')"
    " / nullif(count(*) FILTER (d365 AND own AND channel IS NOT NULL), 0)",
    "digital_days_since": "min(ago) FILTER (d365 AND own AND channel IN ('web', 'mobile'))",
    "cash_withdrawal_share_90d": "coalesce(sum(spent) FILTER (d90 AND amount < 0 AND cash), 0)"
    " / sum(spent) FILTER (d90 AND amount < 0)",
    "counterparties_90d": "count(DISTINCT counterparty_id) FILTER (d90)",
    "counterparties_active_share": "count(DISTINCT counterparty_id) FILTER (d90)"
    " / nullif(count(DISTINCT counterparty_id) FILTER (d365), 0)",
    **{
        f"outflow_other_banks_{w}d": "coalesce(sum(spent) FILTER ("
        f"d{w} AND amount < 0 AND category = 'other_bank'), 0)"
        for w in (90, 365)
    },
    "outflow_other_banks_share_90d": "coalesce(sum(spent) FILTER ("
    "d90 AND amount < 0 AND category = 'other_bank'), 0) / sum(spent) FILTER (d90 AND amount < 0)",
    "transactions_trend": "3 * count(*) FILTER (d30) / nullif(count(*) FILTER (d90), 0)",
    "transactions_trend_365d": "count(*) FILTER (d90) / 90"
    " / nullif(count(*) FILTER (d365) / 365, 0)",
    "debit_trend_30d": "3 * coalesce(sum(spent) FILTER (d30 AND amount < 0), 0)"
    " / sum(spent) FILTER (d90 AND amount < 0)",
    "credit_trend_30d": "3 * coalesce(sum(amount) FILTER (d30 AND amount > 0), 0)"
    " / sum(amount) FILTER (d90 AND amount > 0)",
    "debit_trend": "coalesce(sum(spent) FILTER (d90 AND amount < 0), 0) / 90"
    " / (sum(spent) FILTER (d365 AND amount < 0) / 365)",
    "credit_trend": "coalesce(sum(amount) FILTER (d90 AND amount > 0), 0) / 90"
    " / (sum(amount) FILTER (d365 AND amount > 0) / 365)",
    # the gaps between n rows add up to the time from the first to the last
    "recency_against_gap": "min(ago) / nullif((max(ago) FILTER (d365) - min(ago) FILTER (d365))"
    " / (count(*) FILTER (d365) - 1), 0)",
}
OF_EVENTS = {
    "contacts_90d": "count(*) FILTER (kind = 'contact' AND d90)",
    "visits_90d": "count(*) FILTER (kind = 'visit' AND d90)",
    "complaints_90d": "count(*) FILTER (kind = 'complaint' AND d90)",
    "complaints_365d": "count(*) FILTER (kind = 'complaint' AND d365)",
    "open_complaints": "count(*) FILTER (kind = 'complaint' AND NOT settled)",
    "open_complaint_days": "max(ago) FILTER (kind = 'complaint' AND NOT settled)",
    "complaint_days_since": "min(ago) FILTER (kind = 'complaint')",
    "resolution_days_mean_365d": "avg(date_diff('microsecond', occurred_at, resolved_at) / 864e8)"
    " FILTER (kind = 'complaint' AND d365 AND settled)",
    "satisfaction_last": "arg_max(satisfaction, {'a': occurred_at, 'b': event_id})"
    " FILTER (satisfaction IS NOT NULL)",
    "satisfaction_mean_365d": "avg(satisfaction) FILTER (d365)",
}
OF_HOLDINGS = {
    "products_held": "count(*) FILTER (held)",
    "products_opened_365d": "count(*) FILTER (opened_on >= day - 365)",
    "products_closed_365d": "count(*) FILTER (NOT held AND closed_on >= day - 365)",
    "products_closed_90d": "count(*) FILTER (NOT held AND closed_on >= day - 90)",
    "products_kept_share": "avg(held::INT)",
    "product_opened_days_since": "min(day - opened_on)",
    "product_closed_days_since": "min(day - closed_on) FILTER (NOT held)",
    **{
        f"has_{word}": f"max((held AND product ILIKE '%{word}%')::INT)"
        for word in ("card", "loan", "savings", "mobile")
    },
}
OF_PLACES = {
    # the angle between two directions from the middle of the Earth, by their cross product
    "home_outlet_km": "(SELECT {angle} * 6371.0088 FROM ways o WHERE o.outlet_id = c.outlet_id"
    " AND o.opened_on < DATE '{day}')",
    "nearest_outlet_km": "(SELECT min({angle} * 6371.0088) FROM ways o"
    " WHERE o.opened_on < DATE '{day}' AND o.closed_on >= DATE '{day}'"
    " AND {angle} * 6371.0088 <= 50)",
    "customers_per_km2": "(SELECT nullif(count(*), 0) FROM here n WHERE"
    " abs(n.up - c.up) <= 1 AND abs(n.along - c.along) IN (0, 1, 35999))"
    # a zone of the sphere: the difference of the sines times the span of longitude
    " / (6371.0088 ** 2 * radians(0.03)"
    " * (sin(radians((c.up + 2) / 100)) - sin(radians((c.up - 1) / 100))))",
}
ANGLE = """atan2(sqrt((o.y * c.z - o.z * c.y) ** 2 + (o.z * c.x - o.x * c.z) ** 2
    + (o.x * c.y - o.y * c.x) ** 2), o.x * c.x + o.y * c.y + o.z * c.z)"""
WAYS = """cos(radians(latitude)) * cos(radians(longitude)) AS x,
    cos(radians(latitude)) * sin(radians(longitude)) AS y, sin(radians(latitude)) AS z"""
PLACES = """
WITH known AS (
    SELECT *, {ways}, floor(latitude * 100) AS up, CASE WHEN longitude = 180 THEN -18000
        ELSE floor(longitude * 100) END AS along
    FROM customers
    WHERE abs(latitude) <= 90 AND abs(longitude) <= 180 AND NOT (latitude = 0 AND longitude = 0)
), here AS (
    SELECT k.* FROM known k ANTI JOIN (
        SELECT * FROM closures WHERE closed_on < DATE '{day}') l USING (customer_id)
    WHERE onboarded_on < DATE '{day}'
), ways AS (
    SELECT outlet_id, {ways}, coalesce(opened_on, DATE '0001-01-01') AS opened_on,
        coalesce(closed_on, DATE '9999-01-01') AS closed_on
    FROM outlets WHERE abs(latitude) <= 90 AND abs(longitude) <= 180
        AND NOT (latitude = 0 AND longitude = 0)
)
SELECT e.customer_id, {of_places}
FROM customers e LEFT JOIN here c USING (customer_id) LEFT JOIN closures l
    ON l.customer_id = e.customer_id AND l.closed_on < DATE '{day}'
WHERE e.onboarded_on < DATE '{day}' AND l.customer_id IS NULL
ORDER BY e.customer_id
"""
OF_CUSTOMERS = {
    "age_years": "date_diff('day', birth_date, DATE '{day}') / 365.25",
    "customer_occupation": "occupation",
    "customer_income_band": "income_band",
    "customer_kind": "kind",
}
MORE = """
WITH cut AS (
    SELECT DATE '{day}' AS day,
        timezone('UTC', timezone('{zone}', DATE '{day}'::TIMESTAMP)) AS instant
), visible AS (
    SELECT t.*, cut.instant FROM transactions t, cut
    WHERE posted_at < cut.instant AND (available_at IS NULL OR available_at <= cut.instant)
), {flagged}, told AS (
    SELECT e.*, coalesce(resolved_at < instant, false) AS settled,
        occurred_at >= {start_90} AS d90, occurred_at >= {start_365} AS d365,
        date_diff('microsecond', occurred_at, instant) / 864e8 AS ago
    FROM service_events e, cut
    WHERE occurred_at < instant AND (available_at IS NULL OR available_at <= instant)
), products AS (
    SELECT customer_id, product, opened_on::DATE AS opened_on, closed_on::DATE AS closed_on, day,
        coalesce(closed_on >= day, true) AS held
    FROM holdings, cut WHERE opened_on < day
), t AS (SELECT customer_id, {of_transactions} FROM flagged GROUP BY customer_id
), e AS (SELECT customer_id, {of_events} FROM told GROUP BY customer_id
), h AS (SELECT customer_id, {of_holdings} FROM products GROUP BY customer_id)
SELECT c.customer_id, {of_customers},
    t.* EXCLUDE (customer_id), e.* EXCLUDE (customer_id), h.* EXCLUDE (customer_id)
FROM customers c LEFT JOIN t USING (customer_id) LEFT JOIN e USING (customer_id)
LEFT JOIN h USING (customer_id) LEFT JOIN closures l
    ON l.customer_id = c.customer_id AND l.closed_on < DATE '{day}'
WHERE c.onboarded_on < DATE '{day}' AND l.customer_id IS NULL
ORDER BY c.customer_id
"""


def start(day: date, zone: str, window: int) -> str:
    return f"timezone('UTC', timezone('{zone}', DATE '{day}' - INTERVAL {window} DAY))"


def oracle(frames: dict[str, pd.DataFrame], day: date, zone: str) -> pd.DataFrame:
    windows = [WINDOW.format(w=w, start=start(day, zone, w)) for w in (30, 90, 180, 365)]
    text = ORACLE.format(
        zone=zone, day=day, windows="".join(windows), start_365=start(day, zone, 365)
    )
    return asked(frames, text)


def oracle_of_the_rest(frames: dict[str, pd.DataFrame], day: date, zone: str) -> pd.DataFrame:
    starts = {f"start_{w}": start(day, zone, w) for w in (30, 90, 180, 365)}
    columns = {
        "of_transactions": named(OF_TRANSACTIONS),
        "of_events": named(OF_EVENTS),
        "of_holdings": named(OF_HOLDINGS),
        "of_customers": named(OF_CUSTOMERS).format(day=day),
    }
    flagged = FLAGGED.format(zone=zone, **starts)
    return asked(frames, MORE.format(day=day, zone=zone, flagged=flagged, **starts, **columns))


def oracle_of_places(frames: dict[str, pd.DataFrame], day: date) -> pd.DataFrame:
    columns = named(OF_PLACES).format(angle=ANGLE, day=day)
    return asked(frames, PLACES.format(ways=WAYS, day=day, of_places=columns))


def named(columns: dict[str, str]) -> str:
    return ", ".join(f"{value} AS {name}" for name, value in columns.items())


def asked(frames: dict[str, pd.DataFrame], text: str) -> pd.DataFrame:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    for name, frame in frames.items():
        connection.register(name, frame)
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
            "channel": draw.choice(["atm", "web", "mobile", "counter", None], rows),
            "category": draw.choice(CATEGORIES, rows),
            "counterparty_id": draw.choice([*map(str, range(30)), None], rows),
            "available_at": late,
            "initiated_by_customer": draw.choice(np.array([True, False, None]), rows),
        }
    )
    onboarded = np.datetime64("2022-12-01", "D") + draw.integers(0, 600, people)
    customers = pd.DataFrame(
        {
            "customer_id": ids,
            "onboarded_on": onboarded,
            "birth_date": np.datetime64("1950-01-01", "D") + draw.integers(0, 20_000, people),
            "occupation": draw.choice(["nurse", "clerk", None], people),
            "income_band": draw.choice(["A", "B"], people),
            "kind": "person",
        }
    )
    outlets = random_outlets(draw, DAYS)
    customers = customers.assign(**random_homes(draw, people, outlets["outlet_id"]))
    left = np.datetime64("2024-01-01", "D") + draw.integers(0, 365, 8)
    closures = pd.DataFrame({"customer_id": draw.choice(ids, 8, replace=False), "closed_on": left})
    return {
        "customers": customers,
        "transactions": transactions,
        "closures": closures,
        "service_events": random_events(draw, ids, posted),
        "holdings": random_holdings(draw, ids),
        "outlets": outlets,
    }


def random_events(draw: np.random.Generator, ids: np.ndarray, times: np.ndarray) -> pd.DataFrame:
    rows = 800
    happened = draw.choice(times, rows)
    settled = happened + draw.integers(0, 60 * 24, rows).astype("timedelta64[h]")
    settled[draw.random(rows) < 0.3] = np.datetime64("NaT")
    late = happened + draw.integers(0, 40, rows).astype("timedelta64[D]")
    late[draw.random(rows) < 0.5] = np.datetime64("NaT")
    return pd.DataFrame(
        {
            "event_id": draw.permutation([f"E{at:04d}" for at in range(rows)]),
            "customer_id": draw.choice(ids[:-2], rows),
            "occurred_at": happened,
            "kind": draw.choice(["contact", "complaint", "visit", "survey"], rows),
            "resolved_at": settled,
            "satisfaction": np.where(draw.random(rows) < 0.5, np.nan, draw.integers(1, 6, rows)),
            "available_at": late,
        }
    )


def random_holdings(draw: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    rows = 600
    opened = np.datetime64("2022-01-01", "D") + draw.integers(0, 1000, rows)
    closed = opened + draw.integers(0, 500, rows)
    # a third on the days where windows begin and end
    edges = np.array(DAYS, "datetime64[D]")[:, None] - np.array([-1, 0, 1, 89, 90, 91, 365, 366])
    closed[::3] = draw.choice(edges.ravel(), len(closed[::3]))
    opened[1::3] = draw.choice(edges.ravel(), len(opened[1::3]))
    closed[draw.random(rows) < 0.3] = np.datetime64("NaT")
    products = ["Card gold", "loan", "savings", "mobile", "wealth"]
    held = {"customer_id": draw.choice(ids, rows), "product": draw.choice(products, rows)}
    frame = pd.DataFrame(held | {"opened_on": opened, "closed_on": closed})
    return frame.drop_duplicates(["customer_id", "product", "opened_on"])


@pytest.mark.parametrize("zone", ["UTC", "Europe/Prague", "Asia/Shanghai", "America/Sao_Paulo"])
def test_every_feature_equals_sql_written_by_hand(zone: str) -> None:
    frames = random_bank(seed=len(zone))
    ours = frame_of(customer_features(tables_of(frames, zone), DAYS))
    for day in DAYS:
        expected = oracle(frames, day, zone)
        found = ours[ours["as_of"] == day].sort_values("customer_id")
        assert found["customer_id"].tolist() == expected["customer_id"].tolist()
        assert len(expected.columns) == 1 + 2 + 7 * 4 + 1 + 1 + 3 + 2
        rest = oracle_of_the_rest(frames, day, zone)
        assert rest["customer_id"].tolist() == expected["customer_id"].tolist()
        expected = expected.merge(rest, on="customer_id", validate="1:1")
        places = oracle_of_places(frames, day)
        expected = expected.merge(places, on="customer_id", validate="1:1")
        assert set(expected.columns[1:]) == set(FEATURES)
        for name, known in FEATURES.items():
            if known.kind == "category":
                assert found[name].tolist() == expected[name].replace({np.nan: None}).tolist()
                continue
            without = np.nan if known.empty is None else known.empty
            np.testing.assert_allclose(
                found[name].to_numpy("float64"),
                expected[name].astype("Float64").to_numpy("float64", na_value=without),
                rtol=1e-9,
                atol=1e-9,
                err_msg=f"{name} at {day} in {zone}",
            )


def test_the_random_bank_is_worth_asking() -> None:
    row = oracle(random_bank(3), DAYS[-1], "UTC")
    assert row["balance_last"].isna().any()  # a latest row without a balance
    assert (row["transactions_365d"] == 0).any()  # a customer without history
    assert row["channels_365d"].max() == 4
    assert row["active_months_365d"].max() >= 12
    for day in DAYS:
        places = oracle_of_places(random_bank(3), day)
        assert places["home_outlet_km"].count() > 5
        assert 5 < places["nearest_outlet_km"].count() < len(places)
        assert places["customers_per_km2"].max() > 3 * places["customers_per_km2"].min()
