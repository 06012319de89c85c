"""Which process does a run belong to, and does it still live."""

import json
import os
import socket
from pathlib import Path

PROCESS_TAG = "gridkeep.process"  # of a run: who works on it, so that a killed one is found


def this_process() -> str:
    """Host, number and start of this process, as the JSON of a tag.

    >>> is_gone(this_process())
    False
    """
    pid = os.getpid()
    return json.dumps({"host": socket.gethostname(), "pid": pid, "start": _start(pid)})


def is_gone(tag: str) -> bool:
    """True when the process lived on this host and does so no more; other hosts are unknown.

    >>> is_gone('{"host": "elsewhere", "pid": 1, "start": null}')
    False
    """
    process = json.loads(tag)
    if process["host"] != socket.gethostname():
        return False
    try:
        os.kill(process["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # alive, and somebody else's
    return bool(_start(process["pid"]) != process["start"])


def _start(pid: int) -> str | None:
    # a number is given again after a process ends; number and start time together are not
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    after_name = stat.rpartition(")")[2].split()
    return None if after_name[0] == "Z" else after_name[19]
