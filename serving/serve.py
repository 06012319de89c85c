"""`gridkeep serve`: the service as a child process, watched from its start to its end."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from domain.errors import BadInput
from domain.layout import Layout
from serving.deployment import KEYS, Deployment, api_keys, is_loopback
from serving.registry import require_champion
from serving.settings import ServingSettings

SERVICE = "serving.service:GridkeepService"
POLL_SECONDS = 0.2
STOP_SECONDS = 20.0
TAIL_LINES = 5


def _unheard(url: str) -> None:
    """Nobody waits for the service to be ready."""


def serve(
    settings: ServingSettings,
    layout: Layout,
    host: str,
    port: int,
    tracking_uri: str,
    online: Path,
    ready: Callable[[str], None] = _unheard,
) -> int:
    """Run the service until it is told to stop; the exit code of a clean stop is 0.

    `ready` is called with the address once models and store are loaded. The server's own
    words go to `logs/service.log`. Raises BadInput when the port is taken, when a public
    address has no keys, and when the models cannot be loaded: nothing is left running then.
    """
    address = _address(host)
    _refuse_open_house(address, api_keys(os.environ))
    require_free_port(address, port)
    deployment = Deployment(online.absolute(), layout.logs.absolute(), tracking_uri, settings)
    log = _log_file(layout)
    with log.open("ab") as output, _child(deployment, address, port, output) as child:
        reached = _loopback_of(address)
        _wait_until_ready(child, reached, port, log)
        ready(f"http://{address}:{port}")
        return _outcome(child)


def require_servable(host: str, port: int, tracking_uri: str) -> None:
    """BadInput, before features and store are made, for what `serve` would refuse after them."""
    _refuse_open_house(_address(host), api_keys(os.environ))
    require_free_port(_address(host), port)
    require_champion("retention", tracking_uri)


def _address(host: str) -> str:
    return "127.0.0.1" if host == "localhost" else host


def _refuse_open_house(host: str, keys: tuple[str, ...]) -> None:
    if not keys and not is_loopback(host):
        raise BadInput(
            f"host {host} can be reached from other machines and no key is set; set {KEYS}, or "
            "serve on 127.0.0.1"
        )


def require_free_port(host: str, port: int) -> None:
    """BadInput when `port` of the address `host` is taken, or is not ours to take."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInput(
                f"port {port} of {host} cannot be used ({error.strerror}); stop what listens "
                "there or choose another --port"
            ) from error


def _log_file(layout: Layout) -> Path:
    try:
        layout.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = layout.logs / "service.log"
        log.touch(mode=0o600)
    except OSError as error:
        raise BadInput(
            f"the log folder {layout.logs} cannot be written: {error.strerror}"
        ) from error
    return log


@contextmanager
def _child(
    deployment: Deployment, host: str, port: int, output: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """BentoML in a session of its own; a signal to us goes to it once, and it never outlives us."""
    # in the folder that it shares by itself, a service that starts removes the counts of the others
    with tempfile.TemporaryDirectory(prefix="gridkeep-serve-") as home:
        variables = {**deployment.variables(), **_bentoml(deployment.settings, home)}
        child = _started(host, port, variables, output)
        try:
            with _forwarding(child):
                yield child
        finally:
            _stop(child)


def _started(
    host: str, port: int, variables: dict[str, str], output: Any
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bentoml", "serve", SERVICE]
    command += ["--host", host, "--port", str(port)]
    return subprocess.Popen(  # noqa: S603 (our own interpreter; host and port were bound above)
        command,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def _bentoml(settings: ServingSettings, home: str) -> dict[str, str]:
    return {
        "BENTOML_DO_NOT_TRACK": "true",
        "BENTOML_HOME": home,
        "BENTOML_CONFIG_OPTIONS": f"services.gridkeep.workers={settings.workers}",
    }


@contextmanager
def _forwarding(child: subprocess.Popen[bytes]) -> Iterator[None]:
    def forward(number: int, _: FrameType | None) -> None:
        child.send_signal(signal.SIGTERM)

    before = {each: signal.signal(each, forward) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _loopback_of(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared, not bound)


def _wait_until_ready(child: subprocess.Popen[bytes], host: str, port: int, log: Path) -> None:
    while child.poll() is None:
        state, detail = _readiness(host, port)
        if state == "failed":
            raise BadInput(detail)
        if state == "ready":
            return
        time.sleep(POLL_SECONDS)
    if child.returncode not in (0, -signal.SIGTERM):
        last = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        raise BadInput(f"the service did not start; the end of {log}: " + " / ".join(last))


def _readiness(host: str, port: int) -> tuple[str, str]:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        content = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        return "starting", ""
    finally:
        connection.close()
    if answer.status == http.client.OK:
        return "ready", ""
    return content.get("state", "starting"), content.get("detail", "")


def _outcome(child: subprocess.Popen[bytes]) -> int:
    code = child.wait()
    return 0 if code in (0, -signal.SIGTERM, -signal.SIGINT) else code
