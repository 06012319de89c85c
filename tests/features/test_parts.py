"""The files of the clean tables are as they were written, and are hashed once."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from features import parts
from features.file_hash import sha256
from features.intake import take_in
from features.parts import hash_ahead, record_in, verify_parts
from features.settings import SourceSettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The clean tables of two customers and a transaction."""
    people = {"customer_id": ["a", "b"], "onboarded_on": ["2024-01-01", "2024-01-02"]}
    pd.DataFrame(people).to_csv(tmp_path / "customers.csv", index=False)
    (tmp_path / "transactions.csv").write_text(
        "transaction_id,customer_id,posted_at,amount\nt,a,2024-02-01 10:00:00,1.5\n"
    )
    layout = Layout(tmp_path / "out")
    told = {"customers": {"file": "customers.csv"}, "transactions": {"file": "transactions.csv"}}
    take_in(SourceSettings.model_validate(told), tmp_path, layout).require_sound()
    return layout.tables


class Slow:
    """The SHA-256 of a file, once it may be told; it counts who asked for what."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, path: Path) -> str:
        self.asked[path.name] += 1
        self.begun.set()
        assert self.may_end.wait(60)
        return sha256(path)


def test_files_that_are_hashed_ahead_are_waited_for_and_read_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow()
    monkeypatch.setattr(parts, "sha256", slow)
    hash_ahead(folder)
    assert slow.begun.wait(60)
    with ThreadPoolExecutor(1) as beside:
        verified = beside.submit(verify_parts, folder)
        with pytest.raises(TimeoutError):
            verified.result(0.05)
        slow.may_end.set()
        verified.result(60)
    record = record_in(folder)
    assert record is not None
    assert slow.asked == {Path(part.file).name: 1 for part in record.parts}


def test_what_is_wrong_is_told_by_who_verifies_and_not_ahead(folder: Path) -> None:
    verify_parts(folder)
    file = folder / "customers.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    hash_ahead(folder)
    hash_ahead(folder / "none")
    with pytest.raises(BadInput, match=r"customers\.parquet' is not as the intake wrote it"):
        verify_parts(folder)


def test_a_file_that_could_not_be_read_is_read_the_next_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> str:
        raise BadInput(f"cannot read {path.name}")

    with monkeypatch.context() as patch:
        patch.setattr(parts, "sha256", refused)
        for _ in range(2):
            with pytest.raises(BadInput, match="cannot read"):
                verify_parts(folder)
    verify_parts(folder)
