"""The routes of the service: bytes in, parsed, answered, bytes out; no arithmetic."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import BadInput
from serving.answering import Answering
from serving.body import json_body
from serving.deployment import Deployment
from serving.metrics import Metrics
from serving.openapi import openapi
from serving.problems import Problem
from serving.requests import feedback_request, score_request

Result = TypeVar("Result")
Opener = Callable[[Deployment], Answering]


class Desk:
    """The one place of a worker where answers are made; it opens while the server listens.

    Models and store live on one thread of their own, so that `/livez` answers whatever they do.
    """

    def __init__(self, deployment: Callable[[], Deployment], opener: Opener) -> None:
        self._deployment, self._opener = deployment, opener
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answering")
        self._answering: Answering | None = None
        self._failure: str | None = None

    def open(self) -> None:
        """Begin to load; `answering` tells when it is done."""
        threading.Thread(target=self._open, name="opening", daemon=True).start()

    def _open(self) -> None:
        try:
            self._answering = self._opener(self._deployment())
        except BadInput as error:
            self._failure = str(error)
        except Exception as error:
            self._failure = f"a fault of ours while loading: {error!r}"
            raise

    def close(self) -> None:
        """Finish what was begun and stop."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    @property
    def answering(self) -> Answering:
        """What answers, or the Problem that says why nothing does yet."""
        if self._failure:
            raise Problem(503, self._failure, state="failed")
        if self._answering is None:
            raise Problem(
                503, "the models are being loaded", headers={"Retry-After": "1"}, state="loading"
            )
        return self._answering

    async def on_thread(self, work: Callable[[], Result]) -> Result:
        """The result of `work` from the thread of the models, within the time-out."""
        seconds = self._deployment().settings.timeout_seconds
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.wait_for(future, seconds)
        except TimeoutError as error:
            raise Problem(
                504, f"no answer within {seconds:g} s; ask for fewer customers"
            ) from error
        except BadInput as error:
            raise Problem(503, str(error)) from error
        except OSError as error:
            raise Problem(503, f"the record cannot be written: {error.strerror}") from error


def create_app(deployment: Callable[[], Deployment], opener: Opener, metrics: Metrics) -> Starlette:
    """The application; nothing is read or loaded before it starts."""
    desk = Desk(deployment, opener)
    routes = _Routes(desk, deployment, metrics)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        desk.open()
        yield
        desk.close()

    app = Starlette(
        routes=[
            Route("/v1/score", routes.score, methods=["POST"]),
            Route("/v1/feedback", routes.feedback, methods=["POST"]),
            Route("/v1/models", routes.models, methods=["GET"]),
            Route("/livez", routes.livez, methods=["GET"]),
            Route("/readyz", routes.readyz, methods=["GET"]),
            Route("/metrics", routes.metrics, methods=["GET"]),
            Route("/docs.json", routes.docs, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _no_such_route, Problem: _problem},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


async def _problem(_: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return error.response()


async def _no_such_route(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    detail = f"{request.method} is not answered here, or the path is not; see /docs.json"
    return Problem(error.status_code, detail, headers=dict(error.headers or {})).response()


class _Routes:
    """One method a route."""

    def __init__(self, desk: Desk, deployment: Callable[[], Deployment], metrics: Metrics) -> None:
        self._desk, self._deployment, self._metrics = desk, deployment, metrics

    async def score(self, request: Request) -> Response:
        settings, answering = self._deployment().settings, self._desk.answering
        body = await json_body(request, settings)
        asked = score_request(body, answering.vocabulary, settings.customers_max)
        request_id, now = request.state.request_id, datetime.now(UTC)
        entries = await self._desk.on_thread(
            lambda: answering.scores(asked.customers, request_id, now)
        )
        for entry in entries:
            self._metrics.scored(entry.get("risk_band", "unknown"))
        model = answering.versions()
        return _json({"scores": entries, "model": model, "request_id": request_id})

    async def feedback(self, request: Request) -> Response:
        settings, answering = self._deployment().settings, self._desk.answering
        feedback = feedback_request(await json_body(request, settings))
        request_id, now = request.state.request_id, datetime.now(UTC)
        await self._desk.on_thread(lambda: answering.take_feedback(feedback, request_id, now))
        return _json({"accepted": 1, "feedback_id": request_id}, 201)

    async def models(self, _: Request) -> Response:
        answering = self._desk.answering
        return _json(
            {"models": answering.inventory(), "grid_version": answering.online.grid_version}
        )

    async def livez(self, _: Request) -> Response:
        return _json({"status": "alive"})

    async def readyz(self, _: Request) -> Response:
        return _json({"status": "ready", **self._desk.answering.versions()})

    async def metrics(self, _: Request) -> Response:
        return self._metrics.page()

    async def docs(self, _: Request) -> Response:
        return _json(openapi(self._deployment().settings))


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
