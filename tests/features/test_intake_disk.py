"""The output folder: read-only, full, in use, or left by a run that was killed."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from features.door import disk
from features.intake import data_hashes, take_in
from features.parts import verify_parts
from features.settings import SourceSettings

SOURCE = SourceSettings.model_validate(
    {"customers": {"file": "customers.parquet"}, "transactions": {"file": "transactions.parquet"}}
)
RUN = """
import os, sys
from pathlib import Path
from domain.errors import BadInput
from domain.layout import Layout
from features.intake import take_in
import features.door.passage  # while the interpreter may still be read
from features.settings import SourceSettings
if len(sys.argv) > 4:
    os.setuid(int(sys.argv[4]))  # read-only means nothing to root
source = SourceSettings.model_validate_json(sys.argv[1])
try:
    take_in(source, Path(sys.argv[2]), Layout(Path(sys.argv[3])))
except BadInput as error:
    sys.exit(f"BADINPUT {error}")
"""


def write_bank(folder: Path, rows: int = 50) -> Path:
    """A bank whose transactions hardly compress."""
    folder.mkdir(exist_ok=True)
    draw = np.random.default_rng(3)
    people = pd.DataFrame({"customer_id": ["C1", "C2"], "onboarded_on": ["2020-01-01"] * 2})
    people.to_parquet(folder / "customers.parquet")
    pd.DataFrame(
        {
            "transaction_id": [f"T{at}" for at in range(rows)],
            "customer_id": draw.choice(["C1", "C2"], rows),
            "posted_at": pd.Timestamp("2026-01-01"),
            "amount": draw.normal(size=rows),
        }
    ).to_parquet(folder / "transactions.parquet")
    return folder


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def child(
    repository: Path, bank: Path, out: Path, user: int | None = None, before: str = ""
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", before + RUN, SOURCE.model_dump_json(), str(bank), str(out)]
    command += [] if user is None else [str(user)]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(BadInput, match=r"cannot write the tables to .*file/out: Not a directory"):
        take_in(SOURCE, write_bank(tmp_path / "bank"), Layout(tmp_path / "file" / "out"))


def test_a_read_only_folder_is_named_and_left_alone(tmp_path: Path, repository: Path) -> None:
    bank, out = write_bank(tmp_path / "bank"), tmp_path / "out"
    take_in(SOURCE, bank, Layout(out)).require_sound()
    before = contents(out)
    write_bank(bank, 60)
    for folder in (tmp_path, *tmp_path.parents):  # so that another user reaches it at all
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to(tmp_path.parents[1]):
            folder.chmod(0o755)
    out.chmod(0o555)
    run = child(repository, bank, out, user=65534 if os.getuid() == 0 else None)
    out.chmod(0o755)
    assert run.returncode == 1
    assert run.stderr.startswith(
        f"BADINPUT cannot write the tables to {out.as_posix()}: Permission"
    )
    assert contents(out) == before


def test_a_full_disk_leaves_the_old_tables_and_nothing_half_written(
    tmp_path: Path, repository: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, stderr=-3).returncode:
        pytest.skip("no right to mount a small disk here; the file size limit below is tested")
    try:
        bank, out = write_bank(tmp_path / "bank"), disk / "out"
        take_in(SOURCE, bank, Layout(out)).require_sound()
        before = contents(out)
        write_bank(bank, 400_000)
        run = child(repository, bank, out)
        assert run.returncode == 1
        assert "BADINPUT cannot write the tables" in run.stderr
        assert "No space left on device" in run.stderr
        assert contents(out) == before
        assert sorted(path.name for path in out.iterdir()) == [
            "quality.json",
            "quarantine",
            "tables",
        ]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_file_that_may_not_grow_leaves_the_old_tables_and_nothing_half_written(
    tmp_path: Path, repository: Path
) -> None:
    bank, out = write_bank(tmp_path / "bank"), tmp_path / "out"
    take_in(SOURCE, bank, Layout(out)).require_sound()
    before = contents(out)
    write_bank(bank, 400_000)
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n"
    run = child(repository, bank, out, before=limit)
    assert run.returncode == 1
    assert "BADINPUT cannot write the tables" in run.stderr
    assert contents(out) == before
    assert sorted(path.name for path in out.iterdir()) == ["quality.json", "quarantine", "tables"]


def test_an_interrupted_run_leaves_the_old_tables(tmp_path: Path) -> None:
    bank, layout = write_bank(tmp_path / "bank"), Layout(tmp_path / "out")
    take_in(SOURCE, bank, layout).require_sound()
    before = contents(layout.root)
    write_bank(bank, 70)

    def interrupt(step: str, done: float) -> None:
        if "comparing closures" in step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_in(SOURCE, bank, layout, "UTC", interrupt)
    assert contents(layout.root) == before


def test_a_move_that_fails_brings_the_old_tables_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, layout = write_bank(tmp_path / "bank"), Layout(tmp_path / "out")
    take_in(SOURCE, bank, layout).require_sound()
    before = data_hashes(layout)
    write_bank(bank, 70)
    real = os.replace

    def failing(source: Path, target: Path) -> None:
        if Path(source).parent.name.startswith(".intake-") and Path(target) == layout.tables:
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(disk, "exchange", lambda *_: False)  # a system without that step
    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(BadInput, match="No space left on device"):
        take_in(SOURCE, bank, layout)
    assert data_hashes(layout) == before


def test_a_run_killed_between_the_two_moves_is_repaired_by_the_next(tmp_path: Path) -> None:
    bank, layout = write_bank(tmp_path / "bank"), Layout(tmp_path / "out")
    take_in(SOURCE, bank, layout).require_sound()
    before = data_hashes(layout)
    layout.tables.rename(layout.root / "tables.old")
    (layout.root / ".intake-left").mkdir()
    (bank / "transactions.parquet").unlink()
    assert not take_in(SOURCE, bank, layout).quality.sound
    assert data_hashes(layout) == before
    assert sorted(path.name for path in layout.root.iterdir()) == [
        "quality.json",
        "quarantine",
        "tables",
    ]


def test_two_runs_never_write_at_once(tmp_path: Path) -> None:
    bank, layout = write_bank(tmp_path / "bank"), Layout(tmp_path / "out")
    layout.root.mkdir()
    handle = os.open(layout.root, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match="another run is writing"):
            take_in(SOURCE, bank, layout)
    finally:
        os.close(handle)
    take_in(SOURCE, bank, layout).require_sound()


KILLED = """
import os, sys
from pathlib import Path
from domain.layout import Layout
from features.door import disk, passage, written
from features.intake import take_in
from features.settings import SourceSettings

source, bank, out, place, count = sys.argv[1:]
left = int(count)

def die_when_it_is_time():
    global left
    left -= 1
    if left <= 0:
        os.kill(os.getpid(), 9)

def deadly(owner, name, when):
    real = getattr(owner, name)
    def wrapped(*given, **named):
        if when == "before":
            die_when_it_is_time()
        result = real(*given, **named)
        if when == "after":
            die_when_it_is_time()
        return result
    setattr(owner, name, wrapped)

def progress(step, done):
    if place == step:
        os.kill(os.getpid(), 9)

owners = {"disk": disk, "Passage": passage.Passage, "Written": written.Written}
if "." in place and " " not in place.split(".")[0]:
    owner, name, when = place.split(".")
    deadly(owners[owner], name, when)
take_in(SourceSettings.model_validate_json(source), Path(bank), Layout(Path(out)), "UTC", progress)
"""
GROWING = SourceSettings.model_validate(
    {"customers": {"file": "customers.parquet"}, "transactions": {"file": "transactions*.parquet"}}
)


def killed(repository: Path, bank: Path, out: Path, place: str, count: int = 1) -> None:
    """An intake that is killed at the given place, the given time that it comes there."""
    words = [GROWING.model_dump_json(), str(bank), str(out), place, str(count)]
    run = subprocess.run([sys.executable, "-c", KILLED, *words], cwd=repository, check=False)
    assert run.returncode == -9


@pytest.mark.parametrize(
    ("place", "count", "new"),
    [
        ("sorting transactions", 1, False),
        ("Written.add.after", 1, False),
        ("Passage.keep_ledger.after", 1, False),
        ("disk.exchange.after", 1, False),  # the quarantine is in place, the tables are not
        ("disk.exchange.before", 2, False),
        ("disk.exchange.after", 2, True),
    ],
)
def test_a_run_that_is_killed_leaves_the_old_tables_or_the_new_and_the_next_finds_its_way(
    tmp_path: Path, repository: Path, place: str, count: int, new: bool
) -> None:
    bank, layout = write_bank(tmp_path / "bank"), Layout(tmp_path / "out")
    old = take_in(GROWING, bank, layout).require_sound().record
    shutil.copy(bank / "transactions.parquet", tmp_path / "old.parquet")
    write_bank(bank, 70)
    (bank / "transactions.parquet").rename(bank / "transactions_2.parquet")
    shutil.copy(tmp_path / "old.parquet", bank / "transactions.parquet")
    settings = GROWING.model_copy(update={"rejected_share_max": 1.0})
    more = pd.read_parquet(bank / "transactions_2.parquet")
    more.assign(transaction_id="N" + more["transaction_id"]).to_parquet(
        bank / "transactions_2.parquet"
    )
    expected = take_in(settings, bank, Layout(tmp_path / "other")).require_sound().record
    assert old is not None
    assert expected is not None
    killed(repository, bank, layout.root, place, count)
    verify_parts(layout.tables)
    assert data_hashes(layout) == (expected if new else old).data_hashes
    report = take_in(GROWING, bank, layout).require_sound()
    assert report.record is not None
    assert report.record.data_hashes == expected.data_hashes
    assert sorted(path.name for path in layout.root.iterdir()) == [
        "quality.json",
        "quarantine",
        "tables",
    ]


def test_files_that_a_killed_run_had_read_are_not_read_again_unless_they_changed(
    tmp_path: Path, repository: Path
) -> None:
    bank, layout = write_bank(tmp_path / "bank"), Layout(tmp_path / "out")
    for name in ("b", "c"):
        rows = pd.read_parquet(bank / "transactions.parquet")
        rows.assign(transaction_id=name + rows["transaction_id"]).to_parquet(
            bank / f"transactions_{name}.parquet"
        )
    whole = take_in(GROWING, bank, Layout(tmp_path / "other")).require_sound()
    killed(repository, bank, layout.root, "reading transactions_c.parquet")
    assert not layout.tables.exists()
    shutil.copytree(layout.root, tmp_path / "left")
    steps: list[str] = []
    report = take_in(GROWING, bank, layout, "UTC", lambda step, _: steps.append(step))
    assert [step for step in steps if "reading" in step] == ["reading transactions_c.parquet"]
    assert report.quality == whole.quality
    assert report.require_sound().record == whole.record
    rows.to_parquet(bank / "transactions_b.parquet")  # T0 ... again: repeats
    steps.clear()
    changed = take_in(GROWING, bank, Layout(tmp_path / "left"), "UTC", lambda s, _: steps.append(s))
    assert [step for step in steps if "reading" in step] == [
        "reading transactions_b.parquet",
        "reading transactions_c.parquet",
    ]
    assert changed.quality.table("transactions").duplicates == 50


def test_a_disk_that_fills_while_a_part_is_added_leaves_the_old_parts(
    tmp_path: Path, repository: Path
) -> None:
    bank, out = write_bank(tmp_path / "bank"), tmp_path / "out"
    take_in(SOURCE, bank, Layout(out)).require_sound()
    before = contents(out)
    rows = pd.read_parquet(bank / "transactions.parquet")
    many = pd.concat([rows] * 8_000, ignore_index=True)
    many = many.assign(transaction_id=[f"N{at}" for at in range(len(many))])
    many.to_parquet(bank / "transactions_2.parquet")
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n"
    words = [GROWING.model_dump_json(), str(bank), str(out)]
    run = subprocess.run(
        [sys.executable, "-c", limit + RUN, *words],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "BADINPUT cannot write the tables" in run.stderr
    assert contents(out) == before
