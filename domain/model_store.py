"""The model store as training and serving meet it: its address, its folder, its failures.

No client is imported here; the two modules that have one say what it raises.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domain.errors import BadInput

EMBEDDED = "sqlite:///"
BUNDLE_FOLDER = "model"  # of a run's artifacts

# a bank's host does not call out, and a progress bar of a library is nobody's business
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "DO_NOT_TRACK": "true",
}
# unless the environment says otherwise: a store that is gone is told within a minute
PATIENCE = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "PGCONNECT_TIMEOUT": "10",  # seconds
}
DATABASE_TRIES = 3

LONGEST = 400  # characters of a client's message that are passed on
_CREDENTIALS = re.compile(r"(?<=://)\S*@")
_PARAMETER = re.compile(r"(?i)\b(password|passwd|pwd|token|secret)=[^&\s'\"]+")


def redacted(text: str) -> str:
    """The text without what may be a password in an address.

    >>> redacted("no answer from 'postgresql://me:p@ss/w@db:5432/models?password=x'")
    "no answer from 'postgresql://***@db:5432/models?password=***'"
    """
    return _PARAMETER.sub(r"\1=***", _CREDENTIALS.sub("***@", text))


def store_folder(uri: str) -> Path | None:
    """The folder of an embedded store, None for a server.

    >>> store_folder("sqlite:////bank/mlruns/mlflow.db").as_posix()
    '/bank/mlruns'
    >>> store_folder("http://models:5000")
    """
    return Path(uri.removeprefix(EMBEDDED)).parent if uri.startswith(EMBEDDED) else None


def bundle_folder(uri: str, run_id: str) -> Path | None:
    """Where an embedded store keeps the bundle of a run, wherever the store was when it was made.

    >>> bundle_folder("sqlite:////bank/mlruns/mlflow.db", "1f").as_posix()
    '/bank/mlruns/artifacts/1f/artifacts/model'
    """
    folder = store_folder(uri)
    return folder and folder / "artifacts" / run_id / "artifacts" / BUNDLE_FOLDER


class StoreFailure(BadInput):
    """What the model store said instead of an answer; `code` is MLflow's, if it has one."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@contextmanager
def answering(uri: str, failures: tuple[type[BaseException], ...]) -> Iterator[None]:
    """Turn the client's `failures` into StoreFailure, which never tells a password."""
    try:
        yield
    except failures as error:
        if isinstance(error, BadInput):
            raise
        lines = str(error).strip().splitlines() or [type(error).__name__]
        message = (
            f"the model store {redacted(uri)} cannot be used: {redacted(lines[0])[:LONGEST]}; "
            "check MLFLOW_TRACKING_URI or [tracking] uri"
        )
        # not `from error`: a notebook would print the cause, and with it the address
        raise StoreFailure(message, str(getattr(error, "error_code", ""))) from None


class Asked:
    """A client every call of which may fail in the words of `answering`."""

    def __init__(self, client: Any, uri: str, failures: tuple[type[BaseException], ...]) -> None:
        self._client, self._uri, self._failures = client, uri, failures

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._client, name)

        def asked(*words: Any, **named: Any) -> Any:
            with answering(self._uri, self._failures):
                return call(*words, **named)

        return asked
