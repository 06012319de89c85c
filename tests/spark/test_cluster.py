"""A master and two workers, each a process: the same features and scores, whatever dies."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from domain.errors import BadInput
from features.customer import customer_features
from features.engine import Tables, frame_of, open_tables
from features.registry import FEATURES
from features.snapshot import write_features
from serving.batch import score_snapshot
from serving.sealed import SealedBundle, scorer_of
from serving.spark_batch import spark_crew
from tests.spark.conftest import (
    CELLS,
    DAYS,
    INTERPRETED,
    SMALL,
    STARTED,
    ZONE,
    Sparks,
    equal,
    wait_until,
)
from tests.spark.processes import Cluster

pytestmark = [pytest.mark.slow, STARTED]
KEY = ["customer_id", "as_of"]


@pytest.fixture(scope="module")
def tables(cluster: Cluster, hostile: Path, sparks: Sparks) -> Iterator[Tables]:
    told = sparks(cluster.url, options=SMALL | INTERPRETED)
    opened = open_tables(hostile, told, ZONE)
    yield opened
    opened.connection.spark.stop()


@pytest.fixture(scope="module")
def expected(hostile: Path) -> pd.DataFrame:
    return frame_of(customer_features(open_tables(hostile, timezone=ZONE), DAYS).order_by(KEY))


def test_the_bank_of_these_tests_is_worth_asking(expected: pd.DataFrame) -> None:
    assert len(expected) > 100
    empty = expected["transactions_365d"] == 0
    assert empty.any()
    assert expected["balance_last"].isna()[~empty].any()
    for name, known in FEATURES.items():
        if known.kind == "number":
            assert expected[name].nunique() > 1, name


def test_every_feature_equals_the_embedded_engine_though_a_worker_dies_in_mid_run(
    cluster: Cluster, tables: Tables, expected: pd.DataFrame, tmp_path: Path
) -> None:
    assert tables.connection.spark.executors() == 2
    out = tmp_path / "f.parquet"
    exchange = tables.connection.exchange
    killer = wait_until(
        lambda: list(exchange.glob(".spark-*/rows/_temporary")), cluster.kill_a_worker
    )
    write_features(tables, DAYS, out, CELLS, grid_version="g")
    killer.join()
    assert len(cluster.workers) == 1
    found = pq.read_table(out).drop(["cell_id"])
    assert found.column_names == [*KEY, *FEATURES]
    equal(found, expected)
    assert [path.name for path in tmp_path.iterdir()] == ["f.parquet"]
    assert not list(exchange.glob(".spark-*"))
    cluster.workers.append(cluster.worker())


def test_scores_of_the_executors_are_those_of_this_process(
    tables: Tables, models: tuple[SealedBundle, ...], snapshot: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    scorer = scorer_of(models, threads=2, reasons=3)
    alone = score_snapshot(snapshot, scorer, here, "g", rows=70)
    crew = spark_crew(tables.connection.spark, models)
    shares: list[float] = []
    summary = score_snapshot(
        snapshot, scorer, there, "g", lambda _, share: shares.append(share), 70, crew
    )
    assert pq.read_table(there).equals(pq.read_table(here))
    assert summary.risk_bands == alone.risk_bands
    assert (summary.customers, summary.parts, summary.resumed_parts) == (300, 5, 0)
    assert shares == sorted(shares)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here.parquet", "there.parquet"]


def test_a_run_that_was_stopped_here_goes_on_on_the_executors(
    tables: Tables, models: tuple[SealedBundle, ...], snapshot: Path, tmp_path: Path
) -> None:
    out, whole = tmp_path / "scores.parquet", tmp_path / "whole.parquet"
    scorer = scorer_of(models, threads=1, reasons=3)

    def stop(_: str, share: float) -> None:
        if share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_snapshot(snapshot, scorer, out, "g", stop, rows=70)
    crew = spark_crew(tables.connection.spark, models)
    summary = score_snapshot(snapshot, scorer, out, "g", rows=70, crew=crew)
    score_snapshot(snapshot, scorer, whole, "g", rows=70)
    assert summary.resumed_parts == 3
    assert out.read_bytes() == whole.read_bytes()


def test_an_executor_refuses_a_model_that_was_changed_on_the_way(
    tables: Tables, models: tuple[SealedBundle, ...], snapshot: Path, tmp_path: Path
) -> None:
    out = tmp_path / "scores.parquet"
    out.write_bytes(b"the scores of last month")
    trees = dict(models[0].files)["model.txt"]
    changed = {
        **dict(models[0].files),
        "model.txt": trees.replace(b"leaf_value=0", b"leaf_value=1"),
    }
    assert changed["model.txt"] != trees
    spoilt = models[0]._replace(files=tuple(changed.items()))
    crew = spark_crew(tables.connection.spark, (spoilt, models[1]))
    with pytest.raises(BadInput, match=r"^model.txt of the model bundle was changed; the model is"):
        score_snapshot(snapshot, scorer_of(models, 1, 3), out, "g", crew=crew)
    assert out.read_bytes() == b"the scores of last month"


def test_a_cluster_without_workers_is_given_up_and_nothing_is_written(
    cluster: Cluster,
    tables: Tables,
    one_feature: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spark, exchange = tables.connection.spark, tables.connection.exchange
    monkeypatch.setattr(spark, "settings", spark.settings.model_copy(update={"wait_seconds": 2}))

    def kill_all() -> None:
        while cluster.workers:
            cluster.kill_a_worker()

    killer = wait_until(lambda: list(exchange.glob(".spark-*/rows/_temporary")), kill_all)
    with pytest.raises(BadInput, match=r"has had no executor for 2 s; look whether its workers"):
        write_features(tables, DAYS, tmp_path / "f.parquet", CELLS)
    killer.join()
    assert not list(tmp_path.iterdir())
    assert not list(exchange.glob(".spark-*"))
