import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from serving.prediction_log import DayLog, Pseudonyms, open_logs

NOW = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_records_are_lines_of_the_day(tmp_path):
    log = DayLog(tmp_path, "predictions")
    log.append([{"a": 1}, {"a": 2}], NOW)
    log.append([{"a": 3}], NOW)
    log.append([], NOW)
    path = tmp_path / "predictions-2026-01-31.jsonl"
    assert read(path) == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_torn_line_is_not_glued_to_the_next_record(tmp_path):
    log = DayLog(tmp_path, "feedback", durable=True)
    log.append([{"a": 1}], NOW)
    with log.path(NOW).open("a") as file:
        file.write('{"a": 2, "b')
    log.append([{"a": 3}], NOW)
    assert log.path(NOW).read_text().splitlines() == ['{"a":1}', '{"a": 2, "b', '{"a":3}']


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from serving.prediction_log import DayLog
log = DayLog(Path(sys.argv[1]), "predictions")
for at in range(200):
    record = {"who": sys.argv[2], "at": at, "long": "x" * 300_000}
    log.append([record], datetime(2026, 1, 31, tzinfo=UTC))
"""


def test_two_processes_never_tear_one_anothers_lines(tmp_path):
    both = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), who]) for who in ("a", "b")
    ]
    assert [child.wait() for child in both] == [0, 0]
    records = read(tmp_path / "predictions-2026-01-31.jsonl")
    for who in ("a", "b"):
        assert [each["at"] for each in records if each["who"] == who] == list(range(200))


FULL = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from serving.prediction_log import DayLog
resource.setrlimit(resource.RLIMIT_FSIZE, (103, resource.RLIM_INFINITY))
log = DayLog(Path(sys.argv[1]), "predictions")
try:
    for at in range(100):
        log.append([{"at": at}], datetime(2026, 1, 31, tzinfo=UTC))
except OSError:
    sys.exit(at)
"""


def test_a_full_disk_is_told_to_the_caller_not_swallowed(tmp_path):
    acknowledged = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)]).returncode
    (path,) = tmp_path.iterdir()
    *whole, torn = path.read_bytes().split(b"\n")
    assert (len(whole), path.stat().st_size) == (acknowledged, 103)
    assert torn


@settings(deadline=None)
@given(one=st.text(min_size=1), other=st.text(min_size=1))
def test_pseudonyms_are_of_a_customer_and_of_a_key(one, other):
    names, others = Pseudonyms(b"k" * 32), Pseudonyms(b"l" * 32)
    assert (names.of(one) == names.of(other)) == (one == other)
    assert names.of(one) != others.of(one)


def test_the_key_is_made_once_and_only_we_can_read_it(tmp_path):
    first, again = open_logs(tmp_path / "logs"), open_logs(tmp_path / "logs")
    assert first.of("C1") == again.of("C1")
    (key,) = (tmp_path / "logs").iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert open_logs(tmp_path / "logs", "another secret").of("C1") != first.of("C1")


def test_a_log_folder_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match=r"log folder .* cannot be written"):
        open_logs(tmp_path / "file" / "logs")
    assert os.listdir(tmp_path) == ["file"]
