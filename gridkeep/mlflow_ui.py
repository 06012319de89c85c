"""`gridkeep ui`: MLflow's own UI as child processes that never outlive the command."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from domain.errors import BadInput
from gridkeep.config import Config
from serving.serve import STOP_SECONDS, require_free_port

HOST = "127.0.0.1"


def open_ui(config: Config, port: int) -> None:
    """MLflow's own UI on the store, on this machine only, until it is stopped."""
    from gridkeep.verbs import store_of

    require_free_port(HOST, port)
    store_of(config)  # tells of a store that cannot be used, and follows one that was moved
    command = [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port)]
    # by the environment: everyone on the machine can read a command line, password included
    given = {
        "MLFLOW_BACKEND_STORE_URI": config.tracking_uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    until_stopped(command, given, port)


def until_stopped(command: Sequence[str], given: Mapping[str, str], port: int) -> None:
    """Run a server that only a signal to us ends; BadInput when it ends by itself.

    MLflow's exit code is 0 when its server could not take the port, so the code tells nothing.
    """
    with _group(command, given) as leader:
        code = leader.wait()
    require_free_port(HOST, port)  # taken between our look and the server's: say so
    raise BadInput(f"MLflow's UI ended by itself (its code was {code}); its words stand above")


@contextmanager
def _group(command: Sequence[str], given: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A session of its own: the server below MLflow's command ends with it, whatever ends us."""
    leader = subprocess.Popen(  # noqa: S603 (our interpreter)
        command, env={**os.environ, **given}, start_new_session=True
    )
    try:
        yield leader
    finally:
        _end(leader)


def _end(leader: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            leader.wait(STOP_SECONDS)
        os.killpg(leader.pid, signal.SIGKILL)  # what did not listen
    leader.wait()
