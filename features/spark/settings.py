"""What Spark is told: from [engine] to its addresses and properties."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from domain.errors import BadInput
from features.settings import EngineSettings, without_token

SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])(I?B)?", re.IGNORECASE)
POWER = {"K": 1, "M": 2, "G": 3, "T": 4}
CONNECT_PORT, MASTER_PORT = 15002, 7077
LOOPBACK = ("127.0.0.1", "localhost", "::1")

# The same answers as the embedded engine, whatever the cluster's own defaults are.
SQL = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.enableVectorizedReader": "true",
}
QUIET = {
    "spark.app.name": "gridkeep",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def address_of(settings: EngineSettings, *, secret: bool = False) -> str:
    """The address of the Spark meant; what may be secret in it only when asked for.

    >>> address_of(EngineSettings(kind="spark", threads=4))
    'local[4]'
    """
    url = settings.url or f"local[{settings.threads}]"
    if url.startswith("env:"):
        url = _from_environment(url.removeprefix("env:"))
    return url if secret else without_token(url)


def _from_environment(name: str) -> str:
    url = os.environ.get(name)
    if not url:
        raise BadInput(f"engine.url reads environment variable {name}, which is not set")
    return url


def hosts_of(settings: EngineSettings) -> list[tuple[str, int]]:
    """Host and port of every master or Connect server; none where Spark finds its own way.

    >>> hosts_of(EngineSettings(kind="spark", url="spark://one:7077,two"))
    [('one', 7077), ('two', 7077)]
    """
    kind, _, rest = address_of(settings).partition("://")
    if kind not in ("spark", "sc"):
        return []
    port = MASTER_PORT if kind == "spark" else CONNECT_PORT
    return [_host(each, port) for each in rest.split(",")]


def _host(address: str, port: int) -> tuple[str, int]:
    host, colon, number = address.rpartition(":")
    if not colon:
        return address, port
    if not number.isdigit():
        raise BadInput(f"engine.url names no port in {address!r}; write HOST:{port}")
    return host.strip("[]"), int(number)


def sql_properties(settings: EngineSettings) -> Mapping[str, str]:
    """Properties of a session; the only ones that Spark Connect lets a client set."""
    return {**SQL, **settings.options}


def properties(settings: EngineSettings, folder: Path) -> Mapping[str, str]:
    """Properties of a Spark application that we start; `folder` is for what it spills here.

    >>> made = properties(EngineSettings(kind="spark", memory="2GB"), Path("spill"))
    >>> made["spark.master"], made["spark.driver.memory"], made["spark.ui.enabled"]
    ('local[2]', '1907m', 'false')
    """
    address = address_of(settings)
    told = {"spark.master": address, "spark.local.dir": str(folder), **QUIET, **SQL}
    here = address.startswith("local")
    told["spark.driver.memory" if here else "spark.executor.memory"] = jvm_memory(settings.memory)
    if here or all(host in LOOPBACK for host, _ in hosts_of(settings) or [("", 0)]):
        told |= {"spark.driver.host": LOOPBACK[0], "spark.driver.bindAddress": LOOPBACK[0]}
    return {**told, **settings.options}


def jvm_memory(size: str) -> str:
    """A size as the JVM writes it, in mebibytes.

    >>> jvm_memory("8GB"), jvm_memory("512 MiB"), jvm_memory("2g")
    ('7629m', '512m', '2048m')
    """
    found = SIZE.fullmatch(size.strip())
    if not found:
        raise BadInput(f"[engine] memory {size!r} is no size; write memory like '8GB'")
    number, unit, rest = found.groups()
    base = 1000 if (rest or "").upper() == "B" else 1024
    return f"{int(float(number) * base ** POWER[unit.upper()] / 2**20)}m"
