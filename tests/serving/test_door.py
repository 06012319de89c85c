"""The application behind its door, in this process: limits, time-outs and faults."""

import asyncio
import json
import threading

import httpx
import pytest

from domain.errors import BadInput
from serving.app import create_app
from serving.deployment import Deployment
from serving.door import Door
from serving.metrics import Metrics
from serving.settings import ServingSettings

BODY = {"customers": [{"customer_id": "C1"}]}


class Slow:
    """Answers after `go`; stands where the loaded models stand."""

    def __init__(self) -> None:
        self.vocabulary: dict[str, object] = {}
        self.go, self.asked, self.error = threading.Event(), 0, None

    def scores(self, customers, request_id, now):
        self.asked += 1
        if self.error:
            raise self.error
        self.go.wait(10)
        return [{"customer_id": each.customer_id} for each in customers]

    def versions(self):
        return {}


def ask(tmp_path, answering, work, **settings):
    """Run `work(client)` against the application that `answering` stands behind."""
    where = Deployment(tmp_path, tmp_path, "uri", ServingSettings(**settings))
    metrics = Metrics()

    def opener(_: Deployment):
        if isinstance(answering, Exception):
            raise answering
        return answering

    app = create_app(lambda: where, opener, metrics)
    door = Door(app, app, lambda: where, metrics)

    async def run():
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(door, client=("127.0.0.1", 1))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                while (await client.get("/readyz")).json().get("state") == "loading":
                    await asyncio.sleep(0.01)
                return await work(client)

    return asyncio.run(run())


def test_over_the_limit_is_429_with_retry_after_and_livez_answers(tmp_path):
    slow = Slow()

    async def work(client):
        held = [asyncio.create_task(client.post("/v1/score", json=BODY)) for _ in range(2)]
        await asyncio.sleep(0.1)
        refused, alive = await client.post("/v1/score", json=BODY), await client.get("/livez")
        slow.go.set()
        return refused, alive, await asyncio.gather(*held)

    refused, alive, held = ask(tmp_path, slow, work, concurrent_max=2)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert alive.status_code == 200
    assert [each.status_code for each in held] == [200, 200]


def test_too_long_is_504_and_what_waits_behind_it_is_never_begun(tmp_path):
    slow = Slow()

    async def work(client):
        both = [asyncio.create_task(client.post("/v1/score", json=BODY)) for _ in range(2)]
        answers = await asyncio.gather(*both)
        slow.go.set()
        return answers

    answers = ask(tmp_path, slow, work, timeout_seconds=0.2)
    assert [each.status_code for each in answers] == [504, 504]
    assert slow.asked == 1


def test_a_body_that_never_ends_is_408(tmp_path):
    async def drip():
        yield b'{"customers"'
        await asyncio.sleep(5)

    async def work(client):
        return await client.post(
            "/v1/score", content=drip(), headers={"Content-Type": "application/json"}
        )

    assert ask(tmp_path, Slow(), work, timeout_seconds=0.2).status_code == 408


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (OSError(28, "No space left on device"), 503, "cannot be written: No space left"),
        (BadInput("feature columns are missing: x"), 503, "feature columns are missing: x"),
    ],
)
def test_what_the_operator_must_mend_is_503(tmp_path, error, status, words):
    slow = Slow()
    slow.error = error

    async def work(client):
        return await client.post("/v1/score", json=BODY)

    answer = ask(tmp_path, slow, work)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_a_fault_of_ours_is_a_500_problem_without_its_innards(tmp_path):
    slow = Slow()
    slow.error = RuntimeError("secret innards")

    async def work(client):
        with pytest.raises(RuntimeError):
            await client.post("/v1/score", json=BODY)

    ask(tmp_path, slow, work)
    (log,) = tmp_path.glob("requests-*.jsonl")
    assert json.loads(log.read_text().splitlines()[-1])["status"] == 500


@pytest.mark.parametrize(
    ("error", "words"), [(BadInput("no champion"), "no champion"), (BadInput("x" * 9), "x" * 9)]
)
def test_a_failed_load_says_why_in_readyz(tmp_path, error, words):
    async def work(client):
        return await client.get("/readyz"), await client.post("/v1/score", json=BODY)

    ready, asked = ask(tmp_path, error, work)
    assert (ready.status_code, ready.json()["state"], ready.json()["detail"]) == (
        503,
        "failed",
        words,
    )
    assert asked.status_code == 503


@pytest.mark.parametrize("client", ["192.0.2.7", "10.0.0.1", "", "::ffff:192.0.2.7"])
def test_without_keys_another_machine_is_refused_wherever_we_listen(tmp_path, client):
    where = Deployment(tmp_path, tmp_path, "uri")
    app = create_app(lambda: where, lambda _: pytest.fail("never opened"), Metrics())
    door = Door(app, app, lambda: where, Metrics())

    async def run():
        transport = httpx.ASGITransport(door, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
            return await asking.get("/docs.json")

    assert asyncio.run(run()).status_code == 401


def test_a_websocket_is_closed(tmp_path):
    where = Deployment(tmp_path, tmp_path, "uri")
    sent = []

    async def send(message):
        sent.append(message)

    async def run():
        door = Door(None, None, lambda: where, Metrics())
        await door({"type": "websocket", "path": "/v1/score"}, None, send)

    asyncio.run(run())
    assert sent == [{"type": "websocket.close", "code": 1008}]
