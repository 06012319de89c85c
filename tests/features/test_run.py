"""A feature run: the same bits whatever happens, and a killed one goes on where it stood."""

import os
import signal
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.tables import CONTRACTS
from features import run
from features.engine import open_tables, tables_of
from features.settings import EngineSettings
from features.snapshot import write_features
from features.statements import Statements
from features.steps import Step

DAYS = [date(2025, 12, 1), date(2026, 1, 1)]
IDS = [f"C{at:03d}" for at in range(60)]
CELLS = pd.DataFrame({"customer_id": IDS, "cell_id": "x"})
SCRIPT = """
import sys, time
from pathlib import Path
import pandas as pd
import pyarrow.feather as feather
from features import run
sys.path.insert(0, str(Path(sys.argv[3]).parent))
from test_run import CELLS, DAYS
from features.engine import open_tables
from features.snapshot import write_features
run.RESULTS_A_RANGE = 30
write = feather.write_feather
def slow(*words, **more):
    write(*words, **more)
    sys.stdout.write("part\\n")  # at once: two threads print
    sys.stdout.flush()
    time.sleep(0.2)
feather.write_feather = slow
tables, out = open_tables(Path(sys.argv[1])), Path(sys.argv[2])
write_features(tables, DAYS, out, CELLS, data_hashes={"a": "1"})
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bank as files."""
    draw = np.random.default_rng(3)
    posted = np.datetime64("2024-11-01", "us") + draw.integers(0, 420 * 86400, 3000).astype("m8[s]")
    late = draw.random(3000) < 0.1
    rows = pd.DataFrame(
        {
            "transaction_id": [f"{at:05d}" for at in range(3000)],
            "customer_id": draw.choice(IDS, 3000),
            "posted_at": posted,
            "amount": draw.normal(0, 100, 3000),
            "balance_after": draw.normal(0, 1000, 3000),
            "category": draw.choice(["salary", "rent"], 3000),
            "available_at": np.where(late, posted + np.timedelta64(40, "D"), np.datetime64("NaT")),
        }
    )
    customers = pd.DataFrame({"customer_id": IDS, "onboarded_on": "2024-01-01"})
    tables = tables_of({"customers": customers, "transactions": rows})
    home = tmp_path_factory.mktemp("bank")
    for name in CONTRACTS:
        pq.write_table(getattr(tables, name).to_pyarrow(), home / f"{name}.parquet")
    return home


def written(folder: Path, out: Path, threads: int = 2) -> bytes:
    tables = open_tables(folder, EngineSettings(threads=threads))
    write_features(tables, DAYS, out, CELLS, data_hashes={"a": "1"})
    return out.read_bytes()


@pytest.fixture
def ranged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty customers and two cut-offs in four ranges."""
    monkeypatch.setattr(run, "RESULTS_A_RANGE", 30)


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A run of two threads and four ranges that nothing disturbed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "RESULTS_A_RANGE", 30)
        return written(folder, tmp_path_factory.mktemp("whole") / "features.parquet")


def test_threads_and_repetition_change_no_bit(
    folder: Path, whole: bytes, ranged: None, tmp_path: Path
) -> None:
    assert written(folder, tmp_path / "b.parquet") == whole
    assert written(folder, tmp_path / "c.parquet", threads=1) == whole


def test_a_killed_run_goes_on_where_it_stood(
    folder: Path, whole: bytes, ranged: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "killed.parquet"
    words = [sys.executable, "-c", SCRIPT, str(folder), str(out), __file__]
    here = {**os.environ, "PYTHONPATH": str(Path(run.__file__).parents[1])}
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=here) as child:
        assert child.stdout is not None
        for _ in range(
            3
        ):  # each told before it is in place: the first is, when its thread tells again
            assert child.stdout.readline() == b"part\n"
        os.kill(child.pid, signal.SIGKILL)
    (parts,) = tmp_path.glob(".killed.parquet-parts-*")
    done = {part: part.stat().st_mtime_ns for part in parts.glob("*.arrow")}
    assert 1 <= len(done) < 4
    assert not out.exists()
    computed = []
    compute = run._Worker.compute
    monkeypatch.setattr(
        run._Worker, "compute", lambda self, bound: computed.append(bound) or compute(self, bound)
    )
    assert written(folder, out) == whole
    assert len(computed) == 4 - len(done)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["killed.parquet"]


def test_parts_of_other_data_are_not_taken(
    folder: Path, whole: bytes, ranged: None, tmp_path: Path
) -> None:
    stale = tmp_path / ".out.parquet-parts-0123456789abcdef"
    stale.mkdir()
    (stale / "00000.arrow").write_bytes(b"of something else")
    assert written(folder, tmp_path / "out.parquet") == whole
    assert not stale.exists()


def test_ranges_hold_every_customer_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "TRANSACTIONS_A_RANGE", 500)
    bounds = run.ranges(open_tables(folder), 1)
    assert len(bounds) == 6
    for who in IDS:
        assert sum(low <= who < high for low, high in bounds) == 1


def test_a_run_whose_query_cannot_be_compiled_ends_with_the_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, told = sys.getswitchinterval(), []

    def refused(*_: object) -> str:
        told.append(sys.getswitchinterval())  # the workers open their engines meanwhile
        raise ValueError("no such word")

    monkeypatch.setattr(run, "compiled", refused)
    cells = pa.Table.from_pandas(CELLS, preserve_index=False)
    with pytest.raises(ValueError, match="no such word"):
        list(run.run(open_tables(folder), DAYS, cells))
    assert told[0] < usual / 5
    assert sys.getswitchinterval() == usual


def test_the_first_steps_run_before_the_last_is_compiled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, make, compiled = threading.Event(), Step.make, run.compiled

    def made(self: Step, *words: Any) -> None:
        make(self, *words)
        ran.set()

    def slow(told: Statements, *words: Any) -> str:
        features = compiled(told, *words)
        assert ran.wait(60)
        return features

    monkeypatch.setattr(Step, "make", made)
    monkeypatch.setattr(run, "compiled", slow)
    cells = pa.Table.from_pandas(CELLS, preserve_index=False)
    (only,) = run.run(open_tables(folder), DAYS, cells)
    assert len(only.rows) == len(IDS) * len(DAYS)


def test_the_start_of_a_run_does_not_wait_for_pandas(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from datetime import date; "
        "from features.engine import open_tables; from features.run import ranges; "
        "from features.statements import Statements, compiled, plan_tables; "
        "from features.panes import plans; tables = open_tables(Path(sys.argv[1])); "
        "ranges(tables, 1); (panes,) = plans([date(2026, 1, 1)], 'UTC'); "
        "compiled(Statements(panes, {}), tables, ['recency_days']); plan_tables(panes); "
        "print('pandas' in sys.modules)"
    )
    here = {**os.environ, "PYTHONPATH": str(Path(run.__file__).parents[1])}
    words = [sys.executable, "-c", code, str(folder)]
    found = subprocess.run(words, capture_output=True, text=True, env=here, check=True)
    assert found.stdout == "False\n"
