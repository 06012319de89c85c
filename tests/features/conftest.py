"""A real PostgreSQL server for the tests that read from one or compute inside one."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PASSWORD = "s3cr:t"


def programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    elsewhere = shutil.which("initdb")
    if not found and elsewhere is None:
        pytest.skip("PostgreSQL is not installed: no initdb")
    return found[-1].parent if found else Path(str(elsewhere)).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[int]:
    """Port of a private server on the loopback, with a password for its one user."""
    user = None
    if os.getuid() == 0:  # the server refuses to run as root
        try:
            user = pwd.getpwnam("postgres").pw_uid
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    where, port = programs(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home, secret = Path(folder) / "pg", Path(folder) / "secret"
        home.mkdir()
        secret.write_text(PASSWORD, "utf-8")
        if user is not None:
            os.chown(home, user, -1)
            os.chown(secret, user, -1)
        quiet = {"check": True, "capture_output": True, "cwd": folder, "user": user}
        data = str(home / "data")
        subprocess.run(
            [
                where / "initdb",
                "-D",
                data,
                "-U",
                "teller",
                "-A",
                "scram-sha-256",
                "--pwfile",
                secret,
            ],
            **quiet,  # type: ignore[call-overload]
        )
        options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = str(home / "log")
        start = [where / "pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start"]
        subprocess.run(start, **{**quiet, "capture_output": False, "stdout": -3, "stderr": -3})  # type: ignore[call-overload]
        try:
            yield port
        finally:
            stop = [where / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop"]
            subprocess.run(stop, **quiet)  # type: ignore[call-overload]
