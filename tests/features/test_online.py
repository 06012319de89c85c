"""The look-up store: the row of one customer is the batch row, bit for bit."""

import resource
import signal
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from domain.errors import BadInput
from features.engine import tables_of
from features.online import OnlineFeatures, build_online
from features.registry import FEATURES
from features.snapshot import read_features, write_features

DAYS = [date(2026, 2, 1), date(2026, 3, 1)]
IDS = [f"客户{at}" for at in range(300)]
NUMBERS = [name for name, known in FEATURES.items() if known.kind == "number"]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = np.random.default_rng(2)
    transactions = pd.DataFrame(
        {
            "transaction_id": [str(at) for at in range(3000)],
            "customer_id": draw.choice(IDS[5:], 3000),
            "posted_at": np.datetime64("2025-10-01", "us")
            + draw.integers(0, 150 * 86400 * 10**6, 3000).astype("timedelta64[us]"),
            "amount": draw.normal(0, 50, 3000),
            "balance_after": draw.normal(0, 1e9, 3000),
        }
    )
    kinds = draw.choice(["person", "企业", '"quoted"', None], len(IDS))
    customers = pd.DataFrame({"customer_id": IDS, "onboarded_on": "2025-01-01", "kind": kinds})
    cells = pd.DataFrame({"customer_id": IDS, "cell_id": draw.choice(["x", "y"], len(IDS))})
    tables = tables_of({"customers": customers, "transactions": transactions})
    out = tmp_path_factory.mktemp("snapshot") / "f.parquet"
    write_features(tables, DAYS, out, cells, grid_version="grid-9")
    return out


@pytest.fixture(scope="module")
def store(snapshot: Path) -> Path:
    out = snapshot.parent / "online" / "f.sqlite"
    build_online(snapshot, out)
    return out


@pytest.fixture(scope="module")
def batch(snapshot: Path) -> pd.DataFrame:
    rows = read_features(snapshot)
    return rows[rows["as_of"] == DAYS[-1]].reset_index(drop=True)


def test_the_online_row_is_the_batch_row_bit_for_bit(store: Path, batch: pd.DataFrame) -> None:
    found = OnlineFeatures(store).get(batch["customer_id"].tolist())
    pd.testing.assert_frame_equal(found, batch, check_exact=True)
    bits = [frame[NUMBERS].to_numpy().view(np.int64) for frame in (found, batch)]
    assert (bits[0] == bits[1]).all()
    assert (found.dtypes == batch.dtypes).all()


def test_one_at_a_time_equals_all_at_once(store: Path, batch: pd.DataFrame) -> None:
    online = OnlineFeatures(store)
    for place in (0, 7, 299):
        row = online.get([batch["customer_id"][place]])
        expected = batch.iloc[[place]].reset_index(drop=True)
        pd.testing.assert_frame_equal(row, expected, check_exact=True)


def test_only_known_customers_come_back_in_the_order_asked_for(store: Path) -> None:
    found = OnlineFeatures(store).get([IDS[9], "nobody", IDS[1], IDS[9], "' OR 1=1 --"])
    assert found["customer_id"].tolist() == [IDS[9], IDS[1]]


def test_nobody_known_is_no_row_of_the_same_columns(store: Path, batch: pd.DataFrame) -> None:
    found = OnlineFeatures(store).get(["nobody"])
    assert found.empty
    assert list(found.columns) == list(batch.columns)
    assert (found[NUMBERS].dtypes == "float64").all()


def test_the_store_says_what_it_holds(store: Path) -> None:
    online = OnlineFeatures(store)
    assert (online.as_of, online.grid_version, len(online)) == (DAYS[-1], "grid-9", 300)
    assert online.features == tuple(FEATURES)


def test_many_threads_read_the_same_rows(store: Path, batch: pd.DataFrame) -> None:
    online, wrong = OnlineFeatures(store), []

    def ask(start: int) -> None:
        for place in range(start, 300, 8):
            row = online.get([batch["customer_id"][place]])
            if row["cell_id"].tolist() != [batch["cell_id"][place]]:
                wrong.append(place)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_new_store_takes_the_place_of_one_that_is_open(snapshot: Path, tmp_path: Path) -> None:
    out = tmp_path / "f.sqlite"
    build_online(snapshot, out)
    old = OnlineFeatures(out)
    build_online(snapshot, out)
    assert len(old.get(IDS[:3])) == len(OnlineFeatures(out).get(IDS[:3])) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["f.sqlite"]


def test_the_store_cannot_be_written_through(store: Path) -> None:
    before = store.read_bytes()
    with pytest.raises(Exception, match="readonly"):
        OnlineFeatures(store)._connection().execute("DELETE FROM features")
    assert store.read_bytes() == before


@pytest.fixture
def small_files() -> Iterator[None]:
    """Files may not grow beyond 16 kB, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16384, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_nothing_half_written(
    snapshot: Path, tmp_path: Path, small_files: None
) -> None:
    with pytest.raises(BadInput, match=r"cannot write '.*f.sqlite'"):
        build_online(snapshot, tmp_path / "f.sqlite")
    assert not list(tmp_path.iterdir())


def test_what_is_no_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"absent.sqlite' is missing"):
        OnlineFeatures(tmp_path / "absent.sqlite")
    (tmp_path / "text.sqlite").write_text("no database at all, only some words in a row " * 20)
    with pytest.raises(BadInput, match=r"text.sqlite' is not a look-up store"):
        OnlineFeatures(tmp_path / "text.sqlite")
