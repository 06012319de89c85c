import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import psutil
import pytest
from distributed import LocalCluster
from sklearn.metrics import roc_auc_score

from domain.errors import BadInput
from training.boosting import cluster as clusters
from training.boosting import distributed as growing
from training.boosting.cluster import cluster
from training.boosting.distributed import distributed, kept_aside
from training.evaluation.metrics import log_losses
from training.report import TrainReport
from training.retention import RetentionClassifier
from training.rows.dataset import DRAW, TARGET
from training.rows.encoding import manifest_of
from training.rows.store import Counts, StoredRows, customer_draws
from training.settings import RetentionSettings, TrackingSettings
from training.tracking import Store

pytestmark = pytest.mark.slow

ROWS = 8_000
SETTINGS = RetentionSettings(learner="dask", rounds=100, learning_rate=0.1, workers=2)


class Case(NamedTuple):
    """Rows in files, and other rows with the probability of loss that they were drawn with."""

    stored: StoredRows
    frame: Any
    later: Any


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, draw_population: Callable[..., Any]) -> Case:
    folder = tmp_path_factory.mktemp("rows")
    X, y, _ = draw_population(ROWS)
    ids = X.index.map("C{:05d}".format).to_series(index=X.index)
    frame = X.assign(customer_id=ids, **{TARGET: y, DRAW: customer_draws(ids, 0)})
    parts = []
    for at, part in enumerate(np.array_split(np.arange(ROWS), 8)):
        parts.append(folder / f"part-{at}.parquet")
        frame.iloc[part].to_parquet(parts[-1], index=False)
    counts = Counts(ROWS, ROWS, int(y.sum()), int(y.sum()))
    later = draw_population(8000, seed=2)
    return Case(StoredRows(folder / "none", tuple(parts), (), counts), frame, later)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[LocalCluster]:
    """Two worker processes that are there before the training, as a bank's own would be."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
    ) as found:
        yield found


@pytest.fixture(scope="module")
def model(case: Case, scheduler: LocalCluster, tmp_path_factory: Any) -> RetentionClassifier:
    settings = SETTINGS.model_copy(update={"scheduler": scheduler.scheduler_address})
    with distributed(case.stored, settings, tmp_path_factory.mktemp("work")) as fit:
        return fit(RetentionClassifier(rounds=100, learning_rate=0.1))


def test_it_foretells_as_well_as_one_process(case: Case, model: RetentionClassifier) -> None:
    local = RetentionClassifier(rounds=100, learning_rate=0.1)
    names = model.manifest_.names
    local.fit(case.frame[names], case.frame[TARGET])
    X, y, p = case.later
    ours, theirs = (found.predict_proba(X)[:, 1] for found in (model, local))
    # the noise of seeds, and a fifth of the customers kept aside
    assert roc_auc_score(y, ours) == pytest.approx(roc_auc_score(y, theirs), abs=0.005)
    assert roc_auc_score(y, ours) > roc_auc_score(y, p) - 0.02
    assert ours.mean() == pytest.approx(p.mean(), abs=0.01)
    assert np.corrcoef(ours, p)[0, 1] > 0.97


def test_the_vocabulary_is_that_of_all_rows(case: Case, model: RetentionClassifier) -> None:
    assert model.manifest_ == manifest_of(case.stored.train)
    kind = next(column for column in model.manifest_.columns if column.name == "customer_kind")
    assert kind.vocabulary == ("business", "person")
    assert model.booster_.feature_name() == model.manifest_.names


def test_the_rounds_are_those_that_foretell_the_customers_kept_aside(
    case: Case, model: RetentionClassifier
) -> None:
    aside = case.frame[case.frame[DRAW] < 0.2]
    matrix = model.manifest_.encode(aside)

    def loss(rounds: int) -> float:
        margin = model.booster_.predict(matrix, raw_score=True, num_iteration=rounds)
        return float(log_losses(aside[TARGET].to_numpy(float), 1 / (1 + np.exp(-margin))).mean())

    losses = [loss(rounds) for rounds in range(1, model.rounds_ + 1)]
    assert model.booster_.num_trees() == model.rounds_ == int(np.argmin(losses)) + 1
    assert 10 < model.rounds_ <= 100
    calibrated = model.predict_proba(aside)[:, 1]
    assert calibrated.mean() == pytest.approx(aside[TARGET].mean(), abs=0.003)
    assert model.out_of_fold_log_loss_ <= min(losses) + 1e-3


def test_nobody_kept_aside_teaches_a_tree(case: Case, model: RetentionClassifier) -> None:
    taught = int(model.booster_.dump_model()["tree_info"][0]["tree_structure"]["internal_count"])
    assert taught == int((case.frame[DRAW] >= kept_aside(case.stored, SETTINGS)).sum())
    few = SETTINGS.model_copy(update={"judge_customers": 600})
    assert kept_aside(case.stored, few) == pytest.approx(600 / ROWS)


def test_the_trees_name_no_machine_and_read_back(case: Case, model: RetentionClassifier) -> None:
    text = model.booster_.model_to_string()
    assert "127.0.0.1" not in text
    assert "machines: " not in text
    X, _, _ = case.later
    matrix = model.manifest_.encode(X)
    again = lgb.Booster(model_str=text).predict(matrix)
    np.testing.assert_array_equal(again, model.booster_.predict(matrix))


def test_rows_of_one_class_kept_aside_are_told(case: Case, tmp_path: Path) -> None:
    few = SETTINGS.model_copy(update={"judge_customers": 1})
    with (
        pytest.raises(BadInput, match="kept aside hold one class"),
        distributed(case.stored, few, tmp_path),
    ):
        pass


def test_a_worker_that_cannot_read_the_rows_is_named(
    scheduler: LocalCluster, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"scheduler": scheduler.scheduler_address})
    with (
        cluster(settings, tmp_path) as workers,
        pytest.raises(BadInput, match=r"worker tcp://.* cannot read .*nowhere.*output\.folder"),
    ):
        workers.require_visible([tmp_path / "nowhere"])


def test_fewer_workers_than_asked_for_are_told(
    scheduler: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "REACH_SECONDS", 0.5)
    changes = {"scheduler": scheduler.scheduler_address, "workers": 3}
    with (
        pytest.raises(BadInput, match=r"has 2 workers and retention\.workers asks for 3"),
        cluster(SETTINGS.model_copy(update=changes), tmp_path),
    ):
        pass


def test_a_scheduler_lost_while_it_works_is_told(tmp_path: Path) -> None:
    alone = {"n_workers": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(host="127.0.0.1", protocol="tcp", **alone) as found:
        settings = SETTINGS.model_copy(update={"scheduler": found.scheduler_address, "workers": 1})
        with cluster(settings, tmp_path) as workers:
            end = threading.Timer(1.0, found.close)
            end.start()
            with pytest.raises(BadInput, match=r"Dask (scheduler|worker .*) was lost"):
                workers.run(lambda: time.sleep(120))
        end.join()  # two that close it at once would get in each other's way


def test_an_error_of_the_work_is_not_taken_for_the_clusters(
    scheduler: LocalCluster, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"scheduler": scheduler.scheduler_address})
    with cluster(settings, tmp_path) as workers:
        assert workers.run(lambda: 3) == 3
        with pytest.raises(ZeroDivisionError):
            workers.run(lambda: 1 // 0)
        with pytest.raises(BadInput, match="worker lacks a package"):
            workers.run(lambda: __import__("no_such_package"))


def registered(folder: Path) -> list[Any]:
    return list(Store(TrackingSettings(), folder).models())


@pytest.fixture
def nowhere() -> str:
    """The address of a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def test_a_scheduler_out_of_reach_is_told_and_nothing_is_registered(
    nowhere: str,
    train: Callable[..., TrainReport],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clusters, "REACH_SECONDS", 1.0)
    with pytest.raises(BadInput, match=f"scheduler at '{nowhere}' does not answer"):
        train("retention", tmp_path, learner="dask", scheduler=nowhere)
    assert registered(tmp_path) == []
    assert not list(tmp_path.glob(".rows-*"))


@pytest.mark.parametrize("address", ["nonsense://x", "127.0.0.1", "tcp://no.such.host.invalid:1"])
def test_an_address_that_is_none_is_told(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "REACH_SECONDS", 1.0)
    with (
        pytest.raises(BadInput, match=r"does not answer .* correct retention\.scheduler"),
        cluster(SETTINGS.model_copy(update={"scheduler": address}), tmp_path),
    ):
        pass


def test_a_worker_lost_while_it_learns_is_told_and_nothing_is_registered(
    train: Callable[..., TrainReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "PATIENCE", 100_000)  # one stretch of trees that would take hours
    more = growing.RemoteRows.more

    def losing(rows: Any, *arguments: Any) -> Any:
        pids = rows.workers.client.run(os.getpid)
        victim = pids[rows.workers.workers[0]]
        threading.Timer(3.0, os.kill, (victim, signal.SIGKILL)).start()
        return more(rows, *arguments)

    monkeypatch.setattr(growing.RemoteRows, "more", losing)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    began = time.monotonic()
    with pytest.raises(BadInput, match=r"Dask worker tcp://.* was lost .* nothing was registered"):
        train("retention", tmp_path, learner="dask", rounds=100_000)
    assert time.monotonic() - began < 300  # and does not wait for LightGBM's two hours
    assert registered(tmp_path) == []
    assert not list(tmp_path.glob(".rows-*"))
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert [child for child in left if "spawn_main" in " ".join(child.cmdline())] == []
