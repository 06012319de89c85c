"""The UI's server ends with the command, and an end of its own is an error."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from domain.errors import BadInput
from gridkeep.mlflow_ui import until_stopped

# as MLflow's command: it waits for a server below it, and a kill of it alone leaves that running
SERVER = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); "
SERVER += "time.sleep(600)"
LEADER = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
UI = """
import sys

from gridkeep import cli, mlflow_ui

port, command = int(sys.argv.pop(1)), [sys.executable, *(sys.argv.pop(1) for _ in range(4))]
mlflow_ui.open_ui = lambda config, _: mlflow_ui.until_stopped(command, {}, port)
cli.main()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 1)])
def test_the_server_ends_with_the_command(bank, number, code):
    port = free_port()
    words = [str(port), "-c", LEADER, SERVER, str(port), "ui", "--config", str(bank.config)]
    ui = subprocess.Popen(
        [sys.executable, "-c", UI, *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    while ui.poll() is None and not listens(port):
        time.sleep(0.05)
    ui.send_signal(number)
    _, told = ui.communicate(timeout=50)
    assert (ui.returncode, listens(port)) == (code, False)
    assert told.strip() == "stopped; nothing half-written was left"


def test_a_port_that_another_took_meanwhile_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port} of 127.0.0.1 cannot be used"):
            until_stopped([sys.executable, "-c", ""], {}, port)  # MLflow's code is 0 here too


def test_a_server_that_ends_by_itself_is_an_error():
    with pytest.raises(BadInput, match=r"ended by itself \(its code was 7\)"):
        until_stopped([sys.executable, "-c", "raise SystemExit(7)"], {}, free_port())
