"""The crew of executors, without Spark: what it sends, and what it misses."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from domain.errors import BadInput
from serving.batch import score_snapshot
from serving.registry import FetchedBundle
from serving.sealed import SealedBundle, scorer_of, seal
from serving.spark_batch import spark_crew


class FakeSpark:
    """One worker in this process; `lost` parts are written where nobody looks."""

    def __init__(self, lost: int = 0) -> None:
        self.lost, self.sent = lost, b""
        self.session = self

    def range(self, start: int, end: int, step: int, partitions: int) -> "FakeSpark":
        assert partitions == end
        self.numbers = list(range(start, end, step))
        return self

    def mapInArrow(self, work, schema):
        self.sent = pickle.dumps(work)
        batch = pa.record_batch({"id": self.numbers[self.lost :]})
        return SimpleNamespace(toArrow=lambda: list(work(iter([batch]))))

    def run(self, action, tick):
        action()
        tick()


@pytest.fixture(scope="module")
def bundle(retention_folder) -> SealedBundle:
    return seal("retention", FetchedBundle(retention_folder[0], "3", retention_folder[1]))


@pytest.fixture
def snapshot(tmp_path, frames) -> Path:
    path = tmp_path / "snapshot.parquet"
    frames(100, seed=4).to_parquet(path, row_group_size=33)
    return path


def test_the_parts_are_those_of_this_process(tmp_path, snapshot, bundle):
    here, there, scorer = tmp_path / "here", tmp_path / "there", scorer_of([bundle], 2, 3)
    score_snapshot(snapshot, scorer, here, "g", rows=40)
    score_snapshot(snapshot, scorer, there, "g", rows=40, crew=spark_crew(FakeSpark(), [bundle]))
    assert here.read_bytes() == there.read_bytes()


def test_only_plain_values_and_the_name_of_a_function_travel(tmp_path, snapshot, bundle):
    spark = FakeSpark()
    crew = spark_crew(spark, [bundle])
    score_snapshot(snapshot, scorer_of([bundle], 2, 3), tmp_path / "out", "g", crew=crew)
    strange = {line for line in spark.sent.split(b"\x8c") if b"SealedBundle" in line}
    assert not strange
    assert b"_work" in spark.sent
    assert b"PosixPath" not in spark.sent


def test_parts_that_do_not_arrive_are_missed(tmp_path, snapshot, bundle):
    crew = spark_crew(FakeSpark(lost=1), [bundle])
    out = tmp_path / "out"
    with pytest.raises(BadInput, match=r"Spark finished 3 parts, 2 reached '.*out.parts'.* shared"):
        score_snapshot(snapshot, scorer_of([bundle], 2, 3), out, "g", rows=40, crew=crew)
    assert not out.exists()


def test_nothing_is_sent_when_every_part_is_there(tmp_path, snapshot, bundle, monkeypatch):
    scorer, out = scorer_of([bundle], 2, 3), tmp_path / "out"

    def stop(_: str, share: float) -> None:
        if share > 0.7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_snapshot(snapshot, scorer, out, "g", stop, rows=40)
    spark = FakeSpark()
    summary = score_snapshot(snapshot, scorer, out, "g", rows=40, crew=spark_crew(spark, [bundle]))
    assert (summary.resumed_parts, spark.sent) == (3, b"")


def test_bundles_without_a_retention_model_are_refused():
    with pytest.raises(BadInput, match="no retention model to score with"):
        scorer_of([], 1, 3)


def test_a_bundle_that_is_not_the_registered_one_is_never_sealed(retention_folder):
    with pytest.raises(BadInput, match=r"hashes.json of the model bundle is not the registered"):
        seal("retention", FetchedBundle(retention_folder[0], "3", "0" * 64))
