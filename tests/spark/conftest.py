"""Real Sparks: in this process, as a cluster of processes, and behind Spark Connect."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.tables import CONTRACTS
from features.arrow import arrow_schema
from features.engine import Tables, tables_of
from features.registry import FEATURES
from features.settings import EngineSettings
from serving.registry import FetchedBundle
from serving.sealed import SealedBundle, seal
from tests.features.places import random_homes, random_outlets
from tests.serving.conftest import feature_frame, write_bundle
from tests.spark.processes import YOUNG, Cluster, free_port, kill, start, wait_for

ZONE = "Europe/Prague"
DAYS = [date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 1), date(2024, 10, 28)]
IDS = np.array([f"C{at:02d}" for at in range(30)])
CELLS = pd.DataFrame({"customer_id": IDS, "cell_id": [f"cell-{at % 3}" for at in range(len(IDS))]})
# from Python 3.12 on: pyspark starts its JVM in a way that a process with threads is warned of
STARTED = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
SMALL = {
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.driver.extraJavaOptions": YOUNG,
    "spark.executor.extraJavaOptions": YOUNG,
}
# compiling the feature query takes Spark longer than interpreting it for these few rows; that the
# compiled one gives the same is for the tests of Spark in this process, which leave this out
INTERPRETED = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


@pytest.fixture(scope="session")
def java() -> None:
    """Skips where there is no Java to run Spark on."""
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Java absent: install default-jre-headless (Java 17) to test Spark")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, java: None) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.stop()


@pytest.fixture(scope="module")
def connect_url(tmp_path_factory: pytest.TempPathFactory, java: None) -> Iterator[str]:
    """The address of a Spark Connect server of the package that we depend on."""
    port, folder = free_port(), tmp_path_factory.mktemp("connect")
    options = {"spark.connect.grpc.binding.port": str(port), "spark.ui.enabled": "false"}
    options |= {**SMALL, **INTERPRETED, "spark.connect.grpc.binding.address": "127.0.0.1"}
    told = [word for key, value in options.items() for word in ("--conf", f"{key}={value}")]
    name = "org.apache.spark.sql.connect.service.SparkConnectServer"
    words = ("--master", "local[2]", "--class", name, *told, "spark-internal")
    server = start(folder / "log", "spark-submit", *words, memory="900m")
    wait_for(port, server)
    yield f"sc://127.0.0.1:{port}"
    kill(server)


def settings(url: str | None = None, **more: object) -> EngineSettings:
    """A small Spark."""
    options = {} if url and url.startswith("sc://") else SMALL
    words = {"kind": "spark", "url": url, "memory": "700m", "wait_seconds": 300, "options": options}
    return EngineSettings.model_validate(words | more)


Sparks = Callable[..., EngineSettings]


@pytest.fixture(scope="session")
def sparks() -> Sparks:
    return settings


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Contract tables that tempt engines to differ; NaN is written as it is."""
    folder = tmp_path_factory.mktemp("hostile bank [1] 50%") / "tables"
    folder.mkdir()
    tables = tables_of(hostile_bank(7), ZONE)
    for name, contract in CONTRACTS.items():
        rows = tables._asdict()[name].to_pyarrow().cast(arrow_schema(contract))
        if name == "transactions":
            rows = with_nan(rows, "balance_after")
            (folder / name).mkdir()  # in two parts
            pq.write_table(rows.slice(0, 100), folder / name / "part-1.parquet")
            pq.write_table(rows.slice(100), folder / name / "part-2.parquet")
        else:
            pq.write_table(rows, folder / f"{name}.parquet")
    return folder


def with_nan(rows: pa.Table, name: str) -> pa.Table:
    """Every other null of a column as NaN: to SQL a value, to us none."""
    values = rows[name].to_pylist()
    spoilt = [float("nan") if v is None and at % 2 else v for at, v in enumerate(values)]
    return rows.set_column(rows.schema.get_field_index(name), name, pa.array(spoilt, pa.float64()))


def hostile_bank(seed: int) -> dict[str, pd.DataFrame]:
    """Ties, sub-second times, DST, leap days, late rows, extreme money, customers without rows."""
    draw = np.random.default_rng(seed)
    outlets = random_outlets(np.random.default_rng(seed), DAYS)
    homes = random_homes(np.random.default_rng(seed), len(IDS), outlets["outlet_id"])
    return {
        "customers": customers(draw).assign(**homes),
        "transactions": transactions(draw, 3000),
        "holdings": holdings(draw, 80),
        "service_events": service_events(draw, 150),
        "closures": pd.DataFrame({"customer_id": IDS[:4], "closed_on": [*DAYS[:3], "2024-03-30"]}),
        "outlets": outlets,
    }


def customers(draw: np.random.Generator) -> pd.DataFrame:
    onboarded = np.datetime64("2020-02-29") + draw.integers(0, 1500, len(IDS))
    onboarded[:3] = [np.datetime64(day) for day in DAYS[:3]]
    born = np.datetime64("1960-02-29") + 1461 * draw.integers(0, 10, len(IDS))
    return pd.DataFrame(
        {
            "customer_id": IDS,
            "onboarded_on": onboarded,
            "birth_date": np.where(draw.random(len(IDS)) < 0.2, np.datetime64("NaT"), born),
            "occupation": draw.choice(["clerk", "", "Müller 🦊", None], len(IDS)),
            "income_band": draw.choice(["low", "NaN", "null", None], len(IDS)),
            "kind": draw.choice(["person", None], len(IDS)),
        }
    )


def transactions(draw: np.random.Generator, rows: int) -> pd.DataFrame:
    posted = np.datetime64("2023-01-15", "us") + draw.integers(0, 680 * 86_400, rows) * 1_000_000
    posted[::3] += draw.integers(0, 1_000_000, len(posted[::3]))  # microseconds
    posted[::10] = posted[1::10]  # ties, of different customers and of one
    edges = ["2024-02-28T23:00", "2024-03-30T23:00", "2024-03-31T01:00", "2024-10-27T01:00"]
    posted[5::50] = draw.choice(np.array(edges, "datetime64[us]"), len(posted[5::50]))
    late = posted + draw.integers(0, 90 * 86_400, rows) * 1_000_000
    late[draw.random(rows) < 0.6] = np.datetime64("NaT")
    amount = np.round(draw.normal(0, 300, rows), 2)
    amount[draw.random(rows) < 0.02] = 0
    amount[:6] = [1e12, -1e12, 0.1, 1e-9, 1 / 3, -0.0]
    who = IDS[4 + (draw.random(rows) ** 2 * (len(IDS) - 7)).astype(int)]  # the last never come
    return pd.DataFrame(
        {
            "transaction_id": draw.permutation([f"T{at:05d}" for at in range(rows)]),
            "customer_id": who,
            "posted_at": posted,
            "amount": amount,
            "balance_after": np.where(draw.random(rows) < 0.2, np.nan, draw.normal(2e3, 9e2, rows)),
            "channel": draw.choice(["atm", "web", "counter", "", None], rows),
            "category": draw.choice(
                ["salary", "rent", "fee", "other_bank", "cash_out", None], rows
            ),
            "counterparty_id": draw.choice([*map(str, range(30)), None], rows),
            "initiated_by_customer": draw.choice([True, False, None], rows),
            "available_at": late,
        }
    )


def holdings(draw: np.random.Generator, rows: int) -> pd.DataFrame:
    opened = np.datetime64("2023-02-28") + draw.integers(0, 600, rows)
    closed = opened + draw.integers(0, 400, rows)
    closed[draw.random(rows) < 0.5] = np.datetime64("NaT")
    found = pd.DataFrame(
        {
            "customer_id": draw.choice(IDS, rows),
            "product": draw.choice(["card", "loan", "savings", "mobile"], rows),
            "opened_on": opened,
            "closed_on": closed,
            "balance": draw.normal(0, 1e4, rows),
        }
    )
    return found.drop_duplicates(["customer_id", "product", "opened_on"])


def service_events(draw: np.random.Generator, rows: int) -> pd.DataFrame:
    at = np.datetime64("2023-06-01", "us") + draw.integers(0, 500 * 86_400_000, rows) * 1000
    resolved = at + draw.integers(0, 60 * 86_400, rows) * 1_000_000
    resolved[draw.random(rows) < 0.5] = np.datetime64("NaT")
    return pd.DataFrame(
        {
            "event_id": [f"E{n}" for n in range(rows)],
            "customer_id": draw.choice(IDS, rows),
            "occurred_at": at,
            "kind": draw.choice(["complaint", "contact", "visit", "survey"], rows),
            "resolved_at": resolved,
            "satisfaction": draw.choice([1.0, 3.0, 5.0, np.nan], rows),
        }
    )


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[SealedBundle, ...]:
    """A retention and a segmentation model, as they come from the registry."""
    folder = tmp_path_factory.mktemp("bundles")
    return tuple(
        seal(name, FetchedBundle(folder / name, version, write_bundle(folder / name, name)))
        for name, version in (("retention", "3"), ("segmentation", "5"))
    )


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of 300 customers in row groups that are not the parts of a score run."""
    path = tmp_path_factory.mktemp("snapshots") / "2026-01-01.parquet"
    feature_frame(300, seed=11).to_parquet(path, row_group_size=80)
    return path


@pytest.fixture
def one_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    """Feature files of one query that is quickly planned, for tests of what becomes of a run.

    It has every column and counts half a million pairs, so that there is a middle of the run.
    """

    def counted(tables: Tables, as_of: Sequence[date]) -> ibis.Table:
        pairs = tables.transactions.cross_join(tables.service_events.select("event_id"))
        count = pairs.group_by("customer_id").aggregate(transactions_365d=pairs.event_id.nunique())
        rows = tables.customers.select("customer_id").left_join(count, "customer_id")
        rows = rows.drop("customer_id_right").mutate(as_of=ibis.literal(as_of[0]))
        others = {
            name: ibis.null("float64" if known.kind == "number" else "string")
            for name, known in FEATURES.items()
            if name not in rows.columns
        }
        return rows.mutate(**others)

    monkeypatch.setattr("features.customer.customer_features", counted)
    monkeypatch.setattr("features.spark.session.POLL_SECONDS", 0.1)


def equal(found: pa.Table, expected: pd.DataFrame) -> None:
    """The same rows in the same order: nulls where nulls are, NaN nowhere, numbers to 1e-9."""
    for name in expected.columns:
        theirs = expected[name].tolist()
        ours = found[name].to_pylist()
        assert [value is None for value in ours] == [pd.isna(value) for value in theirs], name
        if expected[name].dtype == "float64":
            numbers = found[name].to_numpy()
            np.testing.assert_allclose(
                numbers, expected[name].to_numpy(), rtol=1e-9, atol=1e-9, err_msg=name
            )
        else:
            assert ours == [None if pd.isna(value) else value for value in theirs], name


def wait_until(seen: Callable[[], object], act: Callable[[], None]) -> threading.Thread:
    """`act`, in a thread of its own, as soon as something is seen."""

    def watch() -> None:
        until = time.monotonic() + 120
        while not seen():
            assert time.monotonic() < until
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread
