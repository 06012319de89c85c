"""One Spark session of this process: opened within bounded time, watched while it works.

What people can mend (no Java, nobody at the address, no executor, a full disk) is BadInput.
"""

import contextlib
import os
import socket
import sys
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from importlib import import_module
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

from domain.errors import BadInput
from features.settings import EngineSettings
from features.spark.errors import told
from features.spark.settings import address_of, hosts_of, properties, sql_properties
from features.spill import Spill, spill_folder

Answer = TypeVar("Answer")

POLL_SECONDS = 0.5
PROBE_SECONDS = 5.0  # for a TCP connection to the master or the Connect server
LOG = "spark.log"  # in the spill folder: what the JVM says, so that the terminal stays readable


class Spark:
    """A session and what was made for it; it is stopped when nobody holds it any more."""

    def __init__(self, settings: EngineSettings, session: Any, spill: Spill) -> None:
        self.settings = settings
        self.session = session
        self.context = getattr(session, "_sc", None)  # none of Spark Connect
        self.stop = weakref.finalize(self, _stop, session, spill)

    def run(self, work: Callable[[], Answer], tick: Callable[[], None] = lambda: None) -> Answer:
        """The answer of `work`, a Spark action; `tick` is called while it runs.

        When anything ends it early (an interruption, no executor for `wait_seconds`), its jobs
        are cancelled and over before this returns: nothing is written afterwards.
        """
        lonely = _Lonely(self)
        with told(self.settings), ThreadPoolExecutor(1, "spark") as pool:
            running: Future[Answer] = pool.submit(work)
            try:
                while not wait([running], POLL_SECONDS).done:
                    tick()
                    lonely.check()
            except BaseException:
                self._cancel()
                raise
            return running.result()

    def _cancel(self) -> None:
        if self.context is None:
            self.session.interruptAll()
        elif self.context._jsc is not None:
            self.context.cancelAllJobs()

    def counting(self) -> tuple[Any, Any]:
        """What observes a frame while it is written, and a count of its rows."""
        kind = "pyspark.sql" if self.context is not None else "pyspark.sql.connect"
        functions = import_module(f"{kind}.functions")
        rows = functions.count(functions.lit(1))
        return import_module(f"{kind}.observation").Observation(), rows

    def executors(self) -> int | None:
        """How many executors there are now; None where that cannot be asked."""
        if self.context is None or self.context.master.startswith("local"):
            return None
        return int(self.context._jsc.sc().getExecutorMemoryStatus().size()) - 1  # the driver


class _Lonely:
    """Since when a job has been waiting without a single executor."""

    def __init__(self, spark: Spark) -> None:
        self._spark = spark
        self._since: float | None = None

    def check(self) -> None:
        if self._spark.executors() != 0:
            self._since = None
            return
        self._since = self._since or monotonic()
        seconds = self._spark.settings.wait_seconds
        if monotonic() - self._since > seconds:
            raise BadInput(
                f"Spark at {address_of(self._spark.settings)} has had no executor for "
                f"{seconds:g} s; look whether its workers run and have a core and "
                f"{self._spark.settings.memory} free, or lower [engine] memory"
            )


_live: "weakref.ref[Spark] | None" = None


def spark_of(settings: EngineSettings) -> Spark:
    """The session that the settings name; that of this process if it is the same.

    Raises BadInput within `wait_seconds` and a little when there is none to be had.
    """
    global _live
    running = _live() if _live is not None else None
    if running is not None and running.stop.alive:
        if running.settings != settings:
            raise BadInput(
                f"this process already works with Spark at {address_of(running.settings)}; "
                "let go of those tables first"
            )
        return running
    spark = _opened(settings)
    _live = weakref.ref(spark)
    return spark


def _opened(settings: EngineSettings) -> Spark:
    _require_pyspark()
    _require_listener(settings)
    spill = spill_folder()
    try:
        with told(settings, spill.path / LOG):
            session = _within(settings, lambda: _session(settings, spill.path))
            spark = Spark(settings, session, spill)
    except BaseException:
        spill.give_back()
        raise
    try:
        with told(settings):
            _within(settings, lambda: session.range(2).repartition(2).count())
    except BaseException:
        spark.stop()
        raise
    return spark


def _require_pyspark() -> None:
    try:
        import pyspark  # noqa: F401
    except ImportError as error:
        raise BadInput(
            'engine.kind is "spark", but pyspark is not installed; install gridkeep[spark]'
        ) from error


def _require_listener(settings: EngineSettings) -> None:
    """Ask for a TCP connection first: Spark itself would try for minutes."""
    hosts = hosts_of(settings)
    failures = [failure for host in hosts if (failure := _refusal(*host))]
    if hosts and len(failures) == len(hosts):
        raise BadInput(
            f"nobody answers at {address_of(settings)} ({failures[0]}); start the cluster or mend "
            "engine.url"
        )


def _refusal(host: str, port: int) -> str | None:
    try:
        socket.create_connection((host, port), PROBE_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _session(settings: EngineSettings, folder: Path) -> Any:
    address = address_of(settings, secret=True)
    if address.startswith("sc://"):
        return _remote_session(settings, address)
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    _context(properties(settings, folder), folder / LOG)
    return SparkSession.builder.getOrCreate()


def _context(told: Mapping[str, str], log: Path) -> None:
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    conf = SparkConf(loadDefaults=False)
    for key, value in told.items():
        conf.set(key, value)
    with log.open("wb") as said:
        # one JVM serves every session of a process, one after the other
        launch: Callable[..., Any] = launch_gateway
        streams = {"stdout": said, "stderr": said}
        gateway = SparkContext._gateway or launch(conf, streams)
    # the JVM remembers the folder of the session before, which is gone
    getattr(getattr(gateway.jvm.org.apache.spark.util, "Utils$"), "MODULE$").clearLocalRootDirs()
    SparkContext(conf=SparkConf(_jvm=gateway.jvm).setAll(list(told.items())), gateway=gateway)


def _remote_session(settings: EngineSettings, address: str) -> Any:
    from pyspark.sql.connect.session import SparkSession

    session = SparkSession.builder.remote(address).create()
    for key, value in sql_properties(settings).items():
        session.conf.set(key, value)
    return session


def _within(settings: EngineSettings, work: Callable[[], Answer]) -> Answer:
    """The answer of `work`, or BadInput after `wait_seconds`; what hangs is left behind."""
    answers: Queue[Future[Answer]] = Queue()
    Thread(target=lambda: answers.put(_done(work)), daemon=True).start()
    try:
        return answers.get(timeout=settings.wait_seconds).result()
    except Empty as error:
        raise BadInput(
            f"Spark at {address_of(settings)} did nothing for {settings.wait_seconds:g} s; look "
            f"whether its workers run and have a core and {settings.memory} free, or raise "
            "engine.wait_seconds"
        ) from error


def _done(work: Callable[[], Answer]) -> "Future[Answer]":
    future: Future[Answer] = Future()
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 (it is raised where the answer is asked for)
        future.set_exception(error)
    return future


def _stop(session: Any, spill: Spill) -> None:
    with contextlib.suppress(Exception):  # a cluster that is gone needs no farewell
        session.stop()
    spill.give_back()
