"""What is written honours the umask, and what killed runs left is removed by the next."""

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from domain.errors import BadInput
from domain.grid import partition
from domain.layout import Layout
from features.atomic import claim, growing, new_folder, replacing
from features.engine import connect
from features.grid_store import write_grid
from features.intake import take_in
from features.settings import SourceSettings
from features.spill import SPILL

CHILD = """
import sys, time
from pathlib import Path
from features.atomic import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write_text("rows of customers")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=[0o002, 0o022, 0o027, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(root: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in root.rglob("*")}


def granted(root: Path, umask: int) -> dict[str, int]:
    """What the umask leaves of every file and folder."""
    return {path.name: (0o777 if path.is_dir() else 0o666) & ~umask for path in root.rglob("*")}


def test_a_file_has_the_mode_that_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    with replacing(tmp_path / "deep" / "a.txt") as file:
        file.write_text("a")
        assert file.stat().st_mode & 0o777 == 0o666 & ~umask
    assert modes(tmp_path) == granted(tmp_path, umask)


def test_a_grid_has_the_modes_that_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    people = pd.DataFrame({"customer_id": ["a"], "district": ["North"]})
    grid = partition(people, valid_from=date(2026, 1, 1))
    write_grid(grid, Layout(tmp_path))
    assert {"current", "assignment.parquet", grid.version} <= set(modes(tmp_path))
    assert modes(tmp_path) == granted(tmp_path, umask)


def test_clean_tables_and_quarantine_have_the_modes_that_the_umask_leaves(
    tmp_path: Path, umask: int
) -> None:
    bank = tmp_path / "bank"
    bank.mkdir()
    (bank / "customers.csv").write_text("customer_id,onboarded_on\nC1,2020-01-01\n", "utf-8")
    rows = "transaction_id,customer_id,posted_at,amount\nT1,C1,2026-01-05,1\nT2,C1,soon,1\n"
    (bank / "transactions.csv").write_text(rows, "utf-8")
    settings = SourceSettings.model_validate(
        {
            "customers": {"file": "customers.csv"},
            "transactions": {"file": "transactions.csv"},
            "rejected_share_max": 1,
        }
    )
    out = tmp_path / "out"
    take_in(settings, bank, Layout(out)).require_sound()
    assert {"tables", "quarantine", "quality.json"} <= set(modes(out))
    assert modes(out) == granted(out, umask)


def writer(repository: Path, target: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(target)]
    child = subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "writing\n"
    return child


def test_what_a_killed_run_left_is_removed_and_what_another_writes_is_not(
    tmp_path: Path, repository: Path
) -> None:
    target = tmp_path / "a.txt"
    (tmp_path / ".b.txt-0.tmp").write_text("of another file")
    with writer(repository, target) as alive:
        with writer(repository, target) as killed:
            assert len(list(tmp_path.glob(".a.txt-*"))) == 2
            killed.kill()
        with replacing(target) as file:
            file.write_text("whole")
        assert len(list(tmp_path.glob(".a.txt-*"))) == 1
        alive.kill()
    with replacing(target) as file:
        file.write_text("whole again")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".b.txt-0.tmp", "a.txt"]


def test_a_folder_that_was_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".grid-0.tmp" / "deep").mkdir(parents=True)
    with growing(tmp_path, ".grid-", new_folder) as folder:
        assert [path.name for path in tmp_path.iterdir()] == [folder.name]
        with growing(tmp_path, ".grid-", new_folder):
            assert folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_spilled_rows_of_a_killed_run_are_removed_and_those_of_a_living_one_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"{SPILL}0.tmp").mkdir()
    (tmp_path / f"{SPILL}0.tmp" / "rows").write_text("of customers")
    first = connect()
    (mine,) = tmp_path.iterdir()
    assert mine.stat().st_mode & 0o077 == 0
    second = connect()
    assert len(list(tmp_path.iterdir())) == 2
    del first, second
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(BadInput, match=r"cannot write '.*a\.txt'"), replacing(tmp_path / "a.txt"):
        raise OSError(28, "No space left on device")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("refusal", [FileNotFoundError, FileExistsError])
def test_a_folder_that_takes_no_files_is_said_and_not_tried_for_ever(
    tmp_path: Path, refusal: type[OSError]
) -> None:
    tried: list[Path] = []

    def make(path: Path) -> None:
        tried.append(path)
        assert len(tried) < 10_000, "tried for ever"
        raise refusal(path)

    with pytest.raises(BadInput, match="takes no new files"):
        claim(tmp_path, ".a-", make)
    assert len(set(tried)) == len(tried)


def test_a_name_that_is_lost_before_it_is_locked_is_followed_by_another(tmp_path: Path) -> None:
    tried: list[Path] = []

    def make(path: Path) -> None:
        tried.append(path)
        if len(tried) > 2:
            path.touch()

    path, lock = claim(tmp_path, ".a-", make)
    os.close(lock)
    assert (path, len(tried)) == (tried[-1], 3)
