"""Spark Connect, served by the package that we depend on: the same features and scores."""

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from domain.errors import BadInput
from features.customer import customer_features
from features.engine import Tables, frame_of, open_tables
from features.history import data_days
from features.snapshot import write_features
from serving.batch import score_snapshot
from serving.sealed import SealedBundle, scorer_of
from serving.spark_batch import spark_crew
from tests.spark.conftest import CELLS, DAYS, STARTED, ZONE, Sparks, equal

pytestmark = [pytest.mark.slow, STARTED]


@pytest.fixture(scope="module")
def tables(connect_url: str, hostile: Path, sparks: Sparks) -> Iterator[Tables]:
    opened = open_tables(hostile, sparks(connect_url), ZONE)
    yield opened
    opened.connection.spark.stop()


def test_every_feature_equals_the_embedded_engine(
    tables: Tables, hostile: Path, tmp_path: Path
) -> None:
    assert tables.connection.spark.context is None
    out = tmp_path / "f.parquet"
    info = write_features(tables, DAYS[-1:], out, CELLS)  # one day alone is a query of its own
    here = open_tables(hostile, timezone=ZONE)
    expected = frame_of(customer_features(here, DAYS[-1]).order_by("customer_id"))
    equal(pq.read_table(out).drop(["cell_id"]), expected)
    assert info.rows == len(expected)
    assert data_days(tables) == data_days(here)


def test_scores_of_the_executors_are_those_of_this_process(
    tables: Tables, models: tuple[SealedBundle, ...], snapshot: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    scorer = scorer_of(models, threads=2, reasons=3)
    score_snapshot(snapshot, scorer, here, "g", rows=70)
    crew = spark_crew(tables.connection.spark, models)
    score_snapshot(snapshot, scorer, there, "g", rows=70, crew=crew)
    assert pq.read_table(there).equals(pq.read_table(here))


def test_the_process_may_use_another_spark_afterwards(tables: Tables) -> None:
    assert not {"SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED", "SPARK_LOCAL_REMOTE"} & set(
        os.environ
    )


def test_two_sparks_at_once_are_refused(tables: Tables, hostile: Path, sparks: Sparks) -> None:
    with pytest.raises(BadInput, match=r"already works with Spark at sc://127.0.0.1:\d+; let go"):
        open_tables(hostile, sparks(), ZONE)
