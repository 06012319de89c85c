"""The door of the service: who may come in, how many at once, and the record of each call.

An ASGI middleware around every route there is, BentoML's own included: what it does not hand
to our application does not exist.
"""

import hashlib
import hmac
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.deployment import Deployment, is_loopback
from serving.metrics import Metrics
from serving.prediction_log import DayLog
from serving.problems import Problem

OPEN_PATHS = ("/livez", "/readyz")
ROUTES = ("/v1/score", "/v1/models", "/v1/feedback", "/metrics", "/docs.json", *OPEN_PATHS)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
OTHER = "other"
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


class Door:
    """Lets a request through to `application`, or answers with the problem.

    `deployment` and `requests` are asked for at each call: nothing is read at import.
    """

    def __init__(
        self,
        app: ASGIApp,
        application: ASGIApp,
        deployment: Callable[[], Deployment],
        metrics: Metrics,
    ) -> None:
        self._app, self._application = app, application
        self._deployment, self._metrics = deployment, metrics
        self._at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call; the server's start and stop pass through untouched."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._recorded(scope, receive, send)

    async def _recorded(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, statuses = time.perf_counter(), []
        scope.setdefault("state", {})["request_id"] = uuid.uuid4().hex

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._record(scope, message["status"], time.perf_counter() - began)
                statuses.append(message["status"])
                message.setdefault("headers", []).extend(_headers(scope))
            await send(message)

        try:
            await self._let_through(scope, receive, noting)
        except Problem as problem:
            await problem.response()(scope, receive, noting)
        except Exception:
            if statuses:
                raise
            fault = Problem(500, f"a fault of ours; request {scope['state']['request_id']}")
            await fault.response()(scope, receive, noting)
            raise

    async def _let_through(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in OPEN_PATHS:
            await self._application(scope, receive, send)
            return
        deployment = self._deployment()
        _admit(scope, deployment.keys)
        if self._at_work >= deployment.settings.concurrent_max:
            raise Problem(429, "the service is at its limit", headers={"Retry-After": "1"})
        self._at_work += 1
        try:
            await self._application(scope, receive, send)
        finally:
            self._at_work -= 1

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        self._metrics.answered(_route(scope), status, seconds)
        if scope["path"] in OPEN_PATHS:
            return
        now = datetime.now(UTC)
        DayLog(self._deployment().logs, "requests").append([_line(scope, status, now)], now)


def _route(scope: Scope) -> str:
    """A route of ours or "other": what a caller writes into an address may name a customer."""
    return scope["path"] if scope["path"] in ROUTES else OTHER


def _line(scope: Scope, status: int, now: datetime) -> dict[str, Any]:
    key = _bearer(scope)
    return {
        "at": now.isoformat(),
        "request_id": scope["state"]["request_id"],
        "method": scope["method"] if scope["method"] in METHODS else OTHER,
        "path": _route(scope),
        "status": status,
        "client": (scope.get("client") or ("",))[0],
        "key": hashlib.sha256(key).hexdigest()[:12] if key else None,
    }


def _headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-request-id", scope["state"]["request_id"].encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]


def _admit(scope: Scope, keys: tuple[str, ...]) -> None:
    if not keys:
        _admit_neighbour(scope)
        return
    given = _bearer(scope)
    # every key is compared, whichever fits: the time tells nothing
    fits = [hmac.compare_digest(given or b"", key.encode()) for key in keys]
    if not any(fits):
        seen = "the key is not known" if given else "no key was sent"
        raise Problem(
            401, f"{seen}; send Authorization: Bearer KEY", headers={"WWW-Authenticate": "Bearer"}
        )


def _admit_neighbour(scope: Scope) -> None:
    """Without keys only programs on this machine are served, and no web page by their browser."""
    client = (scope.get("client") or ("",))[0]
    name = (_header(scope, b"host") or b"").decode("latin-1").lower()
    if not is_loopback(client) or _without_port(name) not in LOCAL_NAMES:
        raise Problem(
            401,
            "this service has no keys and answers on its own machine only; set GRIDKEEP_API_KEYS",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _bearer(scope: Scope) -> bytes | None:
    scheme, _, key = (_header(scope, b"authorization") or b"").partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else None


def _header(scope: Scope, name: bytes) -> bytes | None:
    """The header's value; one that comes twice is none, whoever sent it."""
    found = [value for key, value in scope["headers"] if key == name]
    return found[0] if len(found) == 1 else None
