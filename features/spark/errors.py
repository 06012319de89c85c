"""Spark's failures in our words, where a person can mend them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import BadInput
from features.settings import EngineSettings
from features.spark.settings import address_of

# what is found in the error, and what to say of it; the first that fits
FAILURES = (
    (
        r"No space left on device|File too large|[Dd]isk quota exceeded",
        "the disk that Spark writes to is full: free space in the folder of the tables and in "
        "spark.local.dir (SPARK_LOCAL_DIRS of the workers)",
    ),
    (
        r"JAVA_GATEWAY_EXITED",
        "Spark could not be started: it needs Java 17 (`java -version`; set JAVA_HOME)",
    ),
    (
        r"OutOfMemoryError|Not enough memory|MEMORY_LIMIT|exit code 137|SIGKILL",
        "Spark had too little memory: raise [engine] memory",
    ),
    (
        r"FileNotFoundException|PATH_NOT_FOUND|FILE_NOT_EXIST",
        "a worker of Spark does not find a file that is here: the output folder must be shared "
        "with every worker under the same path",
    ),
    (
        r"Permission denied|AccessControlException|Mkdirs failed",
        "a worker of Spark may not write: give its user the right to write the output folder",
    ),
    (
        r"No module named|PYTHON_VERSION_MISMATCH|Cannot run program",
        "the workers of Spark lack this Python or its packages: see docs/scale.md",
    ),
    (
        r"All masters are unresponsive|Connection refused|UNAVAILABLE|failed to connect|"
        r"SparkContext was shut ?down|stopped SparkContext|SparkConnectGrpcException|"
        r"SESSION_(NOT_FOUND|CLOSED|CHANGED)",
        "the connection to Spark was lost or refused: look at the cluster, then run it again",
    ),
    (
        r"ExecutorLostFailure|Executor heartbeat timed out|Job aborted|Job \d+ cancelled|"
        r"maximum allowable|Application .*killed|Stage cancelled",
        "Spark gave the work up: look at its log, then run it again",
    ),
    (
        r"CANNOT_MODIFY|INVALID_CONF|spark\.[\w.]+ should be|Error while instantiating",
        "Spark refuses a property of [engine] options",
    ),
)

REASON = re.compile(r"[a-z][\w.$]+\.\w+(Exception|Error): .*")  # the last one caused the others


@contextmanager
def told(settings: EngineSettings, log: Path | None = None) -> Iterator[None]:
    """Turn what people can mend into BadInput; a bug of ours passes as it is.

    `log` is what the JVM wrote, quoted when it could not even start.
    """
    try:
        yield
    except Exception as error:
        if not _is_sparks(error):
            raise
        text = f"{type(error).__name__}: {error}"
        if ours := re.search(r"domain\.errors\.BadInput: (.+)", text):  # from an executor
            raise BadInput(ours[1]) from error
        said = _first_line(log) if log is not None else ""
        advice = next((advice for seen, advice in FAILURES if re.search(seen, text + said)), None)
        if advice is None:
            raise
        raise BadInput(f"{advice} ({address_of(settings)}: {_cause(text)}{said})") from error


def _is_sparks(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in ("pyspark", "py4j", "grpc")


def _cause(text: str) -> str:
    r"""The innermost reason that the error names, without its stack.

    >>> _cause("Py4JJavaError: it failed\n: Job aborted: java.io.IOException: No space\n\tat a.b")
    'java.io.IOException: No space'
    """
    lines = [line.strip() for line in text.splitlines() if not line.startswith("\tat ")]
    reasons = [found[0] for line in lines if (found := REASON.search(line))]
    return (reasons or lines)[-1 if reasons else 0][:300]


def _first_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    said = [line.strip() for line in lines if line.strip() and not line.startswith("WARNING")]
    return f"; {said[0][:300]}" if said else ""
