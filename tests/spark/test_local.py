"""Spark in this process: the command end to end, and everything that goes wrong in plain words."""

import gc
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from domain.errors import BadInput
from domain.tables import CONTRACTS
from features.customer import customer_features
from features.engine import Tables, batches_of, frame_of, open_tables, tables_in
from features.parts import table_files
from features.settings import EngineSettings
from features.snapshot import quiet, write_features
from features.spark.engine import file_uri
from gridkeep.config import load_config
from gridkeep.verbs import partition_bank, score_bank
from tests.gridkeep.conftest import CONFIG, CUSTOMERS, TRANSACTIONS
from tests.serving.conftest import register, write_bundle
from tests.spark.conftest import CELLS, DAYS, INTERPRETED, SMALL, STARTED, ZONE, Sparks, equal
from tests.spark.processes import free_port

pytestmark = [STARTED]
KEY = ["customer_id", "as_of"]


@pytest.mark.slow
def test_the_session_and_its_folder_go_with_the_last_who_holds_them(
    java: None, hostile: Path, sparks: Sparks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gc.collect()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told = sparks(threads=1)
    try:
        one, two = open_tables(hostile, told), open_tables(hostile, told)
    except BadInput:
        pytest.fail("an earlier test holds a session of its own")
    assert one.connection.spark is two.connection.spark
    context = one.connection.spark.context
    assert [path.name[:15] for path in tmp_path.iterdir()] == ["gridkeep-spill-"]
    del one
    gc.collect()
    assert two.closures.count().execute() == 4
    assert Path(context._temp_dir).is_relative_to(tmp_path)  # also of the second session of a JVM
    del two
    gc.collect()
    assert context._jsc is None
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_command_gives_the_same_features_and_scores(
    java: None, tmp_path: Path, models_store: str
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "customers.csv").write_text(CUSTOMERS)
    (tmp_path / "in" / "transactions.csv").write_text(TRANSACTIONS)
    duck, spark = tmp_path / "duck.toml", tmp_path / "spark.toml"
    duck.write_text(CONFIG + f'[tracking]\nuri = "{models_store}"\n')
    options = "".join(f'"{key}" = "{value}"\n' for key, value in (SMALL | INTERPRETED).items())
    engine = f'[engine]\nkind = "spark"\nmemory = "1GB"\n[engine.options]\n{options}'
    spark.write_text(duck.read_text() + engine)
    here, there, day = tmp_path / "here.parquet", tmp_path / "there.parquet", date(2025, 8, 6)
    config = load_config(duck)
    partition_bank(config, None, quiet)
    score_bank(config, day, here, quiet)
    (snapshot,) = config.layout.snapshots.glob(f"{day.isoformat()}-*.parquet")
    expected = pq.read_table(snapshot)
    snapshot.unlink()
    said = gridkeep("score", "--config", spark, "--as-of", day, "--out", there, "--json")
    assert "WARN" not in said
    (snapshot,) = config.layout.snapshots.glob(f"{day.isoformat()}-*.parquet")
    equal(pq.read_table(snapshot), expected.to_pandas())
    assert pq.read_schema(snapshot).equals(expected.schema, check_metadata=True)
    found, wanted = (pq.read_table(file).drop(["reasons"]).to_pandas() for file in (there, here))
    pd.testing.assert_frame_equal(found, wanted, rtol=1e-9)
    assert not list(tmp_path.rglob(".spark-*"))


@pytest.fixture(scope="module")
def models_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a registry with a retention model."""
    folder = tmp_path_factory.mktemp("mlruns")
    uri = f"sqlite:///{folder}/mlflow.db"
    register(uri, "retention", folder / "bundle", write_bundle(folder / "bundle", "retention"))
    return uri


def gridkeep(*words: object) -> str:
    """The command in a process of its own; what it said, on both streams."""
    told = [sys.executable, "-m", "gridkeep", *map(str, words)]
    done = subprocess.run(told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def opened_elsewhere(
    hostile: Path, settings: EngineSettings, limit: int = 0, **variables: str
) -> str:
    """What goes wrong when another process opens the tables and sorts the transactions."""
    told = [str(hostile), settings.model_dump_json(), str(limit)]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *told],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        check=False,
    )
    assert done.returncode == 7, done.stdout + done.stderr
    return done.stdout.strip()


CHILD = """
import os, resource, sys
from pathlib import Path
folder, told, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
from domain.errors import BadInput
from features.engine import batches_of, open_tables
from features.settings import EngineSettings
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    rows = open_tables(folder, EngineSettings.model_validate_json(told)).transactions
    list(batches_of(rows.order_by("amount")))
except BadInput as error:
    print(error, flush=True)
    assert not list(folder.glob(".*")), list(folder.iterdir())
    sys.stdout.flush()
    os._exit(7)
"""


@pytest.mark.slow
def test_a_full_disk_is_one_message_and_leaves_nothing(
    java: None, hostile: Path, sparks: Sparks, tmp_path: Path
) -> None:
    options = {  # everything through the disk, uncompressed
        "spark.driver.extraJavaOptions": "-XX:-UsePerfData -XX:TieredStopAtLevel=1",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.autoBroadcastJoinThreshold": "-1",
        "spark.shuffle.compress": "false",
        "spark.sql.parquet.compression.codec": "uncompressed",
        **INTERPRETED,
    }
    for file in hostile.iterdir():  # a native library for them would be too large a file
        target = tmp_path / f"{file.stem}.parquet"
        pq.write_table(pq.read_table(file), target, compression="none")
    said = opened_elsewhere(tmp_path, sparks(options=options), limit=30_000)
    assert said.startswith("the disk that Spark writes to is full: free space in the folder of")
    assert "\n" not in said


@pytest.mark.slow
def test_without_java_it_says_so(hostile: Path, sparks: Sparks) -> None:
    said = opened_elsewhere(hostile, sparks(), JAVA_HOME="/nowhere")
    assert said.startswith("Spark could not be started: it needs Java 17")
    assert "/nowhere" in said


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["spark", "sc"])
def test_who_answers_but_is_no_spark_is_given_up_in_time(
    java: None, hostile: Path, sparks: Sparks, scheme: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        said = opened_elsewhere(hostile, sparks(address, wait_seconds=8, options={}))
    assert said.startswith(f"Spark at {address} did nothing for 8 s; look whether")


@pytest.mark.parametrize("scheme", ["spark", "sc"])
def test_an_address_where_nobody_answers_is_told_at_once(
    hostile: Path, sparks: Sparks, scheme: str
) -> None:
    url = f"{scheme}://127.0.0.1:{free_port()}"
    with pytest.raises(BadInput) as caught:
        open_tables(hostile, sparks(url))
    assert str(caught.value) == (
        f"nobody answers at {url} (Connection refused); start the cluster or mend engine.url"
    )


def test_a_url_is_read_from_the_environment_and_its_token_never_shown(
    hostile: Path, sparks: Sparks, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("BANK_SPARK", f"sc://127.0.0.1:{port}/;token=geheim")
    with pytest.raises(BadInput, match=rf"nobody answers at sc://127.0.0.1:{port} \(") as caught:
        open_tables(hostile, sparks("env:BANK_SPARK"))
    assert "geheim" not in str(caught.value)
    monkeypatch.delenv("BANK_SPARK")
    with pytest.raises(BadInput, match=r"engine.url reads environment variable BANK_SPARK, which"):
        open_tables(hostile, sparks("env:BANK_SPARK"))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"kind": "spark", "url": "http://spark"}, "'http://spark' is no Spark; write spark://"),
        ({"kind": "spark", "url": "sc://a/;token=geheim"}, "the URL holds a token; put it into"),
        ({"url": "local[2]"}, 'url and options are for kind = "spark"'),
        ({"options": {"spark.a": "1"}}, 'url and options are for kind = "spark"'),
    ],
)
def test_settings_that_do_not_fit_are_refused(told: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        EngineSettings.model_validate(told)
    assert "geheim" not in str(caught.value).split("input_value")[0]


def test_memory_that_is_no_size_is_refused(hostile: Path, sparks: Sparks) -> None:
    with pytest.raises(BadInput, match="memory 'plenty' is no size; write memory like '8GB'"):
        open_tables(hostile, sparks(memory="plenty"))


@pytest.fixture(scope="module")
def shanghai() -> Iterator[None]:
    """The machine's own time zone, which must not matter."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Shanghai"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


@pytest.fixture(scope="module")
def tables(java: None, shanghai: None, hostile: Path, sparks: Sparks) -> Iterator[Tables]:
    opened = open_tables(hostile, sparks(), ZONE)
    yield opened
    opened.connection.spark.stop()


@pytest.mark.slow
def test_every_feature_equals_the_embedded_engine(tables: Tables, hostile: Path) -> None:
    here = open_tables(hostile, timezone=ZONE)
    expected = frame_of(customer_features(here, DAYS).order_by(KEY))
    found = customer_features(tables, DAYS).order_by(KEY).to_pyarrow()
    equal(found, expected)
    equal_rows(tables, here)


def equal_rows(there: Tables, here: Tables) -> None:
    for name, contract in CONTRACTS.items():
        rows, expected = (one._asdict()[name].order_by(contract.key) for one in (there, here))
        equal(rows.to_pyarrow(), frame_of(expected))


@pytest.mark.slow
def test_views_of_a_spark_are_tables_too(tables: Tables, hostile: Path) -> None:
    session = tables.connection.spark.session
    for name in CONTRACTS:
        rows = session.read.parquet(*map(file_uri, table_files(hostile, name)))
        rows.createOrReplaceTempView(name)
    equal_rows(tables_in(tables.connection, ZONE), open_tables(hostile, timezone=ZONE))
    for name in CONTRACTS:
        session.catalog.dropTempView(name)


@pytest.mark.slow
def test_an_interruption_cancels_the_jobs_and_leaves_nothing(
    tables: Tables, one_feature: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark, exchange = tables.connection.spark, tables.connection.exchange
    jobs, before = spark.context.statusTracker(), set[int]()

    def interrupted() -> int:
        working = set(jobs.getActiveJobsIds())
        if list(exchange.glob(".spark-*/rows/_temporary")) and working & before:
            raise KeyboardInterrupt
        before.update(working)
        return 1

    monkeypatch.setattr(spark, "executors", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_features(tables, DAYS, tmp_path / "f.parquet", CELLS)
    assert not list(tmp_path.iterdir())
    assert not list(exchange.glob(".spark-*"))
    assert not jobs.getActiveJobsIds()
    assert jobs.getJobInfo(max(jobs.getJobIdsForGroup(None))).status != "SUCCEEDED"


@pytest.mark.slow
def test_rows_that_do_not_arrive_are_missed(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = type(tables.connection)._written
    monkeypatch.setattr(type(tables.connection), "_written", lambda *told: written(*told) + 1)
    with pytest.raises(BadInput, match=r"Spark wrote 5 rows, 4 reached '.*tables'.* be shared"):
        list(batches_of(tables.closures))


@pytest.mark.slow
def test_a_file_that_is_no_parquet_is_named(tables: Tables, tmp_path: Path, sparks: Sparks) -> None:
    for name in tables._fields[:5]:
        (tmp_path / f"{name}.parquet").write_text("no")
    with pytest.raises(BadInput, match=r"customers.parquet' cannot be read as Parquet"):
        open_tables(tmp_path, sparks())


@pytest.mark.slow
def test_nobody_to_write_is_refused(tables: Tables, one_feature: None, tmp_path: Path) -> None:
    nobody = tables._replace(customers=tables.customers.limit(0))
    with pytest.raises(BadInput, match="no customer was with the bank at 2024-02-29"):
        write_features(nobody, DAYS[:1], tmp_path / "f.parquet", CELLS)
    assert not list(tmp_path.iterdir())
