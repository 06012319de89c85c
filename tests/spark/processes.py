"""A Spark cluster of separate processes on the loopback, from the package that we depend on."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

YOUNG = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # short runs are over before a JVM is warm
QUIET = {
    "SPARK_DAEMON_JAVA_OPTS": YOUNG,
    "SPARK_LOCAL_IP": "127.0.0.1",
    "PYSPARK_PYTHON": sys.executable,
    "TZ": "America/Sao_Paulo",  # of the machines, which must not matter
}


def spark_home() -> Path:
    import pyspark

    return Path(pyspark.__file__).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(f"nobody listens on {port}; exit {process.poll()}")


class Cluster:
    """One master and two workers, each a process of its own, on the loopback."""

    def __init__(self, folder: Path, memory: str = "900m") -> None:
        self.folder, self.memory, self.port = folder, memory, free_port()
        self.master = self._start("master", "--port", str(self.port))
        wait_for(self.port, self.master)
        self.workers = [self.worker(), self.worker()]

    @property
    def url(self) -> str:
        return f"spark://127.0.0.1:{self.port}"

    def worker(self) -> subprocess.Popen[bytes]:
        work = str(self.folder / "work")
        return self._start("worker", "-c", "1", "-m", self.memory, "-d", work, self.url)

    def _start(self, role: str, *words: str) -> subprocess.Popen[bytes]:
        return start(
            self.folder / f"{role}-{time.monotonic_ns()}.log",
            "spark-class",
            f"org.apache.spark.deploy.{role}.{role.title()}",
            *("--host", "127.0.0.1", "--webui-port", "0", *words),
        )

    def kill_a_worker(self) -> None:
        """As a machine that loses its power: the worker and its executor at once."""
        kill(self.workers.pop())

    def stop(self) -> None:
        for process in (*self.workers, self.master):
            kill(process)


def start(log: Path, command: str, *words: str, memory: str = "256m") -> subprocess.Popen[bytes]:
    with log.open("wb") as said:
        return subprocess.Popen(
            [spark_home() / "bin" / command, *words],
            env={**os.environ, **QUIET, "SPARK_DAEMON_MEMORY": memory},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def kill(process: subprocess.Popen[bytes]) -> None:
    """The process and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)
